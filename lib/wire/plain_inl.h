// The short ways over IPv4, which inline into their users: the calls took a sixth of what they do.
// Include wire/plain.h instead.
#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/layout.h"
#include "wire/plain.h"
#include "wire/take_segment.h"

namespace mayfly::wire {
namespace plain {

inline constexpr std::size_t kIpAt = kEthernetHeaderSize, kTcpAt = kIpAt + kIpv4HeaderSizeMin;
inline constexpr std::size_t kTcp6At = kIpAt + kIpv6HeaderSize;
inline constexpr std::size_t kStampsSize = 12;                      // RFC 7323 A
inline constexpr std::uint64_t kTcpNative = ip_protocol::tcp << 8;  // of the pseudo-header

template <class Word>
Word load(const std::byte* p) noexcept {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}
template <class Word>
void store(std::byte* p, Word word) noexcept {
  std::memcpy(p, &word, sizeof word);
}

/// A source that parse_frame takes without a further question (RFC 1122 3.2.1.3); few that it takes
/// are missing.
inline bool is_common_source(std::uint8_t first_octet) noexcept {
  return first_octet - 1u < 223 && first_octet != 127;
}

/// An untagged frame to our own MAC address, which stands before the VLAN in the rules.
inline bool is_to_us(std::span<const std::byte> frame, const ParseRules& rules) noexcept {
  static_assert(offsetof(ParseRules, mac) == 0 && offsetof(ParseRules, vlan) == 6);
  constexpr std::uint64_t kVlanAndGroup = 0xffff'0000'0000'0001;
  const auto own = load<std::uint64_t>(reinterpret_cast<const std::byte*>(&rules));
  return (own & kVlanAndGroup) == 0 && (load<std::uint64_t>(frame.data()) ^ own) << 16 == 0;
}

/// Ethernet and IPv4: all that makes a frame plain.
inline bool is_ipv4(std::span<const std::byte> frame, std::size_t total_length) noexcept {
  const std::byte* const ip = frame.data() + kIpAt;
  // EtherType, version and header length, TOS; fragment field, TTL, protocol.
  const auto type_to_tos = load<std::uint32_t>(frame.data() + ethernet_at::type);
  const auto fragment_to_protocol = load<std::uint32_t>(ip + ipv4_at::fragment);
  constexpr std::uint32_t kFragment =
      swap16(ipv4_fragment::more_fragments | ipv4_fragment::offset_mask);
  constexpr std::uint32_t kCongestion = std::uint32_t{ipv4_ecn::congestion} << 24;
  return (type_to_tos & 0xff'ffff) == (0x45'0000 | swap16(ethertype::ipv4)) &&
         (fragment_to_protocol & (0xff00'0000 | kFragment)) == std::uint32_t{ip_protocol::tcp}
                                                                   << 24 &&
         (type_to_tos & kCongestion) != kCongestion &&
         total_length >= kIpv4HeaderSizeMin + kTcpHeaderSizeMin &&
         total_length <= frame.size() - kIpAt && is_common_source(load_u8(ip + ipv4_at::source)) &&
         load_u8(ip + ipv4_at::destination) < 224 &&
         load<std::uint32_t>(ip + ipv4_at::source) !=
             load<std::uint32_t>(ip + ipv4_at::destination);
}

/// RFC 1122 3.2.1.2, RFC 9293 3.1 (MUST-3).
[[gnu::always_inline]] inline bool sums_are_right(const std::byte* ip, std::size_t tcp_length,
                                                  RxChecks checks) noexcept {
  if (checks.ip_bad || checks.l4_bad) return false;
  if (!checks.ip_good && checksum_fold(checksum_native({ip, kIpv4HeaderSizeMin})) != 0xffff)
    return false;
  if (checks.l4_good) return true;
  const std::uint64_t pseudo = std::uint64_t{load<std::uint32_t>(ip + ipv4_at::source)} +
                               load<std::uint32_t>(ip + ipv4_at::destination) + kTcpNative +
                               swap16(static_cast<std::uint16_t>(tcp_length));
  return checksum_fold(checksum_native({ip + kIpv4HeaderSizeMin, tcp_length}, pseudo)) == 0xffff;
}

/// The key of a segment, whose addresses stand in the order remote, local, as the ports do.
inline FlowKey4 key_of(std::uint64_t addresses, std::uint32_t ports) noexcept {
  return std::bit_cast<FlowKey4>(
      std::array<std::uint64_t, 2>{std::rotl(addresses, 32), std::rotl(ports, 16)});
}

/// The rest of what is known of a plain frame. Ports of 0 are left to the long way, and a segment
/// that cannot be read.
[[gnu::always_inline]] inline bool fill(ParsedFrame& parsed, std::span<const std::byte> frame,
                                        std::size_t tcp_at, std::size_t tcp_length,
                                        const FlowKey4& key) noexcept {
  if (key.local_port == 0 || key.remote_port == 0) return false;
  const std::size_t header_size = tcp_header_size(frame.data() + tcp_at);
  if (header_size < kTcpHeaderSizeMin || header_size > tcp_length) return false;
  if (!take_segment(frame, tcp_at, tcp_length, header_size, parsed.segment)) [[unlikely]] {
    parsed.segment = {};
    return false;
  }
  parsed.kind = FrameKind::tcp;
  parsed.l3_off = kIpAt;
  parsed.protocol = ip_protocol::tcp;
  parsed.l4_off = static_cast<std::uint16_t>(tcp_at);
  parsed.l4_len = static_cast<std::uint16_t>(tcp_length);
  parsed.key = key;
  return true;
}

/// Both addresses of the link, which stand one behind the other in its header too, and the
/// EtherType with the two octets behind it.
inline void put_link(std::byte* at, const LinkHeader& link, std::uint32_t type_and_more) noexcept {
  static_assert(offsetof(LinkHeader, destination) == 0 && offsetof(LinkHeader, source) == 6);
  std::memcpy(at, &link, ethernet_at::type);
  store(at + ethernet_at::type, type_and_more);
}

/// Bytes of the header of a plain segment.
inline std::size_t header_bytes(const Emission& emission) noexcept {
  return kTcpHeaderSizeMin + (emission.options != 0 ? kStampsSize : 0);
}

/// The TCP header, in front of its payload. Checksums are made from the values in the processor's
/// order: nothing is read back, and little is swapped.
[[gnu::always_inline]] inline void put_segment(std::byte* at, std::uint32_t ports,
                                               const Emission& emission, std::uint64_t pseudo,
                                               ChecksumBy by, PayloadSum payload_sum) noexcept {
  const std::size_t header_size = header_bytes(emission);
  const std::uint32_t seq = swap32(emission.seq.raw), ack = swap32(emission.ack.raw);
  const std::uint32_t flags_and_window = static_cast<std::uint32_t>(header_size / 4) << 4 |
                                         std::uint32_t{emission.flags} << 8 |
                                         std::uint32_t{swap16(emission.window)} << 16;
  store(at + tcp_at::source_port, ports);
  store(at + tcp_at::seq, seq);
  store(at + tcp_at::ack, ack);
  store(at + tcp_at::data_offset, flags_and_window);
  std::uint64_t sum = pseudo + ports + seq + ack + flags_and_window;
  if (emission.options != 0) {
    const std::uint32_t begin = swap32(kAlignedTimestamps);
    const std::uint32_t val = swap32(emission.ts.val), echo = swap32(emission.ts.echo);
    std::byte* const options = at + kTcpHeaderSizeMin;
    store(options, begin);
    store(options + 4, val);
    store(options + 8, echo);
    sum += std::uint64_t{begin} + val + echo;
  }
  std::uint32_t checksum = checksum_fold(pseudo);
  if (by == ChecksumBy::software) {
    if (emission.payload_len > 0)
      sum = payload_sum ? checksum_joined(sum, header_size, *payload_sum)
                        : checksum_native({at + header_size, emission.payload_len}, sum);
    checksum = checksum_finish(sum);
  }
  store(at + tcp_at::checksum, checksum);  // the urgent pointer is 0
}

}  // namespace plain

[[gnu::always_inline]] inline bool parse_plain_tcp(std::span<const std::byte> frame,
                                                   const ParseRules& rules, RxChecks checks,
                                                   ParsedFrame& parsed) noexcept {
  if (frame.size() < plain::kTcpAt + kTcpHeaderSizeMin || !plain::is_to_us(frame, rules))
    return false;
  const std::byte* const ip = frame.data() + plain::kIpAt;
  const std::byte* const tcp = frame.data() + plain::kTcpAt;
  const std::size_t total_length = load_be16(ip + ipv4_at::total_length);
  if (!plain::is_ipv4(frame, total_length)) return false;
  const std::size_t tcp_length = total_length - kIpv4HeaderSizeMin;
  if (!plain::sums_are_right(ip, tcp_length, checks)) return false;
  return plain::fill(parsed, frame, plain::kTcpAt, tcp_length,
                     plain::key_of(plain::load<std::uint64_t>(ip + ipv4_at::source),
                                   plain::load<std::uint32_t>(tcp + tcp_at::source_port)));
}

[[gnu::always_inline]] inline std::size_t emit_plain_tcp(
    std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
    const Emission& emission, std::uint16_t ip_id, ChecksumBy ip, ChecksumBy tcp,
    PayloadSum payload_sum) noexcept {
  const std::size_t segment_size = plain::header_bytes(emission) + emission.payload_len;
  const std::size_t total_length = kIpv4HeaderSizeMin + segment_size;
  MAYFLY_ASSERT(is_plain(link, emission));
  MAYFLY_ASSERT(total_length <= 0xffff && plain::kIpAt + total_length <= frame.size());
  const std::uint32_t type_and_version = swap32(std::uint32_t{ethertype::ipv4} << 16 | 0x4500);
  const std::uint32_t length = swap16(static_cast<std::uint16_t>(total_length));
  const std::uint32_t id_and_fragment =
      swap16(ip_id) | std::uint32_t{swap16(ipv4_fragment::dont_fragment)} << 16;
  const std::uint32_t ttl_and_protocol = kTtl | std::uint32_t{ip_protocol::tcp} << 8;
  const std::uint64_t addresses = std::uint64_t{key.local_ip} + key.remote_ip;
  const std::uint64_t ip_sum = (type_and_version >> 16) + std::uint64_t{length} + id_and_fragment +
                               ttl_and_protocol + addresses;
  const std::uint32_t ip_checksum = ip == ChecksumBy::software ? checksum_finish(ip_sum) : 0u;
  std::byte* const l3 = frame.data() + plain::kIpAt;
  plain::put_link(frame.data(), link, type_and_version);
  plain::store(l3 + ipv4_at::total_length, static_cast<std::uint16_t>(length));
  plain::store(l3 + ipv4_at::id, id_and_fragment);
  plain::store(l3 + ipv4_at::ttl, ttl_and_protocol | ip_checksum << 16);
  plain::store(l3 + ipv4_at::source, key.local_ip);
  plain::store(l3 + ipv4_at::destination, key.remote_ip);
  const std::uint64_t pseudo =
      addresses + plain::kTcpNative + swap16(static_cast<std::uint16_t>(segment_size));
  plain::put_segment(frame.data() + plain::kTcpAt,
                     key.local_port | std::uint32_t{key.remote_port} << 16, emission, pseudo, tcp,
                     payload_sum);
  return plain::kIpAt + total_length;
}

}  // namespace mayfly::wire
