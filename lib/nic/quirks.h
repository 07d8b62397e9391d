// The special properties of single drivers. Their names are in no other place. A new driver that
// behaves like a NIC needs no row.
#pragma once

#include <span>
#include <string_view>

#include "nic/rx_events.h"

namespace mayfly::nic {

/// The quirks of one driver.
struct DriverQuirks {
  std::string_view driver;  ///< its name in ethdev; the names of its devices begin with it
  /// It is an interface of the host: a changed MAC address would outlive this process.
  bool shares_host_interface = false;
  /// The interface that it is, or makes, is the kernel's end, whose MAC address it can set.
  bool is_kernel_end = false;
  /// It runs an XDP program, which may be ours (xdp_share.h).
  bool runs_xdp_program = false;
  /// False: it has as many queues as the other end agrees to, not as many as it reports, so the
  /// user has to set their number.
  bool knows_its_queues = true;
  /// The kernel spreads frames over all of its queue pairs from the start, whether they are read or
  /// not.
  bool spreads_by_itself = false;
  /// One end is a server on a UNIX socket. A client waits for it, and its file may remain after it.
  bool has_server_socket = false;
  /// The other end reaches into all of this process's packet memory.
  bool shares_memory = false;
  /// What becomes readable when it has received.
  RxEvents rx_events = RxEvents::none;
  /// virtio: the argument that names a socket, and the one that decides with "1" whether this end
  /// listens on it (the first) or connects to it (the second).
  std::string_view socket_argument = "", listens_argument = "", connects_argument = "";
  // Lists of words with spaces between.
  std::string_view arguments = "";            ///< all that it takes; empty = not known here
  std::string_view needs = "";                ///< arguments of which one must be there
  std::string_view interface_arguments = "";  ///< those that name an interface of the host
  std::string_view capture_arguments = "";    ///< those that name a capture file to read
};

/// Every driver with a quirk, each once.
std::span<const DriverQuirks> driver_quirks() noexcept;

/// The quirks of a driver, by its name ("net_memif") or that of a device of it ("net_memif0"). A
/// driver without a row, and a PCI address, have none.
const DriverQuirks& quirks_of(std::string_view name) noexcept;

}  // namespace mayfly::nic
