// The core that a frame belongs to, if the device does not or cannot decide it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "base/siphash.h"
#include "wire/flow_key.h"

namespace mayfly::nic {

/// The destination of a received frame.
struct Route {
  enum class Kind : std::uint8_t {
    flow,      ///< to the core that owns `key`
    all,       ///< to every core, as each has its own neighbour cache
    first,     ///< to core 0: what one core answers for all
    fragment,  ///< reassemble first; the network header is at l3_off
  };
  Kind kind = Kind::first;
  std::uint8_t l3_off = 0;
  /// local = destination; of an ICMP error, the flow that it quotes; of a packet in a packet, that
  /// of the one inside
  FlowKey4 key;
  FlowKey6 key6;
  bool is_ipv6 = false;  ///< key6 instead of key; and so for a fragment
};

/// Decides by addresses and ports only. An invalid frame goes to core 0, whose parser counts the
/// reason. Never reads outside `frame`.
Route route_of(std::span<const std::byte> frame) noexcept;

/// True for an unfragmented TCP datagram in an untagged or tagged frame: the hash of its flow has
/// brought it to the right core.
bool is_whole_tcp(std::span<const std::byte> frame) noexcept;

/// The core that owns a flow with Steering::software: by a keyed hash, the same for both
/// directions.
inline std::uint32_t flow_shard(const FlowKey4& key, const SipKey& secret,
                                std::uint32_t shards) noexcept {
  const std::uint64_t local = std::uint64_t{key.local_ip} << 16 | key.local_port;
  const std::uint64_t remote = std::uint64_t{key.remote_ip} << 16 | key.remote_port;
  const bool ordered = local < remote;
  const std::uint64_t hash =
      siphash13<2>({ordered ? local : remote, ordered ? remote : local}, secret);
  return static_cast<std::uint32_t>((hash >> 32) * shards >> 32);
}

/// The same for IPv6.
inline std::uint32_t flow_shard(const FlowKey6& key, const SipKey& secret,
                                std::uint32_t shards) noexcept {
  const auto words_of = [](const Ipv6Address& address, std::uint16_t port) {
    std::array<std::uint64_t, 3> words{0, 0, port};
    std::memcpy(words.data(), address.octets.data(), sizeof address.octets);
    return words;
  };
  auto first = words_of(key.local, key.local_port), last = words_of(key.remote, key.remote_port);
  if (last < first) std::swap(first, last);
  const std::uint64_t hash =
      siphash13<6>({first[0], first[1], first[2], last[0], last[1], last[2]}, secret);
  return static_cast<std::uint32_t>((hash >> 32) * shards >> 32);
}

}  // namespace mayfly::nic
