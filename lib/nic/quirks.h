// What is special about single drivers: the one place where their names stand. A new driver that
// behaves like a NIC needs no row.
#pragma once

#include <span>
#include <string_view>

namespace mayfly::nic {

struct DriverQuirks {
  std::string_view driver;  ///< as ethdev calls it; the names of its devices begin with it
  /// It is a host's own interface: changing its MAC address would outlive this process.
  bool shares_host_interface = false;
  /// It has as many queues as the other end agrees to, whatever it says: only the user knows.
  bool knows_its_queues = true;
  /// The kernel spreads frames over all of its queue pairs from the start, read or not.
  bool spreads_by_itself = false;
  /// One end is a server on a UNIX socket: a client waits for it, and its file may be left behind.
  bool has_server_socket = false;
};

/// Every driver with a quirk, each once.
std::span<const DriverQuirks> driver_quirks() noexcept;

/// The quirks of a driver, by its name ("net_memif") or that of a device of it ("net_memif0"). A
/// driver without a row, and a PCI address, have none.
const DriverQuirks& quirks_of(std::string_view name) noexcept;

}  // namespace mayfly::nic
