// Where the fields of the headers are: byte offsets from each header's start, and fixed sizes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly::wire {

/// Sizes in bytes; the TCP maximum is with 40 bytes of options.
inline constexpr std::size_t kEthernetHeaderSize = 14;
inline constexpr std::size_t kVlanTagSize = 4;
inline constexpr std::size_t kIpv4HeaderSizeMin = 20;
inline constexpr std::size_t kIpv6HeaderSize = 40;
inline constexpr std::size_t kFragmentHeaderSize = 8;
inline constexpr std::size_t kIcmpHeaderSize = 8;
inline constexpr std::size_t kUdpHeaderSize = 8;
inline constexpr std::size_t kTcpHeaderSizeMin = 20;
inline constexpr std::size_t kTcpHeaderSizeMax = 60;

namespace ethernet_at {
inline constexpr std::size_t destination = 0, source = 6, type = 12, vlan = 14, tagged_type = 16;
}
namespace arp_at {  // RFC 826
inline constexpr std::size_t hardware_type = 0, protocol_type = 2, hardware_length = 4,
                             protocol_length = 5, operation = 6, sender_mac = 8, sender_ip = 14,
                             target_mac = 18, target_ip = 24;
}
namespace ipv4_at {  // RFC 791 3.1
inline constexpr std::size_t version_ihl = 0, tos = 1, total_length = 2, id = 4, fragment = 6,
                             ttl = 8, protocol = 9, checksum = 10, source = 12, destination = 16;
}
namespace ipv6_at {  // RFC 8200 3
inline constexpr std::size_t version = 0, payload_length = 4, next_header = 6, hop_limit = 7,
                             source = 8, destination = 24;
}
namespace icmp_at {  // RFC 792, RFC 4443 2.1
inline constexpr std::size_t type = 0, code = 1, checksum = 2, rest = 4;
}
namespace tcp_at {  // RFC 9293 3.1; the two UDP ports stand where TCP's do
inline constexpr std::size_t source_port = 0, destination_port = 2, seq = 4, ack = 8,
                             data_offset = 12, flags = 13, window = 14, checksum = 16, urgent = 18;
}

/// Of what is sent (RFC 1122 3.2.1.7): the value that RFC 1700 recommends.
inline constexpr std::uint8_t kTtl = 64;

/// Numbers in the IPv4 header's protocol field.
namespace ip_protocol {
inline constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17;
/// An IPv4 packet inside (RFC 2003, RFC 2473), and one of IPv6 (RFC 4213, RFC 2473). In IPv6 the
/// next header has the same numbers.
inline constexpr std::uint8_t ip_in_ip = 4, ipv6_in_ip = 41;
constexpr bool is_tunnel(std::uint8_t protocol) {
  return protocol == ip_in_ip || protocol == ipv6_in_ip;
}
}  // namespace ip_protocol

/// Numbers in the IPv6 header's and the extension headers' next header fields (RFC 8200 4).
namespace next_header {
inline constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, icmp6 = 58, none = 59,
                              destination = 60;
}

/// RFC 3168 5: the last two bits of the TOS octet.
namespace ipv4_ecn {
inline constexpr std::uint8_t mask = 3, ect_0 = 2, congestion = 3;
}  // namespace ipv4_ecn
/// The IPv4 header's fragment field (RFC 791 3.1): two flags, and an offset in units of 8 bytes.
namespace ipv4_fragment {
inline constexpr std::uint16_t dont_fragment = 0x4000, more_fragments = 0x2000,
                               offset_mask = 0x1fff;
}

/// IPv4 option types that matter here (RFC 791 3.1).
namespace ipv4_option_type {
inline constexpr std::uint8_t loose_source_route = 131, strict_source_route = 137;
}

/// TCP option kinds (RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3).
namespace tcp_option_kind {
inline constexpr std::uint8_t mss = 2, window_scale = 3, sack_permitted = 4, sack = 5,
                              timestamps = 8;
}

/// Lengths of whole TCP options: kind, length and value. A SACK option adds its blocks.
namespace tcp_option_size {
inline constexpr std::size_t mss = 4, window_scale = 3, sack_permitted = 2, sack = 2,
                             sack_block = 8, timestamps = 10;
}

/// How the timestamps option aligned as RFC 7323 A recommends begins: NOP NOP kind length.
inline constexpr std::uint32_t kAlignedTimestamps = 0x0101'080a;

/// A byte as a number, and back.
inline std::uint8_t load_u8(const std::byte* p) noexcept {
  return std::to_integer<std::uint8_t>(*p);
}
inline void store_u8(std::byte* p, std::uint8_t v) noexcept { *p = std::byte{v}; }

}  // namespace mayfly::wire
