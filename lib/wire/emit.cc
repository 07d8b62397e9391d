#include "wire/emit.h"

#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/icmp6.h"
#include "wire/layout.h"
#include "wire/options.h"
#include "wire/plain.h"

namespace mayfly::wire {
namespace {

bool carries(const Emission& emission, std::uint8_t option) noexcept {
  return (emission.options & option) != 0;
}
bool carries_sack(const Emission& emission) noexcept {
  return carries(emission, tcp_option::sack) && emission.sack_count != 0;
}

std::byte* put_u8(std::byte* at, std::uint8_t v) noexcept {
  store_u8(at, v);
  return at + sizeof v;
}
std::byte* put_be16(std::byte* at, std::uint16_t v) noexcept {
  store_be16(at, v);
  return at + sizeof v;
}
std::byte* put_be32(std::byte* at, std::uint32_t v) noexcept {
  store_be32(at, v);
  return at + sizeof v;
}
/// Puts a field that is in network order already.
template <class Field>
std::byte* put_raw(std::byte* at, const Field& field) noexcept {
  std::memcpy(at, &field, sizeof field);
  return at + sizeof field;
}

/// Writes a header in words of 32 bits and adds them up, so that the checksum is made from the
/// values and not from the bytes just written, which the processor could not yet read back at full
/// width.
class WordWriter {
 public:
  explicit WordWriter(std::byte* at) noexcept : at_(at) {}

  void put(std::uint32_t word) noexcept {
    at_ = put_be32(at_, word);
    sum_ += word;
  }
  std::byte* at() const noexcept { return at_; }
  /// Of the words so far, neither folded nor complemented (RFC 1071 2: wider words do no harm).
  std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::byte* at_;
  std::uint64_t sum_ = 0;
};

/// Each group of options is padded in front with NOPs to whole words, so the header needs no more.
void put_sack(WordWriter& to, const Emission& emission) noexcept {
  constexpr std::uint32_t nop_nop_sack = 0x0101'0500;
  to.put(nop_nop_sack |
         static_cast<std::uint32_t>(tcp_option_size::sack +
                                    emission.sack_count * tcp_option_size::sack_block));
  for (std::size_t i = 0; i < emission.sack_count; ++i) {
    to.put(emission.sack[i].left.raw);
    to.put(emission.sack[i].right.raw);
  }
}

/// In the order of common systems: MSS, SACK-permitted, timestamps, window scale; then SACK.
void put_tcp_options(WordWriter& to, const Emission& emission) noexcept {
  constexpr std::uint32_t sack_permitted_timestamps = 0x0402'080a;
  constexpr std::uint32_t nop_nop_sack_permitted = 0x0101'0402;
  const bool sack_permitted = carries(emission, tcp_option::sack_permitted);
  if (carries(emission, tcp_option::mss)) to.put(0x0204'0000u | emission.mss);
  if (carries(emission, tcp_option::timestamps)) {
    to.put(sack_permitted ? sack_permitted_timestamps : kAlignedTimestamps);
    to.put(emission.ts.val);
    to.put(emission.ts.echo);
  } else if (sack_permitted) {
    to.put(nop_nop_sack_permitted);
  }
  if (carries(emission, tcp_option::window_scale)) to.put(0x0103'0300u | emission.window_scale);
  if (carries_sack(emission)) put_sack(to, emission);
}

/// RFC 9293 3.1, the checksum left zero. Returns the sum of the header.
template <class Key>
std::uint64_t put_tcp_header(std::byte* at, const Key& key, const Emission& emission,
                             std::size_t header_size) noexcept {
  MAYFLY_ASSERT(header_size % 4 == 0);
  const auto data_offset = static_cast<std::uint32_t>(header_size / 4);
  WordWriter to(at);
  to.put(std::uint32_t{swap16(key.local_port)} << 16 | swap16(key.remote_port));
  to.put(emission.seq.raw);
  to.put(emission.ack.raw);
  to.put(data_offset << 28 | std::uint32_t{emission.flags} << 16 | emission.window);
  to.put(0);  // checksum, urgent pointer
  if (emission.options != 0) put_tcp_options(to, emission);
  MAYFLY_ASSERT(to.at() == at + header_size);
  return to.sum();
}

struct Ipv4Fields {
  std::uint32_t source = 0, destination = 0;  // big-endian
  std::size_t payload_len = 0;
  std::uint16_t id = 0;
  std::uint8_t protocol = 0;
  std::uint8_t traffic_class = 0;
};

/// RFC 791 3.1 without options.
std::byte* put_ipv4(std::byte* at, const Ipv4Fields& fields, ChecksumBy by) noexcept {
  const auto length = static_cast<std::uint32_t>(kIpv4HeaderSizeMin + fields.payload_len);
  MAYFLY_ASSERT(length <= 0xffff);
  const std::uint32_t words[] = {
      0x4500'0000u | std::uint32_t{fields.traffic_class} << 16 | length,
      std::uint32_t{fields.id} << 16 | ipv4_fragment::dont_fragment,
      std::uint32_t{kTtl} << 24 | std::uint32_t{fields.protocol} << 16,
  };
  const std::uint64_t sum = std::uint64_t{words[0]} + words[1] + words[2] + swap32(fields.source) +
                            swap32(fields.destination);
  const std::uint32_t checksum = by == ChecksumBy::software ? checksum_finish(sum) : 0u;
  at = put_be32(put_be32(put_be32(at, words[0]), words[1]), words[2] | checksum);
  return put_raw(put_raw(at, fields.source), fields.destination);
}

std::uint16_t tcp_checksum(std::span<const std::byte> payload, std::uint64_t pseudo,
                           std::uint64_t header_sum, ChecksumBy by,
                           PayloadSum payload_sum) noexcept {
  if (by == ChecksumBy::device) return checksum_fold(pseudo);
  const std::uint64_t sum = pseudo + header_sum;
  if (payload.empty()) return checksum_finish(sum);
  return checksum_finish(payload_sum ? sum + swap16(checksum_fold(*payload_sum))
                                     : checksum_add(payload, sum));
}

struct Ipv6Fields {
  const Ipv6Address& source;
  const Ipv6Address& destination;
  std::size_t payload_len = 0;
  std::uint32_t class_and_label = 0;  // traffic class << 20 | flow label
  std::uint8_t next_header = 0;
  std::uint8_t hop_limit = kTtl;
};

/// RFC 8200 3 without extension headers.
std::byte* put_ipv6(std::byte* at, const Ipv6Fields& fields) noexcept {
  at = put_be32(at, 0x6000'0000u | fields.class_and_label);
  at = put_be16(at, static_cast<std::uint16_t>(fields.payload_len));
  at = put_u8(put_u8(at, fields.next_header), fields.hop_limit);
  return put_raw(put_raw(at, fields.source.octets), fields.destination.octets);
}

/// The protocol number for `packet` inside another.
std::uint8_t tunnel_of(std::span<const std::byte> packet) noexcept {
  MAYFLY_ASSERT(!packet.empty());
  return load_u8(packet.data()) >> 4 == 6 ? ip_protocol::ipv6_in_ip : ip_protocol::ip_in_ip;
}

/// Says in a header that was just written that its sender heeds congestion marks (RFC 3168 5).
[[gnu::noinline]] void mark_capable(std::byte* header, ChecksumBy by) noexcept {
  header[ipv4_at::tos] = std::byte{ipv4_ecn::ect_0};
  if (by != ChecksumBy::software) return;
  store_be16(header + ipv4_at::checksum, 0);
  store_be16(header + ipv4_at::checksum,
             checksum_finish(checksum_add({header, kIpv4HeaderSizeMin}, 0)));
}

}  // namespace

std::size_t emit_link(std::byte* frame, const LinkHeader& link, std::uint16_t ethertype) noexcept {
  MAYFLY_ASSERT(link.vlan <= kVlanIdMax);
  std::byte* at = put_raw(put_raw(frame, link.destination.octets), link.source.octets);
  if (link.vlan != 0) at = put_be16(put_be16(at, ethertype::vlan), link.vlan);
  put_be16(at, ethertype);
  return link.size();
}

std::size_t tcp_header_size(const Emission& emission) noexcept {
  std::size_t size = kTcpHeaderSizeMin;
  if (emission.options == 0) return size;
  if (carries(emission, tcp_option::mss)) size += 4;
  if (carries(emission, tcp_option::timestamps)) {
    size += 12;
  } else if (carries(emission, tcp_option::sack_permitted)) {
    size += 4;
  }
  if (carries(emission, tcp_option::window_scale)) size += 4;
  if (carries_sack(emission)) size += 4 + emission.sack_count * tcp_option_size::sack_block;
  return size;
}

std::size_t tcp_payload_offset(const LinkHeader& link, const Emission& emission) noexcept {
  return link.size() + kIpv4HeaderSizeMin + tcp_header_size(emission);
}

std::size_t emit_tcp(std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
                     const Emission& emission, std::uint16_t ip_id, ChecksumBy ip, ChecksumBy tcp,
                     PayloadSum payload_sum) noexcept {
  return is_plain(link, emission)
             ? emit_plain_tcp(frame, link, key, emission, ip_id, ip, tcp, payload_sum)
             : emit_any_tcp(frame, link, key, emission, ip_id, ip, tcp, payload_sum);
}

std::size_t emit_any_tcp(std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
                         const Emission& emission, std::uint16_t ip_id, ChecksumBy ip,
                         ChecksumBy tcp, PayloadSum payload_sum) noexcept {
  const std::size_t header_size = tcp_header_size(emission);
  const std::size_t segment_size = header_size + emission.payload_len;
  const std::size_t frame_size = link.size() + kIpv4HeaderSizeMin + segment_size;
  MAYFLY_ASSERT(header_size <= kTcpHeaderSizeMax && emission.sack_count <= kSackBlocksMax);
  MAYFLY_ASSERT(kIpv4HeaderSizeMin + segment_size <= 0xffff && frame_size <= frame.size());
  const Ipv4Fields fields{key.local_ip, key.remote_ip, segment_size, ip_id, ip_protocol::tcp};
  std::byte* const l3 = frame.data() + emit_link(frame.data(), link, ethertype::ipv4);
  std::byte* const header = put_ipv4(l3, fields, ip);
  if (carries(emission, tcp_option::ecn_mark)) [[unlikely]]
    mark_capable(l3, ip);
  const std::uint64_t header_sum = put_tcp_header(header, key, emission, header_size);
  const std::uint64_t pseudo =
      pseudo_header_sum(key, ip_protocol::tcp, static_cast<std::uint16_t>(segment_size));
  const std::span<const std::byte> payload{header + header_size, emission.payload_len};
  store_be16(header + tcp_at::checksum,
             tcp_checksum(payload, pseudo, header_sum, tcp, payload_sum));
  return frame_size;
}

std::size_t tcp6_payload_offset(const LinkHeader& link, const Emission& emission) noexcept {
  return link.size() + kIpv6HeaderSize + tcp_header_size(emission);
}

std::size_t emit_tcp6(std::span<std::byte> frame, const LinkHeader& link, const FlowKey6& key,
                      const Emission& emission, ChecksumBy tcp, PayloadSum payload_sum) noexcept {
  return is_plain(link, emission) ? emit_plain_tcp6(frame, link, key, emission, tcp, payload_sum)
                                  : emit_any_tcp6(frame, link, key, emission, tcp, payload_sum);
}

std::size_t emit_any_tcp6(std::span<std::byte> frame, const LinkHeader& link, const FlowKey6& key,
                          const Emission& emission, ChecksumBy tcp,
                          PayloadSum payload_sum) noexcept {
  const std::size_t header_size = tcp_header_size(emission);
  const std::size_t segment_size = header_size + emission.payload_len;
  const std::size_t frame_size = link.size() + kIpv6HeaderSize + segment_size;
  MAYFLY_ASSERT(header_size <= kTcpHeaderSizeMax && emission.sack_count <= kSackBlocksMax);
  MAYFLY_ASSERT(segment_size <= 0xffff && frame_size <= frame.size());
  // RFC 3168 5: in IPv6 the mark is in the traffic class.
  const std::uint32_t ecn = carries(emission, tcp_option::ecn_mark) ? ipv4_ecn::ect_0 : 0u;
  std::byte* const header =
      put_ipv6(frame.data() + emit_link(frame.data(), link, ethertype::ipv6),
               {key.local, key.remote, segment_size, ecn << 20 | key.flow_label, ip_protocol::tcp});
  const std::uint64_t header_sum = put_tcp_header(header, key, emission, header_size);
  const std::uint64_t pseudo = pseudo_header_sum(key.local, key.remote, ip_protocol::tcp,
                                                 static_cast<std::uint32_t>(segment_size));
  const std::span<const std::byte> payload{header + header_size, emission.payload_len};
  store_be16(header + tcp_at::checksum,
             tcp_checksum(payload, pseudo, header_sum, tcp, payload_sum));
  return frame_size;
}

ArpPacket read_arp(std::span<const std::byte> frame, std::size_t l3_off) noexcept {
  MAYFLY_ASSERT(l3_off + kArpPacketSize <= frame.size());
  const std::byte* packet = frame.subspan(l3_off, kArpPacketSize).data();
  ArpPacket arp;
  arp.operation = ArpPacket::Operation{load_be16(packet + arp_at::operation)};
  std::memcpy(&arp.sender_mac.octets, packet + arp_at::sender_mac, sizeof arp.sender_mac.octets);
  std::memcpy(&arp.target_mac.octets, packet + arp_at::target_mac, sizeof arp.target_mac.octets);
  arp.sender_ip = {load_be32(packet + arp_at::sender_ip)};
  arp.target_ip = {load_be32(packet + arp_at::target_ip)};
  return arp;
}

std::size_t emit_arp(std::span<std::byte> frame, const LinkHeader& link,
                     const ArpPacket& arp) noexcept {
  MAYFLY_ASSERT(link.size() + kArpPacketSize <= frame.size());
  std::byte* at = frame.data() + emit_link(frame.data(), link, ethertype::arp);
  at = put_be16(put_be16(at, 1), ethertype::ipv4);  // Ethernet, IPv4
  at = put_u8(put_u8(at, 6), 4);                    // their addresses' lengths
  at = put_be16(at, static_cast<std::uint16_t>(arp.operation));
  at = put_be32(put_raw(at, arp.sender_mac.octets), arp.sender_ip.host);
  put_be32(put_raw(at, arp.target_mac.octets), arp.target_ip.host);
  return link.size() + kArpPacketSize;
}

std::size_t emit_icmp(std::span<std::byte> frame, const LinkHeader& link, Ipv4Address source,
                      Ipv4Address destination, std::uint8_t type, std::uint8_t code,
                      std::uint32_t rest, std::span<const std::byte> body,
                      std::uint16_t ip_id) noexcept {
  const std::size_t message_size = kIcmpHeaderSize + body.size();
  const std::size_t frame_size = link.size() + kIpv4HeaderSizeMin + message_size;
  MAYFLY_ASSERT(kIpv4HeaderSizeMin + message_size <= 0xffff && frame_size <= frame.size());
  const Ipv4Fields fields{swap32(source.host), swap32(destination.host), message_size, ip_id,
                          ip_protocol::icmp};
  // The body first: an echo's may be in this very frame, where the headers are about to be written.
  std::byte* const message = frame.data() + link.size() + kIpv4HeaderSizeMin;
  if (!body.empty()) std::memmove(message + kIcmpHeaderSize, body.data(), body.size());
  put_ipv4(frame.data() + emit_link(frame.data(), link, ethertype::ipv4), fields,
           ChecksumBy::software);
  put_be32(put_be16(put_u8(put_u8(message, type), code), 0), rest);
  store_be16(message + icmp_at::checksum, checksum_finish(checksum_add({message, message_size})));
  return frame_size;
}

std::size_t emit_ip_in_ip(std::span<std::byte> frame, const LinkHeader& link, Ipv4Address source,
                          Ipv4Address destination, std::uint8_t traffic_class,
                          std::span<const std::byte> packet, std::uint16_t ip_id) noexcept {
  const std::size_t ip_at = emit_link(frame.data(), link, ethertype::ipv4);
  const std::size_t length = ip_at + kIpv4HeaderSizeMin + packet.size();
  MAYFLY_ASSERT(frame.size() >= length);
  std::byte* inner = put_ipv4(&frame[ip_at],
                              {.source = swap32(source.host),
                               .destination = swap32(destination.host),
                               .payload_len = packet.size(),
                               .id = ip_id,
                               .protocol = tunnel_of(packet),
                               .traffic_class = traffic_class},
                              ChecksumBy::software);
  std::memcpy(inner, packet.data(), packet.size());
  return length;
}

std::size_t emit_ip_in_ip6(std::span<std::byte> frame, const LinkHeader& link,
                           const Ipv6Address& source, const Ipv6Address& destination,
                           std::uint8_t traffic_class, std::span<const std::byte> packet) noexcept {
  const std::size_t ip_at = emit_link(frame.data(), link, ethertype::ipv6);
  const std::size_t length = ip_at + kIpv6HeaderSize + packet.size();
  MAYFLY_ASSERT(frame.size() >= length);
  std::byte* inner = put_ipv6(
      &frame[ip_at],
      {source, destination, packet.size(), std::uint32_t{traffic_class} << 20, tunnel_of(packet)});
  std::memcpy(inner, packet.data(), packet.size());
  return length;
}

std::size_t emit_icmp6(std::span<std::byte> frame, const LinkHeader& link, const Icmp6& icmp,
                       std::span<const std::byte> body) noexcept {
  const std::size_t message_size = kIcmpHeaderSize + body.size();
  const std::size_t frame_size = link.size() + kIpv6HeaderSize + message_size;
  MAYFLY_ASSERT(message_size <= 0xffff && frame_size <= frame.size());
  // The body first: an echo's may be in this very frame, where the headers are about to be written.
  std::byte* const message = frame.data() + link.size() + kIpv6HeaderSize;
  if (!body.empty()) std::memmove(message + kIcmpHeaderSize, body.data(), body.size());
  put_ipv6(frame.data() + emit_link(frame.data(), link, ethertype::ipv6),
           {icmp.source, icmp.destination, message_size, 0, next_header::icmp6, icmp.hop_limit});
  put_be32(put_be16(put_u8(put_u8(message, icmp.type), icmp.code), 0), icmp.rest);
  const std::uint64_t pseudo = pseudo_header_sum(icmp.source, icmp.destination, next_header::icmp6,
                                                 static_cast<std::uint32_t>(message_size));
  store_be16(message + icmp_at::checksum,
             checksum_finish(checksum_add({message, message_size}, pseudo)));
  return frame_size;
}

std::size_t emit_mld_report(std::span<std::byte> frame, const LinkHeader& link,
                            const Ipv6Address& source,
                            std::span<const Ipv6Address> groups) noexcept {
  constexpr std::size_t kOptions = 8, kRecord = 20;
  const std::size_t message_size = kIcmpHeaderSize + groups.size() * kRecord;
  const std::size_t frame_size = link.size() + kIpv6HeaderSize + kOptions + message_size;
  MAYFLY_ASSERT(frame_size <= frame.size());
  std::byte* at = put_ipv6(frame.data() + emit_link(frame.data(), link, ethertype::ipv6),
                           {source, kAllMldRouters, kOptions + message_size, 0,
                            next_header::hop_by_hop, 1});  // RFC 3810 5: hop limit 1
  // Hop-by-hop options: router alert 0 (RFC 2711), PadN of two octets.
  std::byte* const message =
      put_be32(put_be32(at, std::uint32_t{next_header::icmp6} << 24 | 0x00'0502), 0x0000'0100);
  at = put_be16(put_u8(put_u8(message, icmp6_type::mld2_report), 0), 0);
  at = put_be32(at, static_cast<std::uint32_t>(groups.size()));
  for (const Ipv6Address& group : groups)  // RFC 3810 5.2.12: changed to exclude nobody
    at = put_raw(put_be32(at, 0x0400'0000), group.octets);
  const std::uint64_t pseudo = pseudo_header_sum(source, kAllMldRouters, next_header::icmp6,
                                                 static_cast<std::uint32_t>(message_size));
  store_be16(message + icmp_at::checksum,
             checksum_finish(checksum_add({message, message_size}, pseudo)));
  return frame_size;
}

}  // namespace mayfly::wire
