#include "wire/emit.h"

#include <gtest/gtest.h>

#include "unit/wire/frames.h"

namespace mayfly::testing {
namespace {

using wire::SackBlock;

// We send: the peer is the link's destination and the key's remote end.
constexpr wire::LinkHeader kToPeer{kPeerMac, kOurMac};
constexpr wire::LinkHeader kToPeerTagged{kPeerMac, kOurMac, 12};
constexpr FlowKey4 kOurKey = FlowKey4::of(kOurIp, 80, kPeerIp, 40000);
constexpr auto kBySoftware = wire::ChecksumBy::software;
constexpr auto kByDevice = wire::ChecksumBy::device;

constexpr Emission synack() {
  return {.seq = {0x0102'0304},
          .ack = {0x0a0b'0c0d},
          .ts = {0x1122'3344, 0x5566'7788},
          .window = 64240,
          .mss = 1460,
          .flags = wire::tcp_flag::syn | wire::tcp_flag::ack,
          .options = wire::tcp_option::mss | wire::tcp_option::window_scale |
                     wire::tcp_option::sack_permitted | wire::tcp_option::timestamps,
          .window_scale = 7};
}

Frame emitted(const Emission& emission, const Frame& payload = {},
              const wire::LinkHeader& link = kToPeer, wire::ChecksumBy ip = kBySoftware,
              wire::ChecksumBy tcp = kBySoftware) {
  Frame frame = Frame(tcp_payload_offset(link, emission), std::byte{0xee}) + payload;
  EXPECT_EQ(emit_tcp(frame, link, kOurKey, emission, 0x1234, ip, tcp), frame.size());
  return frame;
}

/// The TCP options of an emission that carries `options`, for values easy to tell in hexadecimal.
Frame options_emitted(std::uint8_t options, std::uint8_t sack_count = 0) {
  Emission emission = synack();
  emission.options = options;
  emission.sack_count = sack_count;
  emission.sack = {SackBlock{{1}, {2}}, SackBlock{{3}, {4}}, SackBlock{{5}, {6}},
                   SackBlock{{7}, {8}}};
  const Frame frame = emitted(emission);
  EXPECT_EQ(tcp_header_size(emission) % 4, 0u);
  EXPECT_EQ(std::to_integer<std::size_t>(frame[34 + 12]) >> 4, tcp_header_size(emission) / 4);
  return Frame(frame.begin() + 54, frame.end());
}

TEST(EmitTcp, WritesASynAckByteForByte) {
  EXPECT_EQ(emitted(synack()),
            hex("02 00 00 00 00 02  02 00 00 00 00 01  08 00"  // Ethernet
                "45 00 00 3c  12 34 40 00  40 06 9b 61"        // IPv4: 60 bytes, DF
                "c6 12 00 01  c6 12 01 01"                     // 198.18.0.1, 198.18.1.1
                "00 50 9c 40  01 02 03 04  0a 0b 0c 0d"        // ports, seq, ack
                "a0 12 fa f0  f7 d4 00 00"                     // 40 bytes, SYN ACK, window
                "02 04 05 b4  04 02  08 0a 11 22 33 44 55 66 77 88  01  03 03 07"));
}

TEST(EmitTcp, WritesTaggedDataByteForByte) {
  const Emission data{.seq = {0x0102'0304},
                      .ack = {0x0a0b'0c0d},
                      .ts = {0x1122'3344, 0x5566'7788},
                      .payload_len = 5,
                      .window = 501,
                      .flags = wire::tcp_flag::psh | wire::tcp_flag::ack,
                      .options = wire::tcp_option::timestamps};
  EXPECT_EQ(emitted(data, text("hello"), kToPeerTagged),
            hex("02 00 00 00 00 02  02 00 00 00 00 01  81 00 00 0c  08 00"
                "45 00 00 39  12 34 40 00  40 06 9b 64  c6 12 00 01  c6 12 01 01"
                "00 50 9c 40  01 02 03 04  0a 0b 0c 0d  80 18 01 f5  db be 00 00"
                "01 01 08 0a 11 22 33 44 55 66 77 88  68 65 6c 6c 6f"));
}

TEST(EmitTcp, SaysInTheIpHeaderThatItMayBeMarked) {
  Emission data{.flags = wire::tcp_flag::ack};
  const Frame plain = emitted(data);
  data.options = wire::tcp_option::ecn_mark;
  Frame capable = emitted(data);
  ASSERT_EQ(capable.size(), plain.size()) << "it takes no room among the options";
  EXPECT_EQ(capable[15], std::byte{2});  // ECT(0)
  EXPECT_EQ(parse(capable, {.mac = kToPeer.destination}).drop, Drop::none);
}

TEST(EmitTcp, PadsEveryGroupOfOptionsToWholeWords) {
  EXPECT_EQ(options_emitted(0), Frame{});
  EXPECT_EQ(options_emitted(wire::tcp_option::mss), hex("02 04 05 b4"));
  EXPECT_EQ(options_emitted(wire::tcp_option::window_scale), hex("01 03 03 07"));
  EXPECT_EQ(options_emitted(wire::tcp_option::sack_permitted), hex("01 01 04 02"));
  EXPECT_EQ(options_emitted(wire::tcp_option::timestamps),
            hex("01 01 08 0a 11 22 33 44 55 66 77 88"));
  EXPECT_EQ(options_emitted(wire::tcp_option::mss | wire::tcp_option::sack_permitted |
                            wire::tcp_option::window_scale),
            hex("02 04 05 b4  01 01 04 02  01 03 03 07"));
}

TEST(EmitTcp, WritesSackBlocks) {
  EXPECT_EQ(options_emitted(wire::tcp_option::sack, 1), hex("01 01 05 0a  00000001 00000002"));
  EXPECT_EQ(options_emitted(wire::tcp_option::sack, 4),
            hex("01 01 05 22  00000001 00000002  00000003 00000004  00000005 00000006"
                "00000007 00000008"));
  EXPECT_EQ(options_emitted(wire::tcp_option::sack | wire::tcp_option::timestamps, 3),
            hex("01 01 08 0a 11 22 33 44 55 66 77 88"
                "01 01 05 1a  00000001 00000002  00000003 00000004  00000005 00000006"));
}

TEST(EmitTcp, WritesNoSackOptionWithoutBlocks) {
  EXPECT_EQ(options_emitted(wire::tcp_option::sack, 0), Frame{});
}

TEST(EmitTcp, LeavesTheDeviceWhatItExpects) {
  Emission data = synack();
  data.payload_len = 3;
  Frame frame = emitted(data, text("odd"), kToPeer, kByDevice, kByDevice);
  EXPECT_EQ(load_be16(&frame[14 + 10]), 0);
  // c612 + 0001 + c612 + 0101 + 0006 + 002b = 1'8d57
  EXPECT_EQ(load_be16(&frame[34 + 16]), 0x8d58);

  // What the device does then: both sums over what is there.
  put16(frame, 14 + 10, plain_checksum(Frame(frame.begin() + 14, frame.begin() + 34)));
  put16(frame, 34 + 16, plain_checksum(Frame(frame.begin() + 34, frame.end())));
  EXPECT_EQ(frame, emitted(data, text("odd")));
}

TEST(EmitTcp, ChecksumsAreLeftToTheDeviceOneByOne) {
  const Frame frame = emitted(synack());
  const Frame ip_by_device = emitted(synack(), {}, kToPeer, kByDevice, kBySoftware);
  const Frame tcp_by_device = emitted(synack(), {}, kToPeer, kBySoftware, kByDevice);
  EXPECT_EQ(load_be16(&ip_by_device[24]), 0);
  EXPECT_EQ(load_be16(&ip_by_device[50]), load_be16(&frame[50]));
  EXPECT_EQ(load_be16(&tcp_by_device[24]), load_be16(&frame[24]));
  EXPECT_NE(load_be16(&tcp_by_device[50]), load_be16(&frame[50]));
}

TEST(EmitTcpDeathTest, RefusesOptionsThatDoNotFitAHeader) {
  Emission emission = synack();
  emission.options = wire::tcp_option::timestamps | wire::tcp_option::sack;
  emission.sack_count = 4;
  EXPECT_DEATH(emitted(emission), "a bug");
}

TEST(EmitTcpDeathTest, RefusesAFrameTooSmallForThePayload) {
  Emission emission = synack();
  emission.payload_len = 1;
  EXPECT_DEATH(emitted(emission), "a bug");
}

Emission random_emission(std::mt19937_64& random) {
  const auto any = [&] { return static_cast<std::uint32_t>(random()); };
  constexpr std::uint8_t purposes[] = {wire::tcp_flag::syn,
                                       wire::tcp_flag::syn | wire::tcp_flag::ack,
                                       wire::tcp_flag::ack,
                                       wire::tcp_flag::ack | wire::tcp_flag::psh,
                                       wire::tcp_flag::ack | wire::tcp_flag::fin,
                                       wire::tcp_flag::rst,
                                       wire::tcp_flag::rst | wire::tcp_flag::ack};
  Emission e{.seq = {any()}, .payload_len = any() % 1461};
  e.window = static_cast<std::uint16_t>(any());
  e.flags = purposes[any() % std::size(purposes)];
  if (e.has(wire::tcp_flag::ack)) e.ack = {any()};
  if (any() % 2 == 0) {
    e.options |= wire::tcp_option::timestamps;
    e.ts = {any(), e.has(wire::tcp_flag::ack) ? any() : 0};
  }
  if (e.has(wire::tcp_flag::syn)) {
    constexpr std::uint8_t on_syn =
        wire::tcp_option::mss | wire::tcp_option::window_scale | wire::tcp_option::sack_permitted;
    e.options |= static_cast<std::uint8_t>(any() & on_syn);
    if ((e.options & wire::tcp_option::mss) != 0) e.mss = static_cast<std::uint16_t>(any());
    if ((e.options & wire::tcp_option::window_scale) != 0)
      e.window_scale = static_cast<std::uint8_t>(any());
  } else if (any() % 2 == 0) {
    e.options |= wire::tcp_option::sack;
    e.sack_count = static_cast<std::uint8_t>(1 + any() % 3);
    for (std::size_t i = 0; i < e.sack_count; ++i) e.sack[i] = {{any()}, {any()}};
  }
  return e;
}

void expect_same(const Frame& frame, const Segment& got, const Emission& sent) {
  EXPECT_EQ(got.seq, sent.seq);
  EXPECT_EQ(got.ack, sent.ack);
  EXPECT_EQ(got.flags, sent.flags);
  EXPECT_EQ(got.window, sent.window);
  EXPECT_EQ(got.urgent, 0);
  EXPECT_EQ(got.options, sent.options);
  EXPECT_EQ(got.ts.val, sent.ts.val);
  EXPECT_EQ(got.ts.echo, sent.ts.echo);
  EXPECT_EQ(got.mss, sent.mss);
  EXPECT_EQ(got.window_scale, sent.window_scale);
  EXPECT_EQ(got.payload_len, sent.payload_len);
  EXPECT_EQ(got.sack_count, sent.sack_count);
  std::array<SackBlock, wire::kSackBlocksMax> blocks{};
  read_sack(frame, got, blocks);
  EXPECT_EQ(blocks, sent.sack);
}

TEST(EmitTcp, WhateverIsEmittedParsesBackToItself) {
  auto random = seeded_generator();
  for (int round = 0; round < 20'000; ++round) {
    SCOPED_TRACE(round);
    const Emission sent = random_emission(random);
    const wire::LinkHeader link = random() % 2 == 0 ? kToPeer : kToPeerTagged;
    Frame payload(sent.payload_len);
    for (auto& octet : payload) octet = std::byte(random());
    const Frame frame = emitted(sent, payload, link);

    const wire::ParsedFrame parsed = parse(frame, {kPeerMac, link.vlan});
    ASSERT_EQ(parsed.kind, wire::FrameKind::tcp) << name_of(parsed.drop);
    EXPECT_EQ(parsed.key, FlowKey4::of(kPeerIp, 40000, kOurIp, 80));
    EXPECT_EQ(Frame(frame.begin() + parsed.segment.payload_off, frame.end()), payload);
    expect_same(frame, parsed.segment, sent);
    ASSERT_FALSE(HasFailure());
  }
}

TEST(EmitArp, WritesARequestByteForByte) {
  const wire::ArpPacket arp{.sender_mac = kOurMac, .sender_ip = kOurIp, .target_ip = kPeerIp};
  Frame frame(14 + wire::kArpPacketSize);
  ASSERT_EQ(emit_arp(frame, {wire::kBroadcastMac, kOurMac}, arp), 42u);
  EXPECT_EQ(frame, hex("ff ff ff ff ff ff  02 00 00 00 00 01  08 06"
                       "00 01 08 00 06 04 00 01"
                       "02 00 00 00 00 01  c6 12 00 01  00 00 00 00 00 00  c6 12 01 01"));
}

TEST(EmitArp, AReplyReadsBackToItself) {
  const wire::ArpPacket sent{wire::ArpPacket::Operation::reply, kOurMac, kPeerMac, kOurIp, kPeerIp};
  Frame frame(18 + wire::kArpPacketSize);
  ASSERT_EQ(emit_arp(frame, kToPeerTagged, sent), frame.size());
  const wire::ParsedFrame parsed = parse(frame, {kPeerMac, 12});
  ASSERT_EQ(parsed.kind, wire::FrameKind::arp);
  const wire::ArpPacket got = wire::read_arp(frame, parsed.l3_off);
  EXPECT_EQ(got.operation, sent.operation);
  EXPECT_EQ(got.sender_mac, sent.sender_mac);
  EXPECT_EQ(got.target_mac, sent.target_mac);
  EXPECT_EQ(got.sender_ip, sent.sender_ip);
  EXPECT_EQ(got.target_ip, sent.target_ip);
}

TEST(EmitIcmp, WritesAnEchoRequestByteForByte) {
  Frame frame(14 + 28 + 3);
  ASSERT_EQ(emit_icmp(frame, kToPeer, kOurIp, kPeerIp, 8, 0, 0x0007'0001, text("abc"), 0x1234),
            frame.size());
  EXPECT_EQ(frame, hex("02 00 00 00 00 02  02 00 00 00 00 01  08 00"
                       "45 00 00 1f  12 34 40 00  40 01 9b 83  c6 12 00 01  c6 12 01 01"
                       "08 00 33 95  00 07 00 01  61 62 63"));
}

TEST(EmitIcmp, TurnsAnEchoRoundInItsOwnFrame) {
  // The tagged answer's headers reach four bytes into where the body stands.
  Frame frame = icmp_frame(text("any body")) + Frame(4);
  const std::span<const std::byte> body = std::span(frame).subspan(14 + 28, 8);
  ASSERT_EQ(emit_icmp(frame, kToPeerTagged, kOurIp, kPeerIp, 0, 0, 0x0007'0001, body, 1),
            frame.size());
  EXPECT_EQ(parse(frame, {kPeerMac, 12}).kind, wire::FrameKind::icmp);
  EXPECT_EQ(Frame(frame.begin() + 18 + 28, frame.end()), text("any body"));
}

}  // namespace
}  // namespace mayfly::testing
