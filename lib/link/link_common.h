// What the links of one shard have in common: where they count, how often they may answer
// strangers, and the number of the next IPv4 packet.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/assert.h"
#include "base/counter.h"
#include "base/rate_limit.h"
#include "wire/drop.h"

namespace mayfly::link {

/// Counters that belong to the owner of the links. They outlive the links, and only the core that
/// polls writes them.
struct LinkCounters {
  Counter& tx_packets;     ///< frames handed to the device
  Counter& tx_bytes;       ///< bytes of the frames staged, Ethernet headers included
  Counter& arp_requests;   ///< sent; announcements are not counted
  Counter& arp_replies;    ///< sent
  Counter& arp_limited;    ///< requests and replies not sent because of the limits
  Counter& arp_conflicts;  ///< packets that gave a live neighbour another MAC address
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
  ArpSilence silence;
};

}  // namespace mayfly::link
