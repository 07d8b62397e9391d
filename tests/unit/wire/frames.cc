#include "unit/wire/frames.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <iostream>
#include <string>

namespace mayfly::testing {
namespace {

void append(Frame& frame, std::uint64_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) frame.push_back(std::byte(value >> (8 * i) & 0xff));
}

void append(Frame& frame, const MacAddress& mac) {
  for (const std::uint8_t octet : mac.octets) frame.push_back(std::byte{octet});
}

std::uint32_t pseudo_header(Ipv4Address a, Ipv4Address b, std::uint32_t protocol,
                            std::size_t length) {
  return (a.host >> 16) + (a.host & 0xffff) + (b.host >> 16) + (b.host & 0xffff) + protocol +
         static_cast<std::uint32_t>(length);
}

const Frame kTimestamps = hex("01 01 08 0a 11 22 33 44 55 66 77 88");
const Frame kSynOptions = hex("02 04 05 b4  04 02  08 0a 11 22 33 44 00 00 00 00  01  03 03 07");

}  // namespace

Frame bytes(std::initializer_list<int> values) {
  Frame frame;
  for (const int value : values) frame.push_back(std::byte(value));
  return frame;
}

Frame hex(std::string_view digits) {
  std::string packed;
  for (const char c : digits) {
    if (!std::isspace(static_cast<unsigned char>(c))) packed += c;
  }
  Frame frame;
  for (std::size_t i = 0; i < packed.size(); i += 2) {
    frame.push_back(std::byte(std::stoi(packed.substr(i, 2), nullptr, 16)));
  }
  return frame;
}

Frame text(std::string_view characters) {
  Frame frame;
  for (const char c : characters) frame.push_back(std::byte(c));
  return frame;
}

Frame operator+(Frame head, const Frame& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

void put16(Frame& frame, std::size_t at, std::uint32_t value) {
  frame.at(at) = std::byte(value >> 8 & 0xff);
  frame.at(at + 1) = std::byte(value & 0xff);
}

void put32(Frame& frame, std::size_t at, std::uint32_t value) {
  put16(frame, at, value >> 16);
  put16(frame, at + 2, value);
}

std::uint16_t plain_checksum(const Frame& data, std::uint32_t sum) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto octet = std::to_integer<std::uint32_t>(data[i]);
    sum += i % 2 == 0 ? octet << 8 : octet;
    if (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Frame Ipv4Frame::build() const {
  Frame header;
  const std::size_t header_size = 20 + options.size();
  append(header, std::uint32_t{version} << 4 | ihl.value_or(header_size / 4), 1);
  append(header, tos, 1);
  append(header, total_length.value_or(header_size + payload.size()), 2);
  append(header, id, 2);
  append(header, fragment, 2);
  append(header, 64, 1);
  append(header, protocol, 1);
  append(header, 0, 2);
  append(header, source.host, 4);
  append(header, destination.host, 4);
  header = header + options;
  put16(header, 10, plain_checksum(header));

  Frame link;
  append(link, mac);
  append(link, kPeerMac);
  if (vlan_tag) append(link, 0x8100'0000u | *vlan_tag, 4);
  append(link, ethertype, 2);
  return link + header + payload + padding;
}

Frame TcpSegment::build(Ipv4Address source, Ipv4Address destination) const {
  Frame segment;
  append(segment, source_port, 2);
  append(segment, destination_port, 2);
  append(segment, seq, 4);
  append(segment, ack, 4);
  append(segment, data_offset.value_or((20 + options.size()) / 4) << 4, 1);
  append(segment, flags, 1);
  append(segment, window, 2);
  append(segment, 0, 2);
  append(segment, urgent, 2);
  segment = segment + options + payload;
  put16(segment, 16,
        plain_checksum(segment, pseudo_header(source, destination, 6, segment.size())));
  return segment;
}

Frame tcp_frame(const TcpSegment& segment, Ipv4Frame ip) {
  ip.payload = segment.build(ip.source, ip.destination);
  return ip.build();
}

Frame icmp_frame(const Frame& body) {
  Frame message = bytes({8, 0, 0, 0, 0, 7, 0, 1}) + body;
  put16(message, 2, plain_checksum(message));
  return Ipv4Frame{.protocol = 1, .payload = message}.build();
}

Frame arp_frame() {
  return hex(
      "ff ff ff ff ff ff  02 00 00 00 00 02  08 06  00 01  08 00  06 04  00 01"
      "02 00 00 00 00 02  c6 12 01 01  00 00 00 00 00 00  c6 12 00 01");
}

std::vector<Frame> valid_frames() {
  const std::uint8_t syn = wire::tcp_flag::syn, push = wire::tcp_flag::psh | wire::tcp_flag::ack;
  const Frame two_sack_blocks =
      hex("01 01 05 12  00 00 00 01 00 00 00 02  00 00 00 03 00 00 00 04");
  return {
      tcp_frame({}),
      tcp_frame({.flags = syn, .options = kSynOptions}),
      tcp_frame({.flags = push, .options = kTimestamps, .payload = text("GET / HTTP/1.1\r\n\r\n")}),
      tcp_frame({.options = two_sack_blocks}),
      tcp_frame({.payload = text("tagged")}, {.vlan_tag = 0}),
      tcp_frame({.payload = text("with IPv4 options")},
                {.options = hex("01 07 07 04 00 00 00 00")}),
      icmp_frame(text("echo")),
      arp_frame(),
      Ipv4Frame{.protocol = 17, .payload = hex("9c 40 00 35 00 08 00 00")}.build(),
      Ipv4Frame{.protocol = 47, .payload = text("any")}.build(),
      Ipv4Frame{.fragment = 0x2000, .payload = Frame(16)}.build(),
  };
}

wire::ParsedFrame parse(const Frame& frame, const wire::ParseRules& rules, wire::RxChecks checks) {
  return parse_frame(frame, rules, checks);
}

Drop drop_of(const Frame& frame, const wire::ParseRules& rules, wire::RxChecks checks) {
  const wire::ParsedFrame parsed = parse(frame, rules, checks);
  EXPECT_EQ(parsed.kind == wire::FrameKind::drop, parsed.drop != Drop::none);
  return parsed.drop;
}

std::mt19937_64 seeded_generator() {
  const char* replay = std::getenv("MAYFLY_TEST_SEED");
  const std::uint64_t seed = replay != nullptr ? std::strtoull(replay, nullptr, 10) : 1;
  std::cout << "replay with MAYFLY_TEST_SEED=" << seed << '\n';
  return std::mt19937_64(seed);
}

}  // namespace mayfly::testing
