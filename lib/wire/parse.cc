#include "wire/parse.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/emit.h"
#include "wire/layout.h"
#include "wire/options.h"
#include "wire/parse_ipv6.h"
#include "wire/plain.h"
#include "wire/take_segment.h"

namespace mayfly::wire {
namespace {

using Bytes = std::span<const std::byte>;

/// Data together with its checksum sums to all ones (RFC 1071 1).
bool sums_up(Bytes bytes, std::uint64_t sum = 0) noexcept {
  return checksum_fold(checksum_add(bytes, sum)) == 0xffff;
}

/// The same of an IPv4 header, which nearly always has no options.
bool header_sums_up(Bytes header) noexcept {
  if (header.size() != kIpv4HeaderSizeMin) return sums_up(header);
  std::array<std::uint32_t, kIpv4HeaderSizeMin / 4> words;  // RFC 1071 2 (B): in any byte order
  std::memcpy(words.data(), header.data(), kIpv4HeaderSizeMin);
  return checksum_fold(std::uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4]) ==
         0xffff;
}

bool is_multicast(Ipv4Address address) noexcept { return (address.host >> 28) == 0xe; }
bool is_limited_broadcast(Ipv4Address address) noexcept { return address.host == 0xffff'ffff; }
bool is_loopback(Ipv4Address address) noexcept { return (address.host >> 24) == 127; }

/// RFC 1122 3.2.1.3, RFC 9293 3.9.2.3 (MUST-63): addresses that no datagram from the wire may have
/// as its source, and the destination itself, which only forged datagrams have (the "land" attack).
bool is_invalid_source(const FlowKey4& key) noexcept {
  const Ipv4Address source = key.remote();
  return is_multicast(source) || is_limited_broadcast(source) || is_loopback(source) ||
         key.remote_ip == key.local_ip;
}

/// RFC 826, for IPv4 over Ethernet.
Drop parse_arp(Bytes frame, ParsedFrame& parsed) noexcept {
  const Bytes arp = frame.subspan(parsed.l3_off);
  if (arp.size() < kArpPacketSize) return Drop::arp_malformed;
  const std::uint16_t operation = load_be16(&arp[arp_at::operation]);
  const bool sender_is_group = (load_u8(&arp[arp_at::sender_mac]) & 1) != 0;
  if (load_be16(&arp[arp_at::hardware_type]) != 1 ||
      load_be16(&arp[arp_at::protocol_type]) != ethertype::ipv4 ||
      load_u8(&arp[arp_at::hardware_length]) != 6 || load_u8(&arp[arp_at::protocol_length]) != 4 ||
      (operation != 1 && operation != 2) || sender_is_group) {
    return Drop::arp_malformed;
  }
  parsed.kind = FrameKind::arp;
  return Drop::none;
}

Drop parse_icmp(Bytes message, ParsedFrame& parsed) noexcept {
  if (message.size() < kIcmpHeaderSize || !sums_up(message)) return Drop::icmp_malformed;
  parsed.kind = FrameKind::icmp;
  return Drop::none;
}

void take_ports(const std::byte* header, FlowKey4& key) noexcept {
  std::memcpy(&key.remote_port, header + tcp_at::source_port, sizeof key.remote_port);
  std::memcpy(&key.local_port, header + tcp_at::destination_port, sizeof key.local_port);
}

Drop parse_udp(Bytes datagram, ParsedFrame& parsed) noexcept {
  if (datagram.size() >= kUdpHeaderSize) take_ports(datagram.data(), parsed.key);
  parsed.kind = FrameKind::udp;
  return Drop::none;
}

/// A segment of either family; `pseudo_sum()` is the sum of its pseudo-header.
template <class PseudoSum>
Drop take_tcp(Bytes frame, RxChecks checks, PseudoSum pseudo_sum, ParsedFrame& parsed) noexcept {
  const Bytes tcp = frame.subspan(parsed.l4_off, parsed.l4_len);
  if (tcp.size() < kTcpHeaderSizeMin) return Drop::tcp_short;
  const std::size_t header_size = tcp_header_size(tcp.data());
  if (header_size < kTcpHeaderSizeMin || header_size > tcp.size()) return Drop::tcp_data_offset;
  // RFC 9293 3.1 (MUST-3): the receiver must check it, unless the device has.
  if (checks.l4_bad) return Drop::tcp_checksum;
  if (!checks.l4_good && !sums_up(tcp, pseudo_sum())) return Drop::tcp_checksum;
  take_ports(tcp.data(), parsed.key);
  if (parsed.key.local_port == 0 || parsed.key.remote_port == 0) return Drop::tcp_port_zero;
  if (!take_segment(frame, parsed.l4_off, parsed.l4_len, header_size, parsed.segment))
    return Drop::tcp_options_malformed;
  parsed.kind = FrameKind::tcp;
  return Drop::none;
}

Drop parse_tcp(Bytes frame, RxChecks checks, ParsedFrame& parsed) noexcept {
  // RFC 1122 3.2.1.3 (a): 0 is a source only while a host learns its address, which it does not do
  // by TCP.
  if (parsed.key.remote_ip == 0) return Drop::ip_source_invalid;
  // RFC 9293 3.9.2.3 (MUST-57); RFC 1122 3.3.6 for a unicast datagram in a link-layer broadcast.
  const Ipv4Address destination = parsed.key.local();
  if (parsed.link_group || is_multicast(destination) || is_limited_broadcast(destination)) {
    return Drop::ip_multicast;
  }
  const auto pseudo_sum = [&] {
    return pseudo_header_sum(parsed.key, ip_protocol::tcp, parsed.l4_len);
  };
  return take_tcp(frame, checks, pseudo_sum, parsed);
}

Drop check_ipv4_options(Bytes options) noexcept {
  bool source_routed = false;
  const bool well_formed = walk_options(options, [&](std::uint8_t type, Bytes) {
    source_routed |= type == ipv4_option_type::loose_source_route ||
                     type == ipv4_option_type::strict_source_route;
  });
  if (!well_formed) return Drop::ip_options_malformed;
  // RFC 1122 3.2.1.8, RFC 7126 4.3 and 4.4: a host need not, and should not, follow source routes.
  return source_routed ? Drop::ip_source_route : Drop::none;
}

Drop parse_transport(Bytes frame, RxChecks checks, ParsedFrame& parsed) noexcept {
  switch (parsed.protocol) {
    case ip_protocol::tcp: return parse_tcp(frame, checks, parsed);
    case ip_protocol::icmp: return parse_icmp(frame.subspan(parsed.l4_off, parsed.l4_len), parsed);
    case ip_protocol::udp: return parse_udp(frame.subspan(parsed.l4_off, parsed.l4_len), parsed);
    default: parsed.kind = FrameKind::other_protocol; return Drop::none;
  }
}

/// RFC 791 3.1 and RFC 1122 3.2.1.
Drop parse_ipv4(Bytes frame, RxChecks checks, ParsedFrame& parsed) noexcept {
  const Bytes packet = frame.subspan(parsed.l3_off);
  if (packet.size() < kIpv4HeaderSizeMin) return Drop::frame_short;
  const std::uint8_t version_ihl = load_u8(&packet[ipv4_at::version_ihl]);
  if ((version_ihl >> 4) != 4) return Drop::ip_version;  // RFC 1122 3.2.1.1
  const std::size_t header_size = (version_ihl & 0xf) * std::size_t{4};
  if (header_size < kIpv4HeaderSizeMin || header_size > packet.size()) {
    return Drop::ip_header_length;
  }
  const std::size_t total_length = load_be16(&packet[ipv4_at::total_length]);
  if (total_length < header_size || total_length > packet.size()) return Drop::ip_total_length;
  // RFC 1122 3.2.1.2: verify, and silently discard.
  if (checks.ip_bad || (!checks.ip_good && !header_sums_up(packet.first(header_size)))) {
    return Drop::ip_checksum;
  }
  if (header_size > kIpv4HeaderSizeMin) {
    const Bytes options = packet.subspan(kIpv4HeaderSizeMin, header_size - kIpv4HeaderSizeMin);
    if (const Drop drop = check_ipv4_options(options); drop != Drop::none) return drop;
  }
  std::memcpy(&parsed.key.remote_ip, &packet[ipv4_at::source], sizeof parsed.key.remote_ip);
  std::memcpy(&parsed.key.local_ip, &packet[ipv4_at::destination], sizeof parsed.key.local_ip);
  if (is_invalid_source(parsed.key)) return Drop::ip_source_invalid;
  parsed.protocol = load_u8(&packet[ipv4_at::protocol]);
  parsed.l4_off = static_cast<std::uint16_t>(parsed.l3_off + header_size);
  parsed.l4_len = static_cast<std::uint16_t>(total_length - header_size);
  constexpr std::uint16_t is_fragment = ipv4_fragment::more_fragments | ipv4_fragment::offset_mask;
  if ((load_be16(&packet[ipv4_at::fragment]) & is_fragment) != 0) {
    parsed.kind = FrameKind::fragment;
    return Drop::none;
  }
  // RFC 3168 5: a router marks instead of dropping.
  if ((load_u8(&packet[ipv4_at::tos]) & ipv4_ecn::mask) == ipv4_ecn::congestion) [[unlikely]]
    parsed.segment.options = tcp_option::ecn_mark;
  return parse_transport(frame, checks, parsed);
}

Drop parse_ethernet(Bytes frame, const ParseRules& rules, RxChecks checks,
                    ParsedFrame& parsed) noexcept {
  if (frame.size() < kEthernetHeaderSize) return Drop::frame_short;
  parsed.link_group = (load_u8(&frame[ethernet_at::destination]) & 1) != 0;
  if (!parsed.link_group &&
      std::memcmp(frame.data(), rules.mac.octets.data(), rules.mac.octets.size()) != 0) {
    return Drop::not_our_mac;
  }
  std::uint16_t type = load_be16(&frame[ethernet_at::type]);
  std::uint16_t vlan = 0;
  parsed.l3_off = kEthernetHeaderSize;
  if (type == ethertype::vlan) {
    if (frame.size() < kEthernetHeaderSize + kVlanTagSize) return Drop::frame_short;
    // IEEE 802.1Q 9.6: identifier 0 is a priority tag, the frame counts as untagged.
    vlan = load_be16(&frame[ethernet_at::vlan]) & 0x0fff;
    type = load_be16(&frame[ethernet_at::tagged_type]);
    parsed.l3_off = kEthernetHeaderSize + kVlanTagSize;
  }
  if (vlan != rules.vlan) return Drop::vlan_other;
  if (type == ethertype::ipv4) return parse_ipv4(frame, checks, parsed);
  if (type == ethertype::arp) return parse_arp(frame, parsed);
  if (type == ethertype::ipv6 && rules.ipv6) return parse_ipv6(frame, checks, parsed);
  return Drop::ethertype_unknown;
}

/// Out of line: it needs more registers than the short way, which would save them too.
[[gnu::noinline]] void parse_any(Bytes frame, const ParseRules& rules, RxChecks checks,
                                 ParsedFrame& parsed) noexcept {
  parsed.drop = parse_ethernet(frame, rules, checks, parsed);
  MAYFLY_ASSERT((parsed.kind == FrameKind::drop || parsed.kind == FrameKind::problem) ==
                (parsed.drop != Drop::none));
  MAYFLY_ASSERT(std::size_t{parsed.l4_off} + parsed.l4_len <= frame.size());
}

}  // namespace

Drop parse_tcp6(Bytes frame, RxChecks checks, std::uint64_t pseudo_sum,
                ParsedFrame& parsed) noexcept {
  return take_tcp(
      frame, checks, [pseudo_sum] { return pseudo_sum; }, parsed);
}

Drop parse_udp6(Bytes frame, ParsedFrame& parsed) noexcept {
  return parse_udp(frame.subspan(parsed.l4_off, parsed.l4_len), parsed);
}

void parse_frame(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                 ParsedFrame& parsed) noexcept {
  parsed = {};
  if (!parse_plain_tcp(frame, rules, checks, parsed)) parse_unplain(frame, rules, checks, parsed);
}

void parse_unplain(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                   ParsedFrame& parsed) noexcept {
  if (!rules.ipv6 || !parse_plain_tcp6(frame, rules, checks, parsed))
    parse_any(frame, rules, checks, parsed);
}

std::size_t read_sack(std::span<const std::byte> frame, const Segment& segment,
                      std::array<SackBlock, kSackBlocksMax>& blocks) noexcept {
  const std::size_t count = std::min<std::size_t>(segment.sack_count, kSackBlocksMax);
  const std::size_t size = count * tcp_option_size::sack_block;
  MAYFLY_ASSERT(segment.sack_off + size <= frame.size());
  const Bytes bytes = frame.subspan(segment.sack_off, size);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* block = bytes.data() + i * tcp_option_size::sack_block;
    blocks[i] = {{load_be32(block)}, {load_be32(block + 4)}};
  }
  return count;
}

}  // namespace mayfly::wire
