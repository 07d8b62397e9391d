// From values to bytes: writes the frames that are sent. The inverse of parse.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/ethernet.h"
#include "wire/flow_key.h"
#include "wire/segment.h"

namespace mayfly::wire {

/// Who computes a checksum.
enum class ChecksumBy : std::uint8_t {
  software,  ///< emit writes it
  device,    ///< the port computes it: IPv4 zero, TCP the pseudo-header sum that devices expect
};

/// The TCP header with the emission's options, padded: 20..60 bytes.
std::size_t tcp_header_size(const Emission& emission) noexcept;

/// From the frame's first byte to the payload: link + 20 + tcp_header_size.
std::size_t tcp_payload_offset(const LinkHeader& link, const Emission& emission) noexcept;

/// Writes the headers of a TCP segment in front of a payload that is already at tcp_payload_offset.
/// `frame` has room for the whole frame, whose IPv4 packet has at most 65,535 bytes. IPv4: DF set,
/// TTL 64, `ip_id` as the identification (RFC 6864). `payload_sum`: the payload's checksum_native,
/// if it is known; it is not read then. Returns the frame's length.
std::size_t emit_tcp(std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
                     const Emission& emission, std::uint16_t ip_id, ChecksumBy ip, ChecksumBy tcp,
                     std::optional<std::uint64_t> payload_sum = {}) noexcept;

/// The same for IPv6: its payload offset, and its headers. Hop limit 64, no extension header. The
/// key's flow label has 20 bits (RFC 6437).
std::size_t tcp6_payload_offset(const LinkHeader& link, const Emission& emission) noexcept;
std::size_t emit_tcp6(std::span<std::byte> frame, const LinkHeader& link, const FlowKey6& key,
                      const Emission& emission, ChecksumBy tcp,
                      std::optional<std::uint64_t> payload_sum = {}) noexcept;

/// An ARP packet (RFC 826) for IPv4 over Ethernet.
struct ArpPacket {
  /// As on the wire; other values are possible in a packet that was read.
  enum class Operation : std::uint16_t { request = 1, reply = 2 };
  Operation operation = Operation::request;
  MacAddress sender_mac, target_mac;
  Ipv4Address sender_ip, target_ip;
};
/// In bytes, without the link header.
inline constexpr std::size_t kArpPacketSize = 28;

/// Reads an ARP packet that parse_frame found well-formed (FrameKind::arp).
ArpPacket read_arp(std::span<const std::byte> frame, std::size_t l3_off) noexcept;
/// Writes link header and packet; `frame` needs link.size() + kArpPacketSize bytes. Returns the
/// length (the port pads it to Ethernet's minimum).
std::size_t emit_arp(std::span<std::byte> frame, const LinkHeader& link,
                     const ArpPacket& arp) noexcept;

/// Writes link, IPv4 and an ICMP message (type, code, `rest` = bytes 4..7 in host order, then
/// `body`), checksums included. `body` may overlap `frame`, which needs link.size() + 28 +
/// body.size() bytes. Returns the frame's length.
std::size_t emit_icmp(std::span<std::byte> frame, const LinkHeader& link, Ipv4Address source,
                      Ipv4Address destination, std::uint8_t type, std::uint8_t code,
                      std::uint32_t rest, std::span<const std::byte> body,
                      std::uint16_t ip_id) noexcept;

/// Writes link and outer IPv4 header (RFC 2003, RFC 4213: DF set, TTL 64) and `packet`, of IPv4 or
/// IPv6, behind them. `traffic_class` is the outer one. `frame` needs link.size() + 20 +
/// packet.size() bytes. Returns its length.
std::size_t emit_ip_in_ip(std::span<std::byte> frame, const LinkHeader& link, Ipv4Address source,
                          Ipv4Address destination, std::uint8_t traffic_class,
                          std::span<const std::byte> packet, std::uint16_t ip_id) noexcept;
/// The same with an outer IPv6 header (RFC 2473, hop limit 64): 40 bytes instead of 20.
std::size_t emit_ip_in_ip6(std::span<std::byte> frame, const LinkHeader& link,
                           const Ipv6Address& source, const Ipv6Address& destination,
                           std::uint8_t traffic_class, std::span<const std::byte> packet) noexcept;

}  // namespace mayfly::wire
