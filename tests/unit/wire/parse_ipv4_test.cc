// IPv4, and what it carries beside TCP.
#include <gtest/gtest.h>

#include "unit/wire/frames.h"

namespace mayfly::testing {
namespace {

using wire::FrameKind;
using wire::ParsedFrame;

TEST(ParseIpv4, DropsAFrameShorterThanAHeader) {
  Frame frame = tcp_frame({});
  frame.resize(14 + 19);
  EXPECT_EQ(drop_of(frame), Drop::frame_short);
}

TEST(ParseIpv4, DropsAnotherVersion) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.version = 6})), Drop::ip_version);
}

TEST(ParseIpv4, DropsAHeaderLengthBelowFiveOrBeyondTheFrame) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.ihl = 4})), Drop::ip_header_length);
  EXPECT_EQ(drop_of(Ipv4Frame{.ihl = 6}.build()), Drop::ip_header_length);
}

TEST(ParseIpv4, DropsATotalLengthBelowTheHeaderOrBeyondTheFrame) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.total_length = 19})), Drop::ip_total_length);
  EXPECT_EQ(drop_of(tcp_frame({}, {.total_length = 41})), Drop::ip_total_length);
}

TEST(ParseIpv4, IgnoresPaddingBeyondTheTotalLength) {
  const ParsedFrame parsed = parse(tcp_frame({.payload = text("hi")}, {.padding = Frame(4)}));
  ASSERT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_EQ(parsed.l4_len, 22);
  EXPECT_EQ(parsed.segment.payload_len, 2);
}

TEST(ParseIpv4, DropsAWrongHeaderChecksum) {
  Frame frame = tcp_frame({});
  frame[14 + 8] ^= std::byte{1};  // TTL
  EXPECT_EQ(drop_of(frame), Drop::ip_checksum);
  EXPECT_EQ(drop_of(frame, kOurRules, {.ip_good = true}), Drop::none);
  EXPECT_EQ(drop_of(tcp_frame({}), kOurRules, {.ip_bad = true}), Drop::ip_checksum);
}

TEST(ParseIpv4, SkipsOptions) {
  const Frame record_route_and_end = hex("01 07 07 04 00 00 00 00  00 ff ff ff");
  const ParsedFrame parsed =
      parse(tcp_frame({.payload = text("hi")}, {.options = record_route_and_end}));
  ASSERT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_EQ(parsed.l4_off, 14 + 32);
  EXPECT_EQ(parsed.segment.payload_len, 2);
}

TEST(ParseIpv4, TellsCongestionExperienced) {
  const auto marked = [](std::uint8_t tos) {
    return parse(tcp_frame({}, {.tos = tos})).segment.carries(wire::tcp_option::ecn_mark);
  };
  EXPECT_TRUE(marked(3));
  EXPECT_TRUE(marked(0xff));
  EXPECT_FALSE(marked(0) || marked(1) || marked(2) || marked(0xfc));
}

TEST(ParseIpv4, DropsSourceRoutes) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.options = hex("83 07 04 c6 12 00 02 00")})),
            Drop::ip_source_route);
  EXPECT_EQ(drop_of(tcp_frame({}, {.options = hex("01 89 07 04 c6 12 00 02")})),
            Drop::ip_source_route);
}

TEST(ParseIpv4, DropsOptionsThatRunPastTheHeader) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.options = hex("07 05 04 00")})), Drop::ip_options_malformed);
  EXPECT_EQ(drop_of(tcp_frame({}, {.options = hex("07 00 04 00")})), Drop::ip_options_malformed);
  EXPECT_EQ(drop_of(tcp_frame({}, {.options = hex("07 01 04 00")})), Drop::ip_options_malformed);
  EXPECT_EQ(drop_of(tcp_frame({}, {.options = hex("01 01 01 07")})), Drop::ip_options_malformed);
}

TEST(ParseIpv4, DropsSourcesThatNoHostMayHave) {
  for (const std::uint32_t source : {0xe000'0001u, 0xefff'ffffu, 0xffff'ffffu, 0x7f00'0001u}) {
    EXPECT_EQ(drop_of(tcp_frame({}, {.source = {source}})), Drop::ip_source_invalid) << source;
  }
}

TEST(ParseIpv4, DropsTheLandAttack) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.source = kOurIp})), Drop::ip_source_invalid);
}

TEST(ParseIpv4, AllowsTheUnspecifiedSourceExceptForTcp) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.source = {0}})), Drop::ip_source_invalid);
  EXPECT_EQ(parse(Ipv4Frame{.protocol = 17, .source = {0}}.build()).kind, FrameKind::udp);
}

TEST(ParseIpv4, DropsTcpToMulticastAndBroadcast) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.destination = {0xe000'0001}})), Drop::ip_multicast);
  EXPECT_EQ(drop_of(tcp_frame({}, {.destination = {0xffff'ffff}})), Drop::ip_multicast);
}

TEST(ParseIpv4, DropsTcpInALinkLayerBroadcast) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.mac = wire::kBroadcastMac})), Drop::ip_multicast);
}

TEST(ParseIpv4, LeavesFragmentsToReassembly) {
  for (const int field : {0x2000, 0x0001, 0x1fff, 0x6000}) {
    const ParsedFrame parsed = parse(
        Ipv4Frame{.fragment = static_cast<std::uint16_t>(field), .payload = Frame(8)}.build());
    EXPECT_EQ(parsed.kind, FrameKind::fragment) << field;
    EXPECT_EQ(parsed.key.remote(), kPeerIp);
    EXPECT_EQ(parsed.protocol, 6);
    EXPECT_EQ(parsed.l4_off, 34);
    EXPECT_EQ(parsed.l4_len, 8);
  }
}

TEST(ParseIpv4, ChecksAFragmentsHeader) {
  Frame frame = Ipv4Frame{.fragment = 0x2000, .payload = Frame(8)}.build();
  frame[14 + 8] ^= std::byte{1};
  EXPECT_EQ(drop_of(frame), Drop::ip_checksum);
}

TEST(ParseIpv4, IgnoresTheReservedFragmentFlag) {
  EXPECT_EQ(parse(tcp_frame({}, {.fragment = 0x8000})).kind, FrameKind::tcp);
}

TEST(ParseIcmp, TakesAMessageWithARightChecksum) {
  const ParsedFrame parsed = parse(icmp_frame(text("odd")));
  EXPECT_EQ(parsed.kind, FrameKind::icmp);
  EXPECT_EQ(parsed.l4_off, 34);
  EXPECT_EQ(parsed.l4_len, 11);
}

TEST(ParseIcmp, DropsAWrongChecksumWhateverTheDeviceSays) {
  Frame frame = icmp_frame(text("echo"));
  frame.back() ^= std::byte{1};
  EXPECT_EQ(drop_of(frame), Drop::icmp_malformed);
  EXPECT_EQ(drop_of(frame, kOurRules, kAllGood), Drop::icmp_malformed);
}

TEST(ParseIcmp, DropsAMessageShorterThanItsHeader) {
  Frame seven = bytes({8, 0, 0, 0, 0, 7, 0});
  put16(seven, 2, plain_checksum(seven));
  EXPECT_EQ(drop_of(Ipv4Frame{.protocol = 1, .payload = seven}.build()), Drop::icmp_malformed);
}

TEST(ParseUdp, GivesThePortsOfAWholeHeader) {
  const Frame header = hex("9c 40 00 35 00 08 00 00");
  const ParsedFrame parsed = parse(Ipv4Frame{.protocol = 17, .payload = header}.build());
  EXPECT_EQ(parsed.kind, FrameKind::udp);
  EXPECT_EQ(parsed.key, FlowKey4::of(kOurIp, 53, kPeerIp, 40000));
}

TEST(ParseUdp, GivesNoPortsOfAShortHeader) {
  const Frame header = hex("9c 40 00 35 00 08 00");
  const ParsedFrame parsed = parse(Ipv4Frame{.protocol = 17, .payload = header}.build());
  EXPECT_EQ(parsed.kind, FrameKind::udp);
  EXPECT_EQ(parsed.key, FlowKey4::of(kOurIp, 0, kPeerIp, 0));
}

TEST(ParseIpv4, NamesOtherProtocols) {
  const ParsedFrame parsed = parse(Ipv4Frame{.protocol = 47}.build());
  EXPECT_EQ(parsed.kind, FrameKind::other_protocol);
  EXPECT_EQ(parsed.protocol, 47);
  EXPECT_EQ(parsed.l4_len, 0);
}

}  // namespace
}  // namespace mayfly::testing
