// ICMPv6 (RFC 4443), neighbour discovery (RFC 4861 7.1), and IPv6 as it is written and printed.
#include "wire/icmp6.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "unit/wire/ipv6_frames.h"
#include "wire/emit.h"
#include "wire/print.h"

namespace mayfly::testing {
namespace {

using wire::Neighbour;

constexpr wire::LinkHeader kTowardsPeer{kPeerMac, kOurMac};

/// Why a message of neighbour discovery is dropped.
Drop judged(const Frame& frame, Neighbour* read = nullptr) {
  wire::ParseRules rules = kRules6;
  rules.mac = kOurMac;
  const wire::ParsedFrame parsed = parse(frame, rules);
  EXPECT_EQ(parsed.kind, wire::FrameKind::icmp);
  Neighbour n;
  const Drop why = read_neighbour(frame, parsed, n);
  if (read != nullptr) *read = n;
  return why;
}

TEST(NeighbourDiscovery, ReadsAQuestionAndAnAnswer) {
  Neighbour n;
  ASSERT_EQ(judged(solicitation(), &n), Drop::none);
  EXPECT_EQ(n.target, kOurIp6);
  EXPECT_EQ(n.source, kPeerIp6);
  EXPECT_EQ(n.mac, kPeerMac);
  EXPECT_FALSE(n.is_advertisement);
  ASSERT_EQ(judged(advertisement(), &n), Drop::none);
  EXPECT_EQ(n.target, kPeerIp6);
  EXPECT_EQ(n.mac, kPeerMac);
  EXPECT_TRUE(n.is_advertisement && n.has(Neighbour::kSolicited));
}

TEST(NeighbourDiscovery, FromBeyondTheLinkIsInvalid) {  // RFC 4861 7.1.1: hop limit 255
  EXPECT_EQ(judged(solicitation({.hop_limit = 254})), Drop::nd_invalid);
}

TEST(NeighbourDiscovery, WithAnotherCodeOrTooShortIsInvalid) {
  const Ipv6Frame ip{.hop_limit = 255};
  EXPECT_EQ(judged(icmp6_frame(135, 1, 0, octets_of(kOurIp6), ip)), Drop::nd_invalid);
  EXPECT_EQ(judged(icmp6_frame(135, 0, 0, Frame(15), ip)), Drop::nd_invalid);
}

TEST(NeighbourDiscovery, AboutAGroupIsInvalid) {
  EXPECT_EQ(judged(advertisement(wire::kAllNodes).size() > 0
                       ? icmp6_frame(136, 0, 0, octets_of(wire::kAllNodes), {.hop_limit = 255})
                       : Frame()),
            Drop::nd_invalid);
}

TEST(NeighbourDiscovery, OptionsHaveALength) {
  EXPECT_EQ(judged(solicitation({}, kOurIp6, bytes({1, 0, 2, 0, 0, 0, 0, 2}))), Drop::nd_invalid);
  EXPECT_EQ(judged(solicitation({}, kOurIp6, bytes({1, 2, 2, 0, 0, 0, 0, 2}))), Drop::nd_invalid);
  EXPECT_EQ(judged(solicitation({}, kOurIp6, bytes({1, 1, 2}))), Drop::nd_invalid);
  EXPECT_EQ(judged(solicitation({}, kOurIp6, bytes({1, 1, 3, 0, 0, 0, 0, 2}))), Drop::nd_invalid);
  EXPECT_EQ(judged(solicitation({}, kOurIp6, bytes({14, 1, 0, 0, 0, 0, 0, 0}))), Drop::none);
}

TEST(NeighbourDiscovery, ADoubterAsksAGroupAndNamesNoAddressOfItsOwn) {  // RFC 4861 7.1.1
  const Ipv6Frame from_nobody{.source = {}};
  EXPECT_EQ(judged(solicitation(from_nobody, kOurIp6, {})), Drop::none);
  EXPECT_EQ(judged(solicitation(from_nobody)), Drop::nd_invalid);
  EXPECT_EQ(judged(icmp6_frame(135, 0, 0, octets_of(kOurIp6), {.hop_limit = 255, .source = {}})),
            Drop::nd_invalid);
}

TEST(NeighbourDiscovery, AnAnswerToAllAnswersNobody) {  // RFC 4861 7.1.2
  const Ipv6Frame to_all{
      .mac = wire::group_mac(wire::kAllNodes), .hop_limit = 255, .destination = wire::kAllNodes};
  EXPECT_EQ(judged(icmp6_frame(136, 0, 0x4000'0000, octets_of(kPeerIp6), to_all)),
            Drop::nd_invalid);
  EXPECT_EQ(judged(icmp6_frame(136, 0, 0, octets_of(kPeerIp6), to_all)), Drop::none);
}

TEST(NeighbourDiscovery, InAFragmentIsInvalid) {  // RFC 6980 5
  Ipv6Frame ip{.next = 44, .hop_limit = 255, .chain = fragment_header(58, 0, false)};
  EXPECT_EQ(judged(icmp6_frame(135, 0, 0, octets_of(kOurIp6), ip)), Drop::nd_invalid);
}

TEST(NeighbourDiscovery, ReadsWhatItWrites) {
  Frame frame(14 + wire::kNeighbourSizeMax);
  const Neighbour written{.source = kOurIp6,
                          .destination = kPeerIp6,
                          .target = kOurIp6,
                          .mac = kOurMac,
                          .flags = Neighbour::kSolicited | Neighbour::kOverride,
                          .is_advertisement = true};
  frame.resize(emit_neighbour(frame, {kOurMac, kPeerMac}, written));
  Neighbour n;
  ASSERT_EQ(judged(frame, &n), Drop::none);
  EXPECT_EQ(n.target, kOurIp6);
  EXPECT_EQ(n.flags, written.flags);
  EXPECT_EQ(n.mac, kOurMac);
}

TEST(EmitIpv6, WritesASegmentThatTheParserTakes) {
  FlowKey6 key = FlowKey6::of(kPeerIp6, 40'000, kOurIp6, 80);
  key.flow_label = 0xabcde;
  Emission e;
  e.flags = wire::tcp_flag::syn;
  e.options = wire::tcp_option::mss | wire::tcp_option::ecn_mark;
  e.mss = 1'440;
  e.payload_len = 5;
  Frame frame(wire::tcp6_payload_offset({kOurMac, kPeerMac}, e) + 5);
  std::ranges::copy(text("hello"), frame.end() - 5);
  ASSERT_EQ(emit_tcp6(frame, {kOurMac, kPeerMac}, key, e, wire::ChecksumBy::software),
            frame.size());
  const wire::ParsedFrame parsed = parse(frame, kRules6);
  ASSERT_EQ(parsed.kind, wire::FrameKind::tcp);
  EXPECT_EQ(flow_key6(frame, parsed), FlowKey6::of(kOurIp6, 80, kPeerIp6, 40'000));
  EXPECT_EQ(parsed.segment.mss, 1'440);
  EXPECT_EQ(load_be32(&frame[14]), 0x602a'bcdeu);  // version 6, ECT(0), the flow label
}

TEST(EmitIpv6, LeavesThePseudoHeadersSumToTheDevice) {
  const FlowKey6 key = FlowKey6::of(kPeerIp6, 40'000, kOurIp6, 80);
  Frame frame(74);
  emit_tcp6(frame, kTowardsPeer, key, {}, wire::ChecksumBy::device);
  Frame pseudo = octets_of(kPeerIp6) + octets_of(kOurIp6) + bytes({0, 0, 0, 20, 0, 0, 0, 6});
  EXPECT_EQ(load_be16(&frame[54 + 16]), static_cast<std::uint16_t>(~plain_checksum(pseudo)));
}

TEST(QuotedSegment6, IsReadFromAnError) {
  const Frame sent = tcp6_frame({}, {.source = kOurIp6, .destination = kPeerIp6});
  const Frame quote(sent.begin() + 14, sent.begin() + 14 + 48);
  wire::QuotedSegment6 segment;
  ASSERT_EQ(read_quoted_segment6(quote, segment), Drop::none);
  EXPECT_EQ(segment.key, FlowKey6::of(kOurIp6, 40'000, kPeerIp6, 80));
  EXPECT_EQ(segment.seq, Seq{0x0102'0304});
  EXPECT_EQ(read_quoted_segment6(std::span(quote).first(47), segment), Drop::icmp_malformed);
}

TEST(PrintIpv6, WritesAddressesAsRfc5952Says) {
  const auto printed = [](std::array<std::uint16_t, 8> groups) {
    return to_string(Ipv6Address::of(groups));
  };
  EXPECT_EQ(printed({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}), "2001:db8::1");           // 4.1, 4.2.1, 4.3
  EXPECT_EQ(printed({0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}), "2001:db8:0:1:1:1:1:1");  // 4.2.2
  EXPECT_EQ(printed({0x2001, 0, 0, 1, 0, 0, 0, 1}), "2001:0:0:1::1");          // 4.2.3: the longest
  EXPECT_EQ(printed({0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}), "2001:db8::1:0:0:1");  // or the first
  EXPECT_EQ(printed({}), "::");
  EXPECT_EQ(printed({0xfe80, 0, 0, 0, 0, 0, 0, 0}), "fe80::");
  EXPECT_EQ(printed({0, 0, 0, 0, 0, 0, 0, 1}), "::1");
  EXPECT_EQ(printed({0, 0, 0, 0, 0, 0xffff, 0xc612, 1}), "::ffff:198.18.0.1");  // 5
}

TEST(PrintIpv6, HasTheLinesOfIpv4) {
  EXPECT_EQ(wire::print_frame(tcp6_frame({.payload = text("x")})),
            "IP6 2001:db8::101.40000 > 2001:db8::1.80: Flags [.], seq 16909060:16909061, ack "
            "168496141, win 501, length 1");
  EXPECT_EQ(wire::print_frame(solicitation()),
            "IP6 2001:db8::101 > ff02::1:ff00:1: ICMP6, neighbour solicitation, who has "
            "2001:db8::1, length 32");
  EXPECT_EQ(wire::print_frame(Ipv6Frame{
                .next = 44, .chain = fragment_header(6, 1'448, true), .payload = Frame(16)}
                                  .build()),
            "IP6 2001:db8::101 > 2001:db8::1: fragment of id 7, protocol 6, offset 1448+, length "
            "16");
  EXPECT_EQ(wire::print_frame(Ipv6Frame{.next = 50, .payload = Frame(8)}.build()),
            "drop protocol_unknown, 62 bytes");
}

}  // namespace
}  // namespace mayfly::testing
