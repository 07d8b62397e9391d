// What the links of one shard have in common: where they count, how often they may answer
// strangers, and the number of the next IPv4 packet.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/aes.h"
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

/// An IPv6 address that the core which polls publishes, and any thread reads.
class PublishedAddress {
 public:
  /// The unspecified address: none.
  void set(const Ipv6Address& ip) noexcept {
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);  // odd: it is being written
    std::atomic_thread_fence(std::memory_order_release);
    const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(ip);
    for (std::size_t i = 0; i < 2; ++i) halves_[i].store(halves[i], std::memory_order_relaxed);
    version_.store(version + 2, std::memory_order_release);
  }
  std::optional<Ipv6Address> get() const noexcept {
    std::array<std::uint64_t, 2> halves{};
    std::uint32_t before = 0, after = 1;
    while (before != after || before % 2 != 0) {
      before = version_.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < 2; ++i) halves[i] = halves_[i].load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      after = version_.load(std::memory_order_relaxed);
    }
    const auto ip = std::bit_cast<Ipv6Address>(halves);
    return ip.is_unspecified() ? std::nullopt : std::optional(ip);
  }

 private:
  std::atomic<std::uint32_t> version_{0};
  std::array<std::atomic<std::uint64_t>, 2> halves_{};
};

/// The same of neighbours that neighbour discovery does not find.
struct NdSilence {
  PublishedAddress gateway, other;
};

/// What a link keeps from strangers: in which set of the neighbour cache an IPv6 address is, and
/// the identifications of the fragments that are sent (RFC 7739 3).
class LinkSecret {
 public:
  static constexpr bool kIsCheap = false;  ///< see NeighbourCache

  /// `bits`: 128 random ones, drawn at start. They may key other things too.
  explicit constexpr LinkSecret(const std::array<std::uint64_t, 2>& bits = {})
      : aes_(std::bit_cast<Aes128::Block>(
            std::array<std::uint64_t, 2>{bits[0] ^ 0x6c69'6e6b'2073'6574, bits[1]})) {}

  std::uint32_t hash(const Ipv6Address& ip) const noexcept {
    return first_word(std::bit_cast<Aes128::Block>(ip));
  }
  /// The identification of a packet's fragments: the next, which nobody can foretell.
  std::uint32_t next_identification() noexcept {
    Aes128::Block block{0xff};  // no address of a neighbour begins so
    for (std::size_t i = 0; i < 8; ++i) block[8 + i] = static_cast<std::uint8_t>(sent_ >> 8 * i);
    ++sent_;
    return first_word(block);
  }

 private:
  std::uint32_t first_word(const Aes128::Block& block) const noexcept {
    return std::bit_cast<std::array<std::uint32_t, 4>>(aes_.encrypt(block))[0];
  }

  Aes128 aes_;
  std::uint64_t sent_ = 0;
};

/// Shared by the links of one core, which it outlives. The limits are in packets a second and,
/// after a pause, packets at once.
struct LinkCommon {
  explicit LinkCommon(const LinkCounters& counters, const LinkSecret& bits = LinkSecret{})
      : count(counters), secret(bits) {}
  LinkCommon(const LinkCommon&) = delete;
  LinkCommon& operator=(const LinkCommon&) = delete;

  LinkCounters count;
  LinkSecret secret;
  std::uint16_t ip_id = 0;                    ///< of the next IPv4 packet (RFC 6864)
  RateLimit icmp_limit{1'000, 50};            ///< errors (RFC 1812 4.3.2.8)
  RateLimit echo_limit{10'000, 1'000};        ///< echo replies
  RateLimit arp_request_limit{1'000, 1'000};  ///< all neighbours together
  RateLimit arp_reply_limit{10'000, 1'000};
  RateLimit nd_request_limit{1'000, 1'000};
  RateLimit nd_reply_limit{10'000, 1'000};
  RateLimit mld_limit{10, 4};  ///< reports
  ArpSilence silence;
  NdSilence silence6;
  PublishedAddress duplicate;  ///< the first address of ours that somebody else has too
};

}  // namespace mayfly::link
