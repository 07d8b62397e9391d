// An ethdev port from its devargs or PCI address to running queues: one DpdkPort for each polling
// core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "nic/dpdk_port.h"
#include "nic/settings.h"
#include "wire/ethernet.h"

namespace mayfly::nic {

struct DeviceOptions {
  std::uint32_t cores = 1;
  /// Frames a core that the stack may hold back, beside those in rings and bursts (waiting for ARP,
  /// receive windows kept as frames, a fault port's delay line).
  std::uint32_t frames_held = 1'024;
  /// How long a device may take to come up: a memif client waits for its server.
  Duration patience = Duration::from_s(60);
  /// Called about ten times a second meanwhile with what is being waited for; false gives up
  /// (Ctrl-C).
  std::function<bool(const std::string& waiting_for)> on_wait;
};

/// Memory in bytes that Device::open takes from EAL for such a port, roughly.
std::size_t port_memory(const PortSettings& settings, const DeviceOptions& options);

/// A started device. It outlives its DpdkPorts, and no core polls any more when it ends.
class Device {
 public:
  /// Control thread, after start_eal. A device of that name that exists already (a ring pair's end,
  /// or one of EalOptions::vdevs) is taken as it is. Errors say what to do.
  static Result<Device> open(const PortSettings& settings, const DeviceOptions& options);

  Device(Device&&) noexcept = default;
  Device& operator=(Device&&) = delete;
  ~Device();

  /// The port of the i-th polling core. Each is made once and used by that core only.
  DpdkPort port(std::uint32_t core_index) const { return DpdkPort(*group_, core_index); }

  MacAddress mac() const { return mac_; }
  Steering steering() const { return group_->steering; }
  bool link_up() const;

  /// For the start's report: driver, queues, offloads, and what stands in for the missing ones.
  std::string describe() const;

 private:
  Device() = default;
  friend class DeviceOpener;

  std::unique_ptr<PortGroup> group_;
  MacAddress mac_;
  std::string driver_;
  std::uint16_t rx_descriptors_ = 0, tx_descriptors_ = 0;
  std::uint64_t rx_offloads_ = 0;
  std::string mac_words_;
};

}  // namespace mayfly::nic
