// Frames for the wire tests, put together byte by byte with a plain checksum: independent of
// lib/wire's own emission, so that a mistake there cannot hide one in the parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "wire/parse.h"

namespace mayfly::testing {

using Frame = std::vector<std::byte>;

inline constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 2}};
inline constexpr Ipv4Address kOurIp{0xc612'0001};   // 198.18.0.1
inline constexpr Ipv4Address kPeerIp{0xc612'0101};  // 198.18.1.1
inline constexpr wire::ParseRules kOurRules{kOurMac};
inline constexpr wire::RxChecks kAllGood{.ip_good = true, .l4_good = true};

Frame bytes(std::initializer_list<int> values);
/// "02 00 ff": spaces are skipped.
Frame hex(std::string_view digits);
Frame text(std::string_view characters);
Frame operator+(Frame head, const Frame& tail);
void put16(Frame& frame, std::size_t at, std::uint32_t value);
void put32(Frame& frame, std::size_t at, std::uint32_t value);

/// RFC 1071 1, word by word; `sum` is what was summed before.
std::uint16_t plain_checksum(const Frame& data, std::uint32_t sum = 0);

/// An Ethernet frame with an IPv4 header, whose fields can be wrong, from the peer to us.
struct Ipv4Frame {
  MacAddress mac = kOurMac;               // the destination
  std::optional<std::uint16_t> vlan_tag;  // the whole tag control information
  std::uint16_t ethertype = wire::ethertype::ipv4;
  std::uint8_t version = 4, tos = 0;
  std::optional<std::uint8_t> ihl;
  std::optional<std::uint16_t> total_length;
  std::uint16_t id = 0x1234;
  std::uint16_t fragment = 0x4000;
  std::uint8_t protocol = 6;
  Ipv4Address source = kPeerIp, destination = kOurIp;
  Frame options, payload;
  Frame padding;  // after the datagram's end

  Frame build() const;
};

/// A TCP segment from the peer's port 40000 to our port 80, with the right checksum.
struct TcpSegment {
  std::uint16_t source_port = 40000, destination_port = 80;
  std::uint32_t seq = 0x0102'0304, ack = 0x0a0b'0c0d;
  std::optional<std::uint8_t> data_offset;
  std::uint8_t flags = wire::tcp_flag::ack;
  std::uint16_t window = 501, urgent = 0;
  Frame options, payload;

  Frame build(Ipv4Address source, Ipv4Address destination) const;
};

Frame tcp_frame(const TcpSegment& segment, Ipv4Frame ip = {});
/// An ICMP echo request with a right checksum.
Frame icmp_frame(const Frame& body);
/// A request of the peer for our MAC address.
Frame arp_frame();

/// One valid frame of every kind and option layout, none of them padded.
std::vector<Frame> valid_frames();

/// Parses for our MAC address, with nothing checked by a device unless told.
wire::ParsedFrame parse(const Frame& frame, const wire::ParseRules& rules = kOurRules,
                        wire::RxChecks checks = {});
/// Why the frame is dropped; Drop::none if it is not.
Drop drop_of(const Frame& frame, const wire::ParseRules& rules = kOurRules,
             wire::RxChecks checks = {});

/// A generator whose seed is printed; MAYFLY_TEST_SEED in the environment replays a run.
std::mt19937_64 seeded_generator();

}  // namespace mayfly::testing
