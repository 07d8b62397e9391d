#include "wire/plain.h"

namespace mayfly::wire {

namespace {

/// The same of IPv6. A source that begins with a zero octet (RFC 4291 2.5.2, 2.5.3, 2.5.5) is left
/// to the long way.
bool is_plain_ipv6(std::span<const std::byte> frame, std::size_t tcp_length) noexcept {
  const std::byte* const ip = frame.data() + plain::kIpAt;
  constexpr std::uint8_t kGroup = 0xff;
  // Version, traffic class, flow label: the last two bits of the class are those of congestion.
  const std::uint32_t head = load_be32(ip);
  constexpr std::uint32_t kCongestion = std::uint32_t{ipv4_ecn::congestion} << 20;
  const std::uint8_t source = load_u8(ip + ipv6_at::source);
  return plain::load<std::uint16_t>(frame.data() + ethernet_at::type) == swap16(ethertype::ipv6) &&
         head >> 28 == 6 && (head & kCongestion) != kCongestion &&
         tcp_length >= kTcpHeaderSizeMin && tcp_length <= frame.size() - plain::kTcp6At &&
         load_u8(ip + ipv6_at::next_header) == ip_protocol::tcp && source != 0 &&
         source != kGroup && load_u8(ip + ipv6_at::destination) != kGroup &&
         Ipv6Address::at(ip + ipv6_at::source) != Ipv6Address::at(ip + ipv6_at::destination);
}

/// RFC 8200 8.1: addresses and segment stand one behind the other.
bool sum_is_right6(const std::byte* ip, std::size_t tcp_length) noexcept {
  const std::uint64_t pseudo = plain::kTcpNative + swap16(static_cast<std::uint16_t>(tcp_length));
  const std::size_t covered = kIpv6HeaderSize - ipv6_at::source + tcp_length;
  return checksum_fold(checksum_native({ip + ipv6_at::source, covered}, pseudo)) == 0xffff;
}

}  // namespace

bool parse_plain_tcp6(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                      ParsedFrame& parsed) noexcept {
  if (frame.size() < plain::kTcp6At + kTcpHeaderSizeMin || !plain::is_to_us(frame, rules))
    return false;
  const std::byte* const ip = frame.data() + plain::kIpAt;
  const std::byte* const tcp = frame.data() + plain::kTcp6At;
  const std::size_t tcp_length = load_be16(ip + ipv6_at::payload_length);
  if (!is_plain_ipv6(frame, tcp_length)) return false;
  if (checks.l4_bad || !(checks.l4_good || sum_is_right6(ip, tcp_length))) return false;
  if (!plain::fill(parsed, frame, plain::kTcp6At, tcp_length,
                   plain::key_of(0, plain::load<std::uint32_t>(tcp + tcp_at::source_port))))
    return false;
  parsed.ipv6 = ParsedFrame::kIpv6;
  return true;
}

std::size_t emit_plain_tcp6(std::span<std::byte> frame, const LinkHeader& link, const FlowKey6& key,
                            const Emission& emission, ChecksumBy tcp,
                            PayloadSum payload_sum) noexcept {
  const std::size_t segment_size = plain::header_bytes(emission) + emission.payload_len;
  MAYFLY_ASSERT(is_plain(link, emission));
  MAYFLY_ASSERT(segment_size <= 0xffff && plain::kTcp6At + segment_size <= frame.size());
  const std::uint32_t head = 0x6000'0000 | key.flow_label;
  const std::uint32_t length = swap16(static_cast<std::uint16_t>(segment_size));
  std::byte* const l3 = frame.data() + plain::kIpAt;
  plain::put_link(frame.data(), link, swap32(std::uint32_t{ethertype::ipv6} << 16 | head >> 16));
  plain::store(l3 + 2, swap16(static_cast<std::uint16_t>(head)));
  plain::store(l3 + ipv6_at::payload_length,
               length | std::uint32_t{ip_protocol::tcp} << 16 | std::uint32_t{kTtl} << 24);
  std::memcpy(l3 + ipv6_at::source, key.local.octets.data(), sizeof key.local);
  std::memcpy(l3 + ipv6_at::destination, key.remote.octets.data(), sizeof key.remote);
  // Both addresses are the key's first 32 octets. Folded once: put_segment adds without a carry.
  const std::uint64_t addresses =
      checksum_native(std::as_bytes(std::span(&key, 1)).first(2 * sizeof(Ipv6Address)));
  const std::uint64_t pseudo =
      (addresses & 0xffff'ffff) + (addresses >> 32) + plain::kTcpNative + length;
  plain::put_segment(frame.data() + plain::kTcp6At,
                     key.local_port | std::uint32_t{key.remote_port} << 16, emission, pseudo, tcp,
                     payload_sum);
  return plain::kTcp6At + segment_size;
}

}  // namespace mayfly::wire
