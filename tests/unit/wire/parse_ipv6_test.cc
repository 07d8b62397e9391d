// IPv6 (RFC 8200): the header, the chain of extension headers, and what is at its end.
#include <gtest/gtest.h>

#include "unit/wire/ipv6_frames.h"

namespace mayfly::testing {
namespace {

using wire::FrameKind;
using wire::ParsedFrame;

ParsedFrame parse6(const Frame& frame) { return parse(frame, kRules6); }
Drop drop6(const Frame& frame) { return parse6(frame).drop; }
/// The octet of which the sender is told; 0xffff: it is not told.
std::uint16_t problem_at(const Frame& frame) {
  const ParsedFrame parsed = parse6(frame);
  EXPECT_NE(parsed.drop, Drop::none);
  return parsed.kind == FrameKind::problem ? parsed.problem_at : std::uint16_t{0xffff};
}
constexpr std::uint16_t kNotTold = 0xffff;

TEST(ParseIpv6, ReadsASegmentAndItsFourTuple) {
  const Frame frame = tcp6_frame({.payload = text("hello")});
  const ParsedFrame parsed = parse6(frame);
  ASSERT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_TRUE(parsed.is_ipv6());
  EXPECT_EQ(flow_key6(frame, parsed), FlowKey6::of(kOurIp6, 80, kPeerIp6, 40'000));
  EXPECT_EQ(parsed.segment.seq, Seq{0x0102'0304});
  EXPECT_EQ(parsed.segment.payload_len, 5);
  EXPECT_EQ(parsed.l4_off, 54);
}

TEST(ParseIpv6, IsAnUnknownEtherTypeWhereNoneIsConfigured) {
  EXPECT_EQ(drop_of(tcp6_frame({})), Drop::ethertype_unknown);
}

TEST(ParseIpv6, TheHeaderMustFitTheFrame) {
  EXPECT_EQ(drop6(Ipv6Frame{.version = 4}.build()), Drop::ip_version);
  Frame frame = tcp6_frame({});
  EXPECT_EQ(drop6(Frame(frame.begin(), frame.begin() + 53)), Drop::frame_short);
  put16(frame, 18, 21);
  EXPECT_EQ(drop6(frame), Drop::ip_total_length);
}

TEST(ParseIpv6, WhatFollowsThePacketIsPadding) {
  EXPECT_EQ(parse6(tcp6_frame({}, {.padding = Frame(6)})).segment.payload_len, 0);
}

TEST(ParseIpv6, AddressesThatNoHostSendsFromAreDropped) {
  for (const Ipv6Address& source :
       {wire::kAllNodes, Ipv6Address::of({0, 0, 0, 0, 0, 0, 0, 1}), kOurIp6,
        Ipv6Address::of({0, 0, 0, 0, 0, 0xffff, 0xc612, 1}), Ipv6Address{}})
    EXPECT_EQ(drop6(tcp6_frame({}, {.source = source})), Drop::ip_source_invalid);
}

TEST(ParseIpv6, TcpToAGroupIsDropped) {
  EXPECT_EQ(drop6(tcp6_frame(
                {}, {.mac = wire::group_mac(wire::kAllNodes), .destination = wire::kAllNodes})),
            Drop::ip_multicast);
}

TEST(ParseIpv6, ChecksTheChecksumWithThePseudoHeader) {
  Frame frame = tcp6_frame({});
  frame[14 + 23] ^= std::byte{1};  // the source
  EXPECT_EQ(drop6(frame), Drop::tcp_checksum);
  EXPECT_EQ(parse(frame, kRules6, kAllGood).kind, FrameKind::tcp);  // the device has
}

TEST(ParseIpv6, SeesTheMarkOfCongestion) {
  EXPECT_TRUE(
      parse6(tcp6_frame({}, {.traffic_class = 3})).segment.carries(wire::tcp_option::ecn_mark));
  EXPECT_FALSE(
      parse6(tcp6_frame({}, {.traffic_class = 2})).segment.carries(wire::tcp_option::ecn_mark));
}

// RFC 8200 4.1 to 4.6

TEST(Ipv6Chain, IsWalkedToTheTransport) {
  const Frame chain = padding_header(43) + routing_header(60, 0, 0) + padding_header(6);
  const ParsedFrame parsed =
      parse6(tcp6_frame({.payload = text("x")}, {.next = 0, .chain = chain}));
  EXPECT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_EQ(parsed.l4_off, 54 + 24);
  EXPECT_EQ(parsed.segment.payload_len, 1);
}

TEST(Ipv6Chain, HasABound) {
  Frame chain;
  for (int i = 0; i < 7; ++i) chain = chain + padding_header(60);
  EXPECT_EQ(parse6(tcp6_frame({}, {.next = 60, .chain = chain + padding_header(6)})).kind,
            FrameKind::tcp);
  chain = chain + padding_header(60) + padding_header(6);
  EXPECT_EQ(drop6(tcp6_frame({}, {.next = 60, .chain = chain})), Drop::ip6_chain);
}

TEST(Ipv6Chain, MustNotRunPastThePacket) {
  EXPECT_EQ(drop6(Ipv6Frame{.next = 60, .payload = Frame(7)}.build()), Drop::ip6_chain);
  EXPECT_EQ(drop6(Ipv6Frame{.next = 60, .payload = bytes({6, 1, 1, 4, 0, 0, 0, 0})}.build()),
            Drop::ip6_chain);
}

TEST(Ipv6Chain, HopByHopOptionsComeFirstOrAreUnknown) {
  const Frame frame = tcp6_frame({}, {.next = 60, .chain = padding_header(0) + padding_header(6)});
  EXPECT_EQ(drop6(frame), Drop::protocol_unknown);
  EXPECT_EQ(problem_at(frame), 40);  // the octet that named it
}

TEST(Ipv6Chain, NoNextHeaderLeadsToNothingAndIsNotAnswered) {
  const Frame frame = Ipv6Frame{.next = 59}.build();
  EXPECT_EQ(drop6(frame), Drop::ip6_chain);  // RFC 8200 4.7
  EXPECT_EQ(problem_at(frame), kNotTold);
}

TEST(Ipv6Chain, UnknownHeadersAreAnsweredAtTheOctetThatNamesThem) {
  for (const std::uint8_t next : {std::uint8_t{50}, std::uint8_t{51}, std::uint8_t{200}}) {
    const Frame frame = Ipv6Frame{.next = next, .payload = Frame(8)}.build();
    EXPECT_EQ(drop6(frame), Drop::protocol_unknown);
    EXPECT_EQ(problem_at(frame), 6);
  }
  EXPECT_EQ(problem_at(Ipv6Frame{.next = 60, .chain = padding_header(50)}.build()), 40);
}

TEST(Ipv6Chain, ARoutingHeaderIsRefusedUnlessItIsUsedUp) {  // RFC 5095 3, RFC 8200 4.4
  for (const int type : {0, 2, 3, 77}) {
    const Frame frame = tcp6_frame({}, {.next = 43, .chain = routing_header(6, type, 1)});
    EXPECT_EQ(drop6(frame), Drop::ip6_routing);
    EXPECT_EQ(problem_at(frame), 42);  // its type
    EXPECT_EQ(parse6(tcp6_frame({}, {.next = 43, .chain = routing_header(6, type, 0)})).kind,
              FrameKind::tcp);
  }
}

// RFC 8200 4.2

Frame with_option(std::uint8_t type, Ipv6Frame ip = {}) {
  ip.next = 60;
  ip.chain = bytes({58, 0, type, 4, 0, 0, 0, 0});
  return icmp6_frame(128, 0, 0, {}, ip);
}

TEST(Ipv6Options, AnUnknownOneSaysWhatIsToBeDone) {
  EXPECT_EQ(parse6(with_option(0x1e)).kind, FrameKind::icmp);  // skip
  EXPECT_EQ(drop6(with_option(0x5e)), Drop::ip6_option);       // discard
  EXPECT_EQ(problem_at(with_option(0x5e)), kNotTold);
  EXPECT_EQ(problem_at(with_option(0x9e)), 42);  // and tell
  EXPECT_EQ(problem_at(with_option(0xde)), 42);  // and tell, unless it was to a group
  const Ipv6Frame to_group{.mac = wire::group_mac(wire::kAllNodes), .destination = wire::kAllNodes};
  EXPECT_EQ(problem_at(with_option(0x9e, to_group)), 42);
  EXPECT_EQ(problem_at(with_option(0xde, to_group)), kNotTold);
}

TEST(Ipv6Options, MustNotRunPastTheirHeader) {
  const auto with = [](const Frame& options) {
    return drop6(
        Ipv6Frame{.next = 60, .chain = bytes({58, 0}) + options, .payload = Frame(8)}.build());
  };
  EXPECT_EQ(with(bytes({1, 5, 0, 0, 0, 0})), Drop::ip6_chain);
  EXPECT_EQ(with(bytes({0, 0, 0, 0, 0, 1})), Drop::ip6_chain);
}

// RFC 8200 4.5, RFC 6946, RFC 7112

TEST(Ipv6Fragments, OneThatIsAWholePacketIsTakenAsOne) {  // RFC 6946 4
  const ParsedFrame parsed =
      parse6(tcp6_frame({}, {.next = 44, .chain = fragment_header(6, 0, false)}));
  EXPECT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_NE(parsed.ipv6 & ParsedFrame::kFragmentHeader, 0);
}

TEST(Ipv6Fragments, AreFoundBehindOtherHeaders) {
  const Frame frame = Ipv6Frame{.next = 60,
                                .chain = padding_header(44) + fragment_header(6, 8, true),
                                .payload = Frame(16)}
                          .build();
  const ParsedFrame parsed = parse6(frame);
  EXPECT_EQ(parsed.kind, FrameKind::fragment);
  EXPECT_EQ(parsed.l4_off, 54 + 8);
  EXPECT_EQ(parsed.l4_len, 24);
}

TEST(Ipv6Fragments, ImpossibleLengthsAreAnswered) {
  const Frame odd =
      Ipv6Frame{.next = 44, .chain = fragment_header(6, 8, true), .payload = Frame(9)}.build();
  EXPECT_EQ(drop6(odd), Drop::fragment_malformed);
  EXPECT_EQ(problem_at(odd), 4);  // the payload length
  const Frame beyond =
      Ipv6Frame{.next = 44, .chain = fragment_header(6, 65'528, false), .payload = Frame(8)}
          .build();
  EXPECT_EQ(drop6(beyond), Drop::fragment_malformed);
  EXPECT_EQ(problem_at(beyond), 42);  // the offset
}

TEST(Ipv6Fragments, TheFirstHasTheWholeChain) {  // RFC 7112 5
  const auto first = [](const Frame& chain, std::size_t payload) {
    return Ipv6Frame{.next = 44, .chain = chain, .payload = Frame(payload)}.build();
  };
  const Frame short_of_tcp = first(fragment_header(6, 0, true), 16);
  EXPECT_EQ(drop6(short_of_tcp), Drop::ip6_first_fragment);
  EXPECT_EQ(problem_at(short_of_tcp), 0);
  EXPECT_EQ(parse6(first(fragment_header(6, 0, true), 24)).kind, FrameKind::fragment);
  EXPECT_EQ(parse6(first(fragment_header(58, 0, true), 8)).kind, FrameKind::fragment);
  const Frame chain = fragment_header(60, 0, true) + padding_header(6);
  EXPECT_EQ(drop6(first(chain, 0)), Drop::ip6_first_fragment);
  EXPECT_EQ(drop6(first(chain, 16)), Drop::ip6_first_fragment);
  EXPECT_EQ(parse6(first(chain, 24)).kind, FrameKind::fragment);
}

TEST(Ipv6Hostile, EveryPrefixAndEveryMutationIsSurvived) {
  const std::vector<Frame> samples = {
      tcp6_frame({.payload = text("hello")}),
      tcp6_frame({}, {.next = 0,
                      .chain = padding_header(43) + routing_header(60, 0, 0) + padding_header(6)}),
      tcp6_frame({}, {.next = 44, .chain = fragment_header(6, 0, false)}),
      Ipv6Frame{.next = 44, .chain = fragment_header(6, 0, true), .payload = Frame(32)}.build(),
      solicitation(),
      advertisement(),
      with_option(0x9e),
      icmp6_frame(128, 0, 0, text("echo"))};
  for (const Frame& sample : samples)
    for (std::size_t size = 0; size < sample.size(); ++size)
      EXPECT_NE(drop6(Frame(sample.begin(), sample.begin() + size)), Drop::none);
  auto random = seeded_generator();
  for (int round = 0; round < 50'000; ++round) {
    Frame frame = samples[random() % samples.size()];
    for (auto edits = 1 + random() % 4; edits != 0; --edits)
      frame[12 + random() % (frame.size() - 12)] = std::byte(random());
    const Frame copy(frame.begin(), frame.end());
    const ParsedFrame parsed = parse(copy, kRules6, kAllGood);
    EXPECT_LE(std::size_t{parsed.l4_off} + parsed.l4_len, copy.size());
  }
}

}  // namespace
}  // namespace mayfly::testing
