// What the links of one shard have in common: where they count, how often they may answer
// strangers, and the number of the next IPv4 packet.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/assert.h"
#include "base/counter.h"
#include "base/rate_limit.h"
#include "wire/drop.h"
#include "wire/ipv6_address.h"

namespace mayfly::link {

/// Counters that belong to the owner of the links. They outlive the links, and only the core that
/// polls writes them.
struct LinkCounters {
  Counter& tx_packets;         ///< frames handed to the device
  Counter& tx_bytes;           ///< bytes of the frames staged, Ethernet headers included
  Counter& arp_requests;       ///< sent; announcements are not counted
  Counter& arp_replies;        ///< sent
  Counter& arp_limited;        ///< requests and replies not sent because of the limits
  Counter& arp_conflicts;      ///< packets that gave a live neighbour another MAC address
  Counter& nd_solicitations;   ///< neighbour discovery: as those of ARP
  Counter& nd_advertisements;  ///< sent as answers
  Counter& nd_limited;
  Counter& nd_conflicts;
  Counter& nd_duplicates;  ///< addresses of ours that are off, as somebody else has them
  Counter& icmp_sent;
  std::array<Counter, wire::kDropCount>& drops;  ///< by Drop

  /// Counts frames of our own that cannot be sent, or incomplete datagrams that are given up.
  void lose(Drop why, std::uint64_t count = 1) noexcept {
    MAYFLY_ASSERT(!concerns_received(why));
    drops[static_cast<std::size_t>(why)].add(count);
  }
};

/// Neighbours that were asked for their MAC address and have not answered in time: the last of
/// them, in host order; 0 = none. The core that polls writes, any thread reads.
struct ArpSilence {
  std::atomic<std::uint32_t> gateway{0}, other{0};
};

/// The first address of ours that somebody else has too, in host order: all zero = none. The core
/// that polls writes, any thread reads; it is written once.
struct DuplicateAddress {
  std::atomic<std::uint64_t> high{0}, low{0};

  void note(const Ipv6Address& ip) noexcept {
    if (high.load(std::memory_order_relaxed) != 0) return;
    low.store(half_of(ip, 4), std::memory_order_relaxed);
    high.store(half_of(ip, 0), std::memory_order_release);
  }
  std::optional<Ipv6Address> found() const noexcept {
    const std::uint64_t h = high.load(std::memory_order_acquire);
    if (h == 0) return std::nullopt;
    const std::uint64_t l = low.load(std::memory_order_relaxed);
    const auto group = [](std::uint64_t half, int i) {
      return static_cast<std::uint16_t>(half >> (48 - 16 * i));
    };
    return Ipv6Address::of({group(h, 0), group(h, 1), group(h, 2), group(h, 3), group(l, 0),
                            group(l, 1), group(l, 2), group(l, 3)});
  }

 private:
  static std::uint64_t half_of(const Ipv6Address& ip, std::size_t first) noexcept {
    std::uint64_t half = 0;
    for (std::size_t i = 0; i < 4; ++i) half = half << 16 | ip.group(first + i);
    return half;
  }
};

/// Shared by the links of one core, which it outlives. The limits are in packets a second and,
/// after a pause, packets at once.
struct LinkCommon {
  explicit LinkCommon(const LinkCounters& counters) : count(counters) {}
  LinkCommon(const LinkCommon&) = delete;
  LinkCommon& operator=(const LinkCommon&) = delete;

  LinkCounters count;
  std::uint16_t ip_id = 0;                    ///< of the next IPv4 packet (RFC 6864)
  RateLimit icmp_limit{1'000, 50};            ///< errors (RFC 1812 4.3.2.8)
  RateLimit echo_limit{10'000, 1'000};        ///< echo replies
  RateLimit arp_request_limit{1'000, 1'000};  ///< all neighbours together
  RateLimit arp_reply_limit{10'000, 1'000};
  RateLimit nd_request_limit{1'000, 1'000};
  RateLimit nd_reply_limit{10'000, 1'000};
  RateLimit mld_limit{10, 4};  ///< reports
  ArpSilence silence;
  DuplicateAddress duplicate;
};

}  // namespace mayfly::link
