// An ethdev port from its devargs or PCI address to running queues: one DpdkPort for each polling
// core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "nic/dpdk_port.h"
#include "nic/exception_path.h"
#include "nic/link_reading.h"
#include "nic/memif.h"
#include "nic/settings.h"
#include "nic/xdp_share.h"
#include "wire/ethernet.h"

namespace mayfly::nic {

/// How to open a device.
struct DeviceOptions {
  std::uint32_t cores = 1;  ///< that poll it
  /// Frames a core that the stack may keep, besides those in rings and bursts: frames that wait for
  /// ARP, and those on a faulty wire.
  std::uint32_t frames_held = 1'024;
  /// Of which it takes its frames, for one core; it outlives the device. Null: it makes its own.
  rte_mempool* pool = nullptr;
  /// How long a device may take to become ready: a memif client waits for its server.
  Duration patience = Duration::from_s(60);
  /// Called about ten times a second during that time, with the name of what is waited for; false
  /// gives up (Ctrl-C).
  std::function<bool(const std::string& waiting_for)> on_wait;
};

/// The approximate memory in bytes that Device::open takes from the EAL for such a port.
std::size_t port_memory(const PortSettings& settings, const DeviceOptions& options);

/// A started device. It outlives its DpdkPorts, and must be destroyed only when no core polls.
class Device {
 public:
  /// Opens a device; for the control thread, after start_eal. If a device of that name exists (an
  /// end of a ring pair, or one of EalOptions::vdevs), it is used. Errors say what to do.
  static Result<Device> open(const PortSettings& settings, const DeviceOptions& options);

  Device(Device&&) noexcept = default;
  Device& operator=(Device&&) = delete;
  ~Device();

  /// The port of the i-th polling core. Each is made once and used by that core only.
  DpdkPort port(std::uint32_t core_index) const { return DpdkPort(*group_, core_index); }

  /// The file descriptors of which one becomes readable when there are frames for the core: the
  /// device's and, for the first core, those of the kernel's part. None: there is no such sign for
  /// all of its frames, and the core has to look. They are the device's.
  std::vector<int> rx_events(std::uint32_t core_index) const;

  MacAddress mac() const { return mac_; }
  Steering steering() const { return group_->steering; }
  /// True if the device has a link now.
  bool link_up() const { return link().state == LinkState::up; }
  /// The link now. Asks the kernel or the driver: for the control thread.
  LinkReading link() const;

  /// A description for the user: driver, queues, offloads, and what replaces missing ones.
  std::string describe() const;

 private:
  Device() = default;
  friend class DeviceOpener;

  std::unique_ptr<PortGroup> group_;
  bool owns_pools_ = true;
  std::unique_ptr<ExceptionGroup> exception_;  // null: the port is ours alone
  std::unique_ptr<Device> kernel_;             // the kernel's part of the port, or null
  std::unique_ptr<MemifControl> memif_;        // of a memif, else null
  std::unique_ptr<XdpShare> xdp_;              // null: no program of ours
  std::vector<int> rx_events_;                 // of each receive queue, or none
  MacAddress mac_;
  std::string driver_;
  std::string interface_;              // of the host; empty = none
  std::uint16_t mtu_ = 0;              // of the port
  std::uint32_t interface_index_ = 0;  // when it was opened
  std::uint16_t rx_descriptors_ = 0, tx_descriptors_ = 0;
  std::uint64_t rx_offloads_ = 0;
  std::string mac_words_;
};

}  // namespace mayfly::nic
