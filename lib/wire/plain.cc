#include "wire/plain.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/layout.h"
#include "wire/take_segment.h"

namespace mayfly::wire {
namespace {

constexpr std::size_t kIpAt = kEthernetHeaderSize, kTcpAt = kIpAt + kIpv4HeaderSizeMin;
constexpr std::size_t kTcp6At = kIpAt + kIpv6HeaderSize;
constexpr std::size_t kStampsSize = 12;                      // RFC 7323 A
constexpr std::uint64_t kTcpNative = ip_protocol::tcp << 8;  // of the pseudo-header

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
bool is_common_source(std::uint8_t first_octet) noexcept {
  return first_octet - 1u < 223 && first_octet != 127;
}

/// An untagged frame to our own MAC address.
bool is_plain_ethernet(std::span<const std::byte> frame, const ParseRules& rules,
                       std::uint16_t ethertype) noexcept {
  return load<std::uint16_t>(frame.data() + ethernet_at::type) == swap16(ethertype) &&
         std::memcmp(frame.data(), rules.mac.octets.data(), rules.mac.octets.size()) == 0 &&
         !rules.mac.is_group();
}

/// Ethernet and IPv4: all that makes a frame plain.
bool is_plain_ipv4(std::span<const std::byte> frame, const ParseRules& rules,
                   std::size_t total_length) noexcept {
  const std::byte* const ip = frame.data() + kIpAt;
  // The first eight octets of the header: version and header length, TOS, total length,
  // identification, fragment field.
  const auto head = load<std::uint64_t>(ip);
  constexpr std::uint64_t kFragment =
      swap16(ipv4_fragment::more_fragments | ipv4_fragment::offset_mask);
  constexpr std::uint64_t kCongestion = std::uint64_t{ipv4_ecn::congestion} << 8;
  return is_plain_ethernet(frame, rules, ethertype::ipv4) &&
         (head & (kFragment << 48 | 0xff)) == 0x45 && (head & kCongestion) != kCongestion &&
         total_length >= kIpv4HeaderSizeMin + kTcpHeaderSizeMin &&
         total_length <= frame.size() - kIpAt &&
         load_u8(ip + ipv4_at::protocol) == ip_protocol::tcp &&
         is_common_source(load_u8(ip + ipv4_at::source)) &&
         load_u8(ip + ipv4_at::destination) < 224 &&
         load<std::uint32_t>(ip + ipv4_at::source) !=
             load<std::uint32_t>(ip + ipv4_at::destination);
}

/// The same of IPv6. A source that begins with a zero octet (RFC 4291 2.5.2, 2.5.3, 2.5.5) is left
/// to the long way.
bool is_plain_ipv6(std::span<const std::byte> frame, const ParseRules& rules,
                   std::size_t tcp_length) noexcept {
  const std::byte* const ip = frame.data() + kIpAt;
  constexpr std::uint8_t kGroup = 0xff;
  // Version, traffic class, flow label: the last two bits of the class are those of congestion.
  const std::uint32_t head = load_be32(ip);
  constexpr std::uint32_t kCongestion = std::uint32_t{ipv4_ecn::congestion} << 20;
  const std::uint8_t source = load_u8(ip + ipv6_at::source);
  return is_plain_ethernet(frame, rules, ethertype::ipv6) && head >> 28 == 6 &&
         (head & kCongestion) != kCongestion && tcp_length >= kTcpHeaderSizeMin &&
         tcp_length <= frame.size() - kTcp6At &&
         load_u8(ip + ipv6_at::next_header) == ip_protocol::tcp && source != 0 &&
         source != kGroup && load_u8(ip + ipv6_at::destination) != kGroup &&
         Ipv6Address::at(ip + ipv6_at::source) != Ipv6Address::at(ip + ipv6_at::destination);
}

/// RFC 1122 3.2.1.2, RFC 9293 3.1 (MUST-3).
bool sums_are_right(const std::byte* ip, std::size_t tcp_length, RxChecks checks) noexcept {
  if (checks.ip_bad || checks.l4_bad) return false;
  if (!checks.ip_good && checksum_fold(checksum_native({ip, kIpv4HeaderSizeMin})) != 0xffff)
    return false;
  if (checks.l4_good) return true;
  const std::uint64_t pseudo = std::uint64_t{load<std::uint32_t>(ip + ipv4_at::source)} +
                               load<std::uint32_t>(ip + ipv4_at::destination) + kTcpNative +
                               swap16(static_cast<std::uint16_t>(tcp_length));
  return checksum_fold(checksum_native({ip + kIpv4HeaderSizeMin, tcp_length}, pseudo)) == 0xffff;
}

/// RFC 8200 8.1: addresses and segment stand one behind the other.
bool sum_is_right6(const std::byte* ip, std::size_t tcp_length) noexcept {
  const std::uint64_t pseudo = kTcpNative + swap16(static_cast<std::uint16_t>(tcp_length));
  const std::size_t covered = kIpv6HeaderSize - ipv6_at::source + tcp_length;
  return checksum_fold(checksum_native({ip + ipv6_at::source, covered}, pseudo)) == 0xffff;
}

/// The key of a segment, whose addresses stand in the order remote, local, as the ports do.
FlowKey4 key_of(std::uint64_t addresses, std::uint32_t ports) noexcept {
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

}  // namespace

bool parse_plain_tcp(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                     ParsedFrame& parsed) noexcept {
  if (frame.size() < kTcpAt + kTcpHeaderSizeMin || rules.vlan != 0) return false;
  const std::byte* const ip = frame.data() + kIpAt;
  const std::byte* const tcp = frame.data() + kTcpAt;
  const std::size_t total_length = load_be16(ip + ipv4_at::total_length);
  if (!is_plain_ipv4(frame, rules, total_length)) return false;
  const std::size_t tcp_length = total_length - kIpv4HeaderSizeMin;
  if (!sums_are_right(ip, tcp_length, checks)) return false;
  return fill(parsed, frame, kTcpAt, tcp_length,
              key_of(load<std::uint64_t>(ip + ipv4_at::source),
                     load<std::uint32_t>(tcp + tcp_at::source_port)));
}

bool parse_plain_tcp6(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                      ParsedFrame& parsed) noexcept {
  if (frame.size() < kTcp6At + kTcpHeaderSizeMin || rules.vlan != 0) return false;
  const std::byte* const ip = frame.data() + kIpAt;
  const std::byte* const tcp = frame.data() + kTcp6At;
  const std::size_t tcp_length = load_be16(ip + ipv6_at::payload_length);
  if (!is_plain_ipv6(frame, rules, tcp_length)) return false;
  if (checks.l4_bad || !(checks.l4_good || sum_is_right6(ip, tcp_length))) return false;
  if (!fill(parsed, frame, kTcp6At, tcp_length,
            key_of(0, load<std::uint32_t>(tcp + tcp_at::source_port))))
    return false;
  parsed.ipv6 = ParsedFrame::kIpv6;
  return true;
}

namespace {

/// Both addresses of the link, and the EtherType with the two octets behind it.
void put_link(std::byte* at, const LinkHeader& link, std::uint32_t type_and_more) noexcept {
  std::memcpy(at, link.destination.octets.data(), link.destination.octets.size());
  std::memcpy(at + ethernet_at::source, link.source.octets.data(), link.source.octets.size());
  store(at + ethernet_at::type, type_and_more);
}

/// Bytes of the header of a plain segment.
std::size_t plain_header_size(const Emission& emission) noexcept {
  return kTcpHeaderSizeMin + (emission.options != 0 ? kStampsSize : 0);
}

/// The TCP header, in front of its payload. Checksums are made from the values in the processor's
/// order: nothing is read back, and little is swapped.
[[gnu::always_inline]] inline void put_segment(std::byte* at, std::uint32_t ports,
                                               const Emission& emission, std::uint64_t pseudo,
                                               ChecksumBy by, PayloadSum payload_sum) noexcept {
  const std::size_t header_size = plain_header_size(emission);
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

}  // namespace

std::size_t emit_plain_tcp(std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
                           const Emission& emission, std::uint16_t ip_id, ChecksumBy ip,
                           ChecksumBy tcp, PayloadSum payload_sum) noexcept {
  const std::size_t segment_size = plain_header_size(emission) + emission.payload_len;
  const std::size_t total_length = kIpv4HeaderSizeMin + segment_size;
  MAYFLY_ASSERT(is_plain(link, emission));
  MAYFLY_ASSERT(total_length <= 0xffff && kIpAt + total_length <= frame.size());
  const std::uint32_t type_and_version = swap32(std::uint32_t{ethertype::ipv4} << 16 | 0x4500);
  const std::uint32_t length = swap16(static_cast<std::uint16_t>(total_length));
  const std::uint32_t id_and_fragment =
      swap16(ip_id) | std::uint32_t{swap16(ipv4_fragment::dont_fragment)} << 16;
  const std::uint32_t ttl_and_protocol = kTtl | std::uint32_t{ip_protocol::tcp} << 8;
  const std::uint64_t addresses = std::uint64_t{key.local_ip} + key.remote_ip;
  const std::uint64_t ip_sum = (type_and_version >> 16) + std::uint64_t{length} + id_and_fragment +
                               ttl_and_protocol + addresses;
  const std::uint32_t ip_checksum = ip == ChecksumBy::software ? checksum_finish(ip_sum) : 0u;
  std::byte* const l3 = frame.data() + kIpAt;
  put_link(frame.data(), link, type_and_version);
  store(l3 + ipv4_at::total_length, static_cast<std::uint16_t>(length));
  store(l3 + ipv4_at::id, id_and_fragment);
  store(l3 + ipv4_at::ttl, ttl_and_protocol | ip_checksum << 16);
  store(l3 + ipv4_at::source, key.local_ip);
  store(l3 + ipv4_at::destination, key.remote_ip);
  const std::uint64_t pseudo =
      addresses + kTcpNative + swap16(static_cast<std::uint16_t>(segment_size));
  put_segment(frame.data() + kTcpAt, key.local_port | std::uint32_t{key.remote_port} << 16,
              emission, pseudo, tcp, payload_sum);
  return kIpAt + total_length;
}

std::size_t emit_plain_tcp6(std::span<std::byte> frame, const LinkHeader& link, const FlowKey6& key,
                            const Emission& emission, ChecksumBy tcp,
                            PayloadSum payload_sum) noexcept {
  const std::size_t segment_size = plain_header_size(emission) + emission.payload_len;
  MAYFLY_ASSERT(is_plain(link, emission));
  MAYFLY_ASSERT(segment_size <= 0xffff && kTcp6At + segment_size <= frame.size());
  const std::uint32_t head = 0x6000'0000 | key.flow_label;
  const std::uint32_t length = swap16(static_cast<std::uint16_t>(segment_size));
  std::byte* const l3 = frame.data() + kIpAt;
  put_link(frame.data(), link, swap32(std::uint32_t{ethertype::ipv6} << 16 | head >> 16));
  store(l3 + 2, swap16(static_cast<std::uint16_t>(head)));
  store(l3 + ipv6_at::payload_length,
        length | std::uint32_t{ip_protocol::tcp} << 16 | std::uint32_t{kTtl} << 24);
  std::memcpy(l3 + ipv6_at::source, key.local.octets.data(), sizeof key.local);
  std::memcpy(l3 + ipv6_at::destination, key.remote.octets.data(), sizeof key.remote);
  // Both addresses are the key's first 32 octets. Folded once: put_segment adds without a carry.
  const std::uint64_t addresses =
      checksum_native(std::as_bytes(std::span(&key, 1)).first(2 * sizeof(Ipv6Address)));
  const std::uint64_t pseudo = (addresses & 0xffff'ffff) + (addresses >> 32) + kTcpNative + length;
  put_segment(frame.data() + kTcp6At, key.local_port | std::uint32_t{key.remote_port} << 16,
              emission, pseudo, tcp, payload_sum);
  return kTcp6At + segment_size;
}

}  // namespace mayfly::wire
