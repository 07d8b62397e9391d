// IPv6 frames for the tests, put together byte by byte with a plain checksum, as frames.h does for
// IPv4.
#pragma once

#include <optional>

#include "unit/wire/frames.h"

namespace mayfly::testing {

inline constexpr Ipv6Address kOurIp6 = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
inline constexpr Ipv6Address kPeerIp6 = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x101});
inline constexpr wire::ParseRules kRules6{kOurMac, 0, true};
/// Extension headers of eight octets that do nothing; the first octet names the next header.
inline Frame padding_header(std::uint8_t next) { return bytes({next, 0, 1, 4, 0, 0, 0, 0}); }
inline Frame routing_header(std::uint8_t next, int type, int segments_left) {
  return bytes({next, 0, type, segments_left, 0, 0, 0, 0});
}
inline Frame fragment_header(std::uint8_t next, std::size_t offset, bool more,
                             std::uint32_t id = 7) {
  Frame header = bytes({next, 0, 0, 0, 0, 0, 0, 0});
  put16(header, 2, static_cast<std::uint32_t>(offset) | (more ? 1 : 0));
  put32(header, 4, id);
  return header;
}
inline Frame octets_of(const Ipv6Address& address) {
  Frame frame;
  for (const std::uint8_t octet : address.octets) frame.push_back(std::byte{octet});
  return frame;
}

/// An Ethernet frame with an IPv6 header, whose fields can be wrong, from the peer to us.
struct Ipv6Frame {
  MacAddress mac = kOurMac;
  std::uint8_t version = 6, traffic_class = 0, next = 6, hop_limit = 64;
  std::optional<std::uint16_t> payload_length;
  Ipv6Address source = kPeerIp6, destination = kOurIp6;
  Frame chain;    // extension headers, the first of type `next`
  Frame payload;  // what they lead to
  Frame padding;  // after the packet's end

  Frame build() const {
    Frame frame;
    for (const auto& address : {mac, kPeerMac})
      for (const std::uint8_t octet : address.octets) frame.push_back(std::byte{octet});
    frame = frame + bytes({0x86, 0xdd, version << 4 | traffic_class >> 4,
                           (traffic_class & 0xf) << 4, 0, 0, 0, 0, next, hop_limit});
    put16(frame, 18,
          static_cast<std::uint32_t>(payload_length.value_or(chain.size() + payload.size())));
    return frame + octets_of(source) + octets_of(destination) + chain + payload + padding;
  }
};

/// RFC 8200 8.1: the checksum of an upper-layer message, whose field is zero.
inline std::uint16_t checksum6(const Ipv6Address& source, const Ipv6Address& destination,
                               std::uint8_t next, const Frame& message) {
  Frame pseudo = octets_of(source) + octets_of(destination) + Frame(8);
  put32(pseudo, 32, static_cast<std::uint32_t>(message.size()));
  pseudo[39] = std::byte{next};
  return plain_checksum(pseudo + message);
}

inline Frame tcp6_frame(TcpSegment segment, Ipv6Frame ip = {}) {
  ip.payload = segment.build({}, {});
  put16(ip.payload, 16, 0);
  put16(ip.payload, 16, checksum6(ip.source, ip.destination, 6, ip.payload));
  return ip.build();
}

/// An ICMPv6 message with a right checksum; `rest` are bytes 4 to 7, then the body.
inline Frame icmp6_frame(std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                         const Frame& body, Ipv6Frame ip = {}) {
  Frame message = bytes({type, code, 0, 0, 0, 0, 0, 0});
  put32(message, 4, rest);
  ip.payload = message + body;
  put16(ip.payload, 2, checksum6(ip.source, ip.destination, 58, ip.payload));
  if (ip.chain.empty()) ip.next = 58;
  return ip.build();
}

/// A neighbour solicitation of the peer for our address, to its group.
inline Frame solicitation(Ipv6Frame ip = {}, const Ipv6Address& target = kOurIp6,
                          const Frame& options = bytes({1, 1, 2, 0, 0, 0, 0, 2})) {
  if (ip.destination == kOurIp6 && ip.mac == kOurMac) {
    ip.destination = wire::solicited_node(target);
    ip.mac = wire::group_mac(ip.destination);
  }
  if (ip.hop_limit == 64) ip.hop_limit = 255;
  return icmp6_frame(135, 0, 0, octets_of(target) + options, ip);
}
/// The peer's answer to a solicitation of ours.
inline Frame advertisement(const Ipv6Address& target = kPeerIp6, std::uint32_t flags = 0x6000'0000,
                           const Frame& options = bytes({2, 1, 2, 0, 0, 0, 0, 2})) {
  return icmp6_frame(136, 0, flags, octets_of(target) + options,
                     {.hop_limit = 255, .source = target});
}

}  // namespace mayfly::testing
