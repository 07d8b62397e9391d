#include "wire/plain.h"

#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/layout.h"
#include "wire/options.h"
#include "wire/tcp_options.h"

namespace mayfly::wire {
namespace {

constexpr std::size_t kIpv4At = kEthernetHeaderSize, kTcpAt = kIpv4At + kIpv4HeaderSizeMin;
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

/// Ethernet and IPv4: all that makes a frame plain.
bool is_plain_ipv4(std::span<const std::byte> frame, const ParseRules& rules,
                   std::size_t total_length) noexcept {
  const std::byte* const ip = frame.data() + kIpv4At;
  // The first eight octets of the header: version and header length, TOS, total length,
  // identification, fragment field.
  const auto head = load<std::uint64_t>(ip);
  constexpr std::uint64_t kFragment =
      swap16(ipv4_fragment::more_fragments | ipv4_fragment::offset_mask);
  constexpr std::uint64_t kCongestion = std::uint64_t{ipv4_ecn::congestion} << 8;
  return load<std::uint16_t>(frame.data() + ethernet_at::type) == swap16(ethertype::ipv4) &&
         std::memcmp(frame.data(), rules.mac.octets.data(), rules.mac.octets.size()) == 0 &&
         !rules.mac.is_group() && (head & (kFragment << 48 | 0xff)) == 0x45 &&
         (head & kCongestion) != kCongestion &&
         total_length >= kIpv4HeaderSizeMin + kTcpHeaderSizeMin &&
         total_length <= frame.size() - kIpv4At &&
         load_u8(ip + ipv4_at::protocol) == ip_protocol::tcp &&
         is_common_source(load_u8(ip + ipv4_at::source)) &&
         load_u8(ip + ipv4_at::destination) < 224 &&
         load<std::uint32_t>(ip + ipv4_at::source) !=
             load<std::uint32_t>(ip + ipv4_at::destination);
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

bool take_options(std::span<const std::byte> frame, std::size_t end, Segment& s) noexcept {
  constexpr std::size_t begin = kTcpAt + kTcpHeaderSizeMin;
  if (end == begin) return true;
  if (end - begin == kStampsSize && load_be32(&frame[begin]) == kAlignedTimestamps) {
    take_timestamps(&frame[begin + 4], s);
    return true;
  }
  return read_tcp_options(frame, begin, end, s);
}

}  // namespace

bool parse_plain_tcp(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                     ParsedFrame& parsed) noexcept {
  if (frame.size() < kTcpAt + kTcpHeaderSizeMin || rules.vlan != 0) return false;
  const std::byte* const ip = frame.data() + kIpv4At;
  const std::byte* const tcp = frame.data() + kTcpAt;
  const std::size_t total_length = load_be16(ip + ipv4_at::total_length);
  if (!is_plain_ipv4(frame, rules, total_length)) return false;
  const std::size_t tcp_length = total_length - kIpv4HeaderSizeMin;
  const std::size_t header_size = (load_u8(tcp + tcp_at::data_offset) >> 4) * std::size_t{4};
  const FlowKey4 key{load<std::uint32_t>(ip + ipv4_at::destination),
                     load<std::uint32_t>(ip + ipv4_at::source),
                     load<std::uint16_t>(tcp + tcp_at::destination_port),
                     load<std::uint16_t>(tcp + tcp_at::source_port)};
  if (header_size < kTcpHeaderSizeMin || header_size > tcp_length || key.local_port == 0 ||
      key.remote_port == 0 || !sums_are_right(ip, tcp_length, checks))
    return false;
  Segment s;
  s.flags = load_u8(tcp + tcp_at::flags);
  s.seq = {load_be32(tcp + tcp_at::seq)};
  s.ack = {s.has(tcp_flag::ack) ? load_be32(tcp + tcp_at::ack) : 0};
  s.window = load_be16(tcp + tcp_at::window);
  s.urgent = s.has(tcp_flag::urg) ? load_be16(tcp + tcp_at::urgent) : std::uint16_t{0};
  s.payload_off = static_cast<std::uint16_t>(kTcpAt + header_size);
  s.payload_len = static_cast<std::uint16_t>(tcp_length - header_size);
  if (!take_options(frame, s.payload_off, s)) return false;
  parsed.kind = FrameKind::tcp;
  parsed.l3_off = kIpv4At;
  parsed.protocol = ip_protocol::tcp;
  parsed.l4_off = kTcpAt;
  parsed.l4_len = static_cast<std::uint16_t>(tcp_length);
  parsed.key = key;
  parsed.segment = s;
  return true;
}

// Checksums are made from the values in the processor's order: nothing is read back, and little is
// swapped.
std::size_t emit_plain_tcp(std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
                           const Emission& emission, std::uint16_t ip_id, ChecksumBy ip,
                           ChecksumBy tcp) noexcept {
  const bool is_stamped = emission.options != 0;
  const std::size_t header_size = kTcpHeaderSizeMin + (is_stamped ? kStampsSize : 0);
  const std::size_t segment_size = header_size + emission.payload_len;
  const std::size_t total_length = kIpv4HeaderSizeMin + segment_size;
  MAYFLY_ASSERT(is_plain(link, emission));
  MAYFLY_ASSERT(total_length <= 0xffff && kIpv4At + total_length <= frame.size());
  std::byte* const at = frame.data();
  std::memcpy(at, link.destination.octets.data(), link.destination.octets.size());
  std::memcpy(at + ethernet_at::source, link.source.octets.data(), link.source.octets.size());

  const std::uint32_t type_and_version = swap32(std::uint32_t{ethertype::ipv4} << 16 | 0x4500);
  const std::uint32_t length = swap16(static_cast<std::uint16_t>(total_length));
  const std::uint32_t id_and_fragment =
      swap16(ip_id) | std::uint32_t{swap16(ipv4_fragment::dont_fragment)} << 16;
  const std::uint32_t ttl_and_protocol = kTtl | std::uint32_t{ip_protocol::tcp} << 8;
  const std::uint64_t addresses = std::uint64_t{key.local_ip} + key.remote_ip;
  const std::uint64_t ip_sum = (type_and_version >> 16) + std::uint64_t{length} + id_and_fragment +
                               ttl_and_protocol + addresses;
  const std::uint32_t ip_checksum = ip == ChecksumBy::software ? checksum_finish(ip_sum) : 0u;
  std::byte* const l3 = at + kIpv4At;
  store(at + ethernet_at::type, type_and_version);
  store(l3 + ipv4_at::total_length, static_cast<std::uint16_t>(length));
  store(l3 + ipv4_at::id, id_and_fragment);
  store(l3 + ipv4_at::ttl, ttl_and_protocol | ip_checksum << 16);
  store(l3 + ipv4_at::source, key.local_ip);
  store(l3 + ipv4_at::destination, key.remote_ip);

  const std::uint32_t ports = key.local_port | std::uint32_t{key.remote_port} << 16;
  const std::uint32_t seq = swap32(emission.seq.raw), ack = swap32(emission.ack.raw);
  const std::uint32_t flags_and_window = static_cast<std::uint32_t>(header_size / 4) << 4 |
                                         std::uint32_t{emission.flags} << 8 |
                                         std::uint32_t{swap16(emission.window)} << 16;
  std::byte* const l4 = at + kTcpAt;
  store(l4 + tcp_at::source_port, ports);
  store(l4 + tcp_at::seq, seq);
  store(l4 + tcp_at::ack, ack);
  store(l4 + tcp_at::data_offset, flags_and_window);
  const std::uint64_t pseudo =
      addresses + kTcpNative + swap16(static_cast<std::uint16_t>(segment_size));
  std::uint64_t sum = pseudo + ports + seq + ack + flags_and_window;
  if (is_stamped) {
    const std::uint32_t begin = swap32(kAlignedTimestamps);
    const std::uint32_t val = swap32(emission.ts.val), echo = swap32(emission.ts.echo);
    std::byte* const options = l4 + kTcpHeaderSizeMin;
    store(options, begin);
    store(options + 4, val);
    store(options + 8, echo);
    sum += std::uint64_t{begin} + val + echo;
  }
  std::uint32_t checksum = checksum_fold(pseudo);
  if (tcp == ChecksumBy::software) {
    if (emission.payload_len > 0)
      sum = checksum_native({l4 + header_size, emission.payload_len}, sum);
    checksum = checksum_finish(sum);
  }
  store(l4 + tcp_at::checksum, checksum);  // the urgent pointer is 0
  return kIpv4At + total_length;
}

}  // namespace mayfly::wire
