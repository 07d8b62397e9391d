// Settings of devices, and of the process that opens them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "link/settings.h"
#include "wire/ethernet.h"

namespace mayfly::nic {

/// The kernel's part of a port: a second device, by which it gets what is not ours, and sends.
struct ExceptionSettings {
  std::string device;  ///< as PortSettings::device; empty = the port is ours alone
  /// The most frames, in each direction: a second in the long run, and at a poll. A frame to a tap
  /// was seen to cost up to 10 us of the core: a flood takes 5 % at most.
  std::uint32_t rate = 4'000;
  std::uint16_t burst = 8;
  bool any() const { return !device.empty(); }
};

/// What a device that runs an XDP program at an interface takes of what arrives there.
enum class XdpMode : std::uint8_t {
  all,    ///< every frame of its queues
  share,  ///< what is for the port's addresses; the kernel keeps the rest
};

/// A device, and the link behind it.
struct PortSettings : link::LinkSettings {
  std::string device;             ///< DPDK devargs of a virtual device, or a PCI address
  std::optional<MacAddress> mac;  ///< without: the device's own
  std::uint16_t queues = 0;       ///< 0 = one a core, or as many as the device has
  std::uint16_t descriptors = 0;  ///< of each ring; 0 = the default of the device
  ExceptionSettings exception;
  XdpMode xdp = XdpMode::all;
  link::FaultSettings faults;
  std::string pcap;  ///< file for a capture of every frame; empty = none
};

/// Whether packet memory may come from hugepages.
enum class HugePagesMode : std::uint8_t { automatic, never };

/// What becomes of a process whose links do not work.
struct LinksSettings {
  Duration give_up{};  ///< it ends when none has worked for so long; 0 = never
};

/// What becomes of the process's Linux capabilities once its devices are open.
enum class CapabilitiesMode : std::uint8_t { drop, keep };

/// What a process opens at start.
struct ProcessSettings {
  HugePagesMode hugepages = HugePagesMode::automatic;
  CapabilitiesMode capabilities = CapabilitiesMode::drop;
  std::vector<PortSettings> ports;
  LinksSettings links;
  std::string file_prefix;  ///< EAL --file-prefix; empty = made from the process id
  bool telemetry = false;   ///< DPDK's own telemetry socket
};

}  // namespace mayfly::nic
