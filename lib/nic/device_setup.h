// The decisions of Device::open that need no device: pure, so that they can be tested.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <optional>
#include <string>

#include "nic/device.h"

namespace mayfly::nic {

/// How cores and queues come together.
struct QueuePlan {
  Steering steering = Steering::one_core;
  std::uint16_t rx_queues = 1, tx_queues = 1;
};
/// What a person can do about a device whose queues would not all be read; nothing when all is
/// well.
std::optional<std::string> why_queues_do_not_fit(const rte_eth_dev_info& info,
                                                 std::uint16_t queues_wanted, std::uint32_t cores);
QueuePlan plan_queues(const rte_eth_dev_info& info, std::uint16_t queues_wanted,
                      std::uint32_t cores);

/// Bytes of the hash key; devices that do not say take 40.
std::uint8_t toeplitz_key_size(const rte_eth_dev_info& info);

/// What of the offloads that help is offered.
std::uint64_t wanted_rx_offloads(const rte_eth_dev_info& info);
std::uint64_t wanted_tx_offloads(const rte_eth_dev_info& info, Steering steering);

/// Mbufs for the pool of one core: full rings and caches, bursts in hand, and what is held.
std::uint32_t pool_size(const QueuePlan& plan, std::uint32_t core, std::uint32_t descriptors,
                        std::uint32_t frames_held, std::uint32_t cores);
/// Frames a core that the stack and a faulty wire may hold.
std::uint32_t frames_held(const PortSettings& settings, const DeviceOptions& options);

/// Descriptors a ring that the user wants, 0 = whatever the device likes. A zero-copy memif keeps
/// frames in its rings, whose size stands in its arguments.
std::uint16_t descriptors_wanted(const PortSettings& settings);

inline constexpr std::uint16_t kDescriptorsDefault = 1'024;
inline constexpr std::uint32_t kHandOverRing = 1'024;  ///< frames from core to core
inline constexpr std::uint32_t kPoolCache = 256;       ///< mbufs that a core keeps for itself

}  // namespace mayfly::nic
