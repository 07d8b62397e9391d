#include "nic/device_setup.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "link/fault_port.h"
#include "nic/devargs.h"
#include "nic/exception_path.h"
#include "nic/fitness.h"
#include "nic/memif.h"
#include "nic/quirks.h"
#include "nic/spare_frames.h"

namespace mayfly::nic {
namespace {

/// Steering by TCP four-tuple with a key and a table that we set, so that we can compute the core
/// of any flow.
bool hashes_tcp(const rte_eth_dev_info& info) {
  return (info.flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP) != 0 && info.reta_size > 0;
}

bool spreads_by_itself(const rte_eth_dev_info& info) {
  return quirks_of(info.driver_name).spreads_by_itself && info.max_rx_queues > 1;
}

}  // namespace

std::optional<std::string> why_queues_do_not_fit(const rte_eth_dev_info& info,
                                                 std::uint16_t queues_wanted, std::uint32_t cores) {
  const bool reads_all = queues_wanted == 0 || queues_wanted >= cores;
  if (!spreads_by_itself(info) || (info.max_rx_queues == cores && reads_all)) return std::nullopt;
  return unread_queues_words(info.max_rx_queues, cores);
}

std::uint16_t descriptors_wanted(const PortSettings& settings) {
  if (settings.descriptors != 0 || !is_zero_copy(settings.device)) return settings.descriptors;
  int log2_size = 10;  // the driver's default; it takes up to 14
  const std::string_view text = device_argument(settings.device, "rsize");
  std::from_chars(text.data(), text.data() + text.size(), log2_size);
  return static_cast<std::uint16_t>(1 << std::clamp(log2_size, 0, 14));
}

std::uint8_t toeplitz_key_size(const rte_eth_dev_info& info) {
  constexpr std::uint8_t kUsual = 40;
  return info.hash_key_size != 0 ? info.hash_key_size : kUsual;
}

QueuePlan plan_queues(const rte_eth_dev_info& info, std::uint16_t queues_wanted,
                      std::uint32_t cores) {
  if (cores == 1) return {};
  const auto all = static_cast<std::uint16_t>(cores);
  const bool enough = std::min(info.max_rx_queues, info.max_tx_queues) >= cores;
  const bool want_all = queues_wanted == 0 || queues_wanted >= cores;
  if (want_all && enough && hashes_tcp(info)) return {Steering::device_hash, all, all};
  const bool own = queues_wanted >= cores || (queues_wanted == 0 && spreads_by_itself(info));
  if (own && enough) return {Steering::device_own, all, all};
  const std::uint16_t limit = queues_wanted != 0 ? queues_wanted : all;
  const std::uint16_t offered =
      quirks_of(info.driver_name).knows_its_queues ? info.max_tx_queues : std::uint16_t{1};
  return {Steering::software, 1, std::clamp<std::uint16_t>(offered, 1, limit)};
}

std::uint64_t wanted_rx_offloads(const rte_eth_dev_info& info) {
  return info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
}

std::uint64_t wanted_tx_offloads(const rte_eth_dev_info& info, Steering steering) {
  std::uint64_t wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  // A burst can be freed at once only if all of its frames are from one pool. They are not if core
  // 0 receives for others.
  if (steering != Steering::software) wanted |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  return info.tx_offload_capa & wanted;
}

std::uint32_t frames_held(const PortSettings& settings, const DeviceOptions& options) {
  constexpr std::uint32_t kBothWays = 2 * link::kFaultyWireFrames;
  // Those that wait for the kernel, and what its device and two bursts have.
  constexpr std::uint32_t kKernels =
      kExceptionRing + 2 * kExceptionDescriptors + 4 * static_cast<std::uint32_t>(kBurstMax);
  return options.frames_held + (settings.faults.any() ? kBothWays : 0) +
         (settings.exception.any() ? kKernels : 0);
}

std::uint32_t pool_size(const QueuePlan& plan, std::uint32_t core, std::uint32_t descriptors,
                        std::uint32_t frames_held, std::uint32_t cores) {
  std::uint32_t frames =
      2 * descriptors + 2 * kPoolCache + 4 * static_cast<std::uint32_t>(kBurstMax);
  frames += frames_held + static_cast<std::uint32_t>(SpareFrames::kCapacity);
  if (plan.steering == Steering::software) frames += kHandOverRing;  // waiting to be sent by core 0
  if (plan.steering == Steering::software && core == 0) {
    frames += cores * (kHandOverRing + frames_held);  // received for others, and kept by them
  }
  return frames;
}

std::size_t port_memory(const PortSettings& settings, const DeviceOptions& options) {
  const std::uint16_t wanted = descriptors_wanted(settings);
  const std::uint32_t descriptors = wanted != 0 ? wanted : kDescriptorsDefault;
  const QueuePlan plan{options.cores > 1 ? Steering::software : Steering::one_core, 1, 1};
  std::size_t frames = 0;
  for (std::uint32_t core = 0; core < options.cores; ++core) {
    frames += pool_size(plan, core, descriptors, frames_held(settings, options), options.cores);
  }
  constexpr std::size_t kFrameMemory = 2'560;  // mbuf, headroom, room, and the mempool's own header
  return frames * kFrameMemory;
}

}  // namespace mayfly::nic
