// What can be tuned of the devices, and of the process that opens them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "link/settings.h"
#include "wire/ethernet.h"

namespace mayfly::nic {

/// A device, and the link behind it.
struct PortSettings : link::LinkSettings {
  std::string device;             ///< DPDK devargs of a virtual device, or a PCI address
  std::optional<MacAddress> mac;  ///< the device's own otherwise
  std::uint16_t queues = 0;       ///< 0 = one a core, as far as the device has them
  std::uint16_t descriptors = 0;  ///< per ring; 0 = a good default for the device
  link::FaultSettings faults;
  std::string pcap;  ///< write a capture of every frame to this file; empty = none
};

enum class HugePagesMode : std::uint8_t { automatic, never };

/// What the process opens before anything runs.
struct ProcessSettings {
  HugePagesMode hugepages = HugePagesMode::automatic;
  std::vector<PortSettings> ports;
  std::string file_prefix;  ///< EAL --file-prefix; empty = made from the process id
};

}  // namespace mayfly::nic
