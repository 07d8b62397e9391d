// The decisions of Device::open that need no device: pure functions, so that they can be tested.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <optional>
#include <string>

#include "nic/device.h"

namespace mayfly::nic {

/// How the queues are shared by the cores.
struct QueuePlan {
  Steering steering = Steering::one_core;
  std::uint16_t rx_queues = 1, tx_queues = 1;
};
/// An error message with advice if some queues of the device would not be read; nullopt if all will
/// be.
std::optional<std::string> why_queues_do_not_fit(const rte_eth_dev_info& info,
                                                 std::uint16_t queues_wanted, std::uint32_t cores);
QueuePlan plan_queues(const rte_eth_dev_info& info, std::uint16_t queues_wanted,
                      std::uint32_t cores);

/// Bytes of the hash key; 40 for devices that do not report it.
std::uint8_t toeplitz_key_size(const rte_eth_dev_info& info);

/// The useful offloads that the device has.
std::uint64_t wanted_rx_offloads(const rte_eth_dev_info& info);
std::uint64_t wanted_tx_offloads(const rte_eth_dev_info& info, Steering steering);

/// Mbufs for the pool of one core: for full rings and caches, bursts under way, and kept frames.
std::uint32_t pool_size(const QueuePlan& plan, std::uint32_t core, std::uint32_t descriptors,
                        std::uint32_t frames_held, std::uint32_t cores);
/// Frames a core that the stack and a faulty wire may keep.
std::uint32_t frames_held(const PortSettings& settings, const DeviceOptions& options);

/// Descriptors a ring that the user has set; 0 = the default of the device. A zero-copy memif keeps
/// frames in its rings; their size is in its arguments.
std::uint16_t descriptors_wanted(const PortSettings& settings);

inline constexpr std::uint16_t kDescriptorsDefault = 1'024;
inline constexpr std::uint32_t kHandOverRing = 1'024;  ///< frames from core to core
inline constexpr std::uint32_t kPoolCache = 256;       ///< mbufs in the cache of a core

}  // namespace mayfly::nic
