// IPv6 on a link: neighbour discovery (RFC 4861), ICMPv6 (RFC 4443), MLD (RFC 3810), fragments.
#include "link_ipv6_fixture.h"

namespace mayfly::testing {
namespace {

// -- neighbour discovery

TEST_F(LinkIpv6Test, AnswersAQuestionForOurAddress) {  // RFC 4861 7.2.4
  EXPECT_EQ(arrives(solicitation()), Drop::none);
  const wire::Neighbour n = sent_neighbour();
  EXPECT_EQ(destination(frame_), kPeerMac);
  EXPECT_TRUE(n.is_advertisement && n.has(wire::Neighbour::kSolicited) &&
              n.has(wire::Neighbour::kOverride));
  EXPECT_EQ(n.target, kOurIp6);
  EXPECT_EQ(n.destination, kPeerIp6);
  EXPECT_EQ(n.mac, kOurMac);
  EXPECT_EQ(nd_advertisements.get(), 1u);
}

// OpenBSD's nd6_nud; RFC 4861 7.3.3: by unicast, and the address option may be left out (4.3).
TEST_F(LinkIpv6Test, AnswersWhoAsksWhetherWeAreStillThere) {
  know_peer6();
  EXPECT_EQ(arrives(icmp6_frame(135, 0, 0, octets_of(kOurIp6), {.hop_limit = 255})), Drop::none);
  const wire::Neighbour n = sent_neighbour();
  EXPECT_EQ(destination(frame_), kPeerMac);
  EXPECT_TRUE(n.is_advertisement && n.has(wire::Neighbour::kSolicited));
  EXPECT_EQ(n.destination, kPeerIp6);
  EXPECT_EQ(n.target, kOurIp6);
}

TEST_F(LinkIpv6Test, AnswersForItsLinkLocalAddressToo) {  // RFC 4291 2.8
  arrives(solicitation({}, interface.link_local()));
  EXPECT_EQ(sent_neighbour().target, interface.link_local());
}

TEST_F(LinkIpv6Test, IgnoresQuestionsForOthers) {
  EXPECT_EQ(arrives(solicitation({}, kPeerIp6)), Drop::icmp_ignored);
  EXPECT_TRUE(sent().empty());
}

TEST_F(LinkIpv6Test, TellsAllWhoWouldLikeToHaveOurAddressWhoseItIs) {  // RFC 4862 5.4.3
  EXPECT_EQ(arrives(solicitation({.source = {}}, kOurIp6, {})), Drop::none);
  const wire::Neighbour n = sent_neighbour();
  EXPECT_EQ(n.destination, wire::kAllNodes);
  EXPECT_EQ(destination(frame_), wire::group_mac(wire::kAllNodes));
  EXPECT_FALSE(n.has(wire::Neighbour::kSolicited));
}

TEST_F(LinkIpv6Test, CountsWhatIsInvalidAndAnswersNothing) {
  EXPECT_EQ(arrives(solicitation({.hop_limit = 254})), Drop::nd_invalid);
  EXPECT_TRUE(sent().empty());
}

TEST_F(LinkIpv6Test, AsksTheGroupOfANeighbourAndKeepsTheFrameUntilItAnswers) {
  send6();
  const wire::Neighbour n = sent_neighbour();
  EXPECT_FALSE(n.is_advertisement);
  EXPECT_EQ(n.destination, wire::solicited_node(kPeerIp6));
  EXPECT_EQ(destination(frame_), wire::group_mac(wire::solicited_node(kPeerIp6)));
  EXPECT_EQ(n.source, kOurIp6);
  EXPECT_EQ(n.mac, kOurMac);
  EXPECT_EQ(arrives(advertisement()), Drop::none);
  frame_ = sent_one();
  EXPECT_EQ(destination(frame_), kPeerMac);
  EXPECT_EQ(load_be32(&frame_[14]), 0x6000'0007u);  // the flow label
}

TEST_F(LinkIpv6Test, LearnsWhoAsksForUs) {
  arrives(solicitation());
  sent();
  send6();
  EXPECT_EQ(destination(sent_one()), kPeerMac);
}

TEST_F(LinkIpv6Test, AnAnswerThatNobodyAskedForMakesNoEntry) {  // RFC 4861 7.2.5
  arrives(advertisement());
  send6();
  EXPECT_FALSE(sent_neighbour().is_advertisement);
}

TEST_F(LinkIpv6Test, GivesUpANeighbourThatNeverAnswers) {
  send6();
  after(10_s);
  EXPECT_EQ(drops(Drop::neighbour_unreachable), 1u);
  EXPECT_EQ(nd_solicitations.get(), 4u);
}

TEST_F(LinkIpv6Test, WhoDoesNotAnswerIsPublishedUntilHeDoes) {
  interface.gateway6 = kGateway6;
  send6();
  EXPECT_EQ(common.silence6.other.get(), std::nullopt) << "it may yet answer";
  after(2_s);
  EXPECT_EQ(common.silence6.other.get(), kPeerIp6);
  send6(kFarIp6);
  after(2_s);
  EXPECT_EQ(common.silence6.gateway.get(), kGateway6);
  arrives(advertised(kGateway6, kGatewayMac));
  EXPECT_EQ(common.silence6.gateway.get(), std::nullopt);
  EXPECT_EQ(common.silence6.other.get(), kPeerIp6);
}

TEST_F(LinkIpv6Test, ALiveNeighboursAddressIsNotReplacedUntilItWasAsked) {
  know_peer6();
  after(2_s);
  arrives(advertised(kPeerIp6, kOtherMac));
  EXPECT_EQ(nd_conflicts.get(), 1u);
  sent();
  send6();
  EXPECT_EQ(destination(sent_one()), kPeerMac);
  after(200_ms);  // it was asked three times and stays silent
  sent();
  send6();
  EXPECT_EQ(destination(sent_one()), kOtherMac);
}

TEST_F(LinkIpv6Test, WithoutTheOverrideFlagNothingIsReplaced) {  // RFC 4861 7.2.5
  know_peer6();
  EXPECT_EQ(arrives(advertised(kPeerIp6, kOtherMac, 0x4000'0000)), Drop::icmp_ignored);
  after(1_s);
  EXPECT_EQ(nd_conflicts.get(), 0u);
}

TEST_F(LinkIpv6Test, WhatTcpHearsConfirmsANeighbour) {  // RFC 4861 7.3.1
  know_peer6();
  for (int i = 0; i < 130; ++i) {
    after(1_s);
    send6();
    link().confirm(kPeerIp6, now);
  }
  EXPECT_EQ(nd_solicitations.get(), 0u);
  for (int i = 0; i < 65; ++i) after(1_s), send6();
  EXPECT_GE(nd_solicitations.get(), 1u);
}

TEST_F(LinkIpv6Test, WhoeverHasOurAddressIsCounted) {  // RFC 4862 5.4.4
  EXPECT_EQ(
      arrives(icmp6_frame(136, 0, 0x2000'0000, octets_of(kOurIp6) + bytes({2, 1, 2, 0, 0, 0, 0, 9}),
                          {.hop_limit = 255})),
      Drop::icmp_ignored);
  EXPECT_EQ(nd_conflicts.get(), 1u);
}

TEST_F(LinkIpv6Test, AFloodOfInventedNeighboursIsBounded) {  // RFC 6583
  for (std::uint32_t i = 0; i < 20'000; ++i) send6(kPeerIp6.with_low(0x1000'0000 + i));
  EXPECT_LE(nd_solicitations.get(), 1'000u);
  EXPECT_GE(drops(Drop::neighbour_table_full) + drops(Drop::neighbour_wait_full), 10'000u);
  sent();
  arrives(solicitation());  // who asks for us gets in all the same
  sent();
  send6();
  EXPECT_EQ(destination(sent_one()), kPeerMac);
  after(10_s);
}

TEST_F(LinkIpv6Test, SendsToTheGatewayWhatIsNotOnTheLink) {
  send6(kFarIp6);
  EXPECT_EQ(drops(Drop::no_route), 1u);
}

TEST_F(LinkIpv6Test, AsksForALinkLocalGatewayFromItsOwn) {
  interface.gateway6 = kGateway6;
  send6(kFarIp6);
  const wire::Neighbour n = sent_neighbour();
  EXPECT_EQ(n.target, kGateway6);
  EXPECT_EQ(n.source, interface.link_local());
  arrives(advertised(kGateway6, kGatewayMac));
  EXPECT_EQ(destination(sent_one()), kGatewayMac);
}

// -- routers (RFC 4861 6.1.2, 6.3)

Frame router_advertised(std::uint16_t lifetime_s, std::uint32_t mtu = 0,
                        const Ipv6Address& source = kGateway6, std::uint8_t hop_limit = 255) {
  Frame body = bytes({0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0xfe});
  if (mtu != 0) {
    Frame option = bytes({5, 1, 0, 0, 0, 0, 0, 0});
    put32(option, 4, mtu);
    body = body + option;
  }
  return icmp6_frame(134, 0, 0x4000'0000u | lifetime_s, body,
                     {.mac = wire::group_mac(wire::kAllNodes),
                      .hop_limit = hop_limit,
                      .source = source,
                      .destination = wire::kAllNodes});
}

TEST_F(LinkIpv6Test, AsksForARouterAndSendsThroughIt) {
  interface.asks_for_router = true;
  interface.detects_duplicates = false;
  link().announce(now);
  after(9_s);
  std::size_t asked = 0;
  for (const std::string& line : sent_lines())
    asked += line == "IP6 fe80::ff:fe00:1 > ff02::2: ICMP6, router solicitation, length 16" ? 1 : 0;
  EXPECT_EQ(asked, 3u);
  after(9_s);
  EXPECT_TRUE(sent_lines().empty());
  EXPECT_EQ(arrives(router_advertised(1'800, 1'400)), Drop::none);
  send6(kFarIp6, 1'460);
  frame_ = sent_one();
  EXPECT_EQ(destination(frame_), kGatewayMac);
  EXPECT_EQ(wire::overhear(frame_).segment.mss, 1'340);  // the router told the link's MTU
}

TEST_F(LinkIpv6Test, ARouterThatEndsIsOneNoMore) {
  interface.asks_for_router = true;
  arrives(router_advertised(2));
  EXPECT_EQ(arrives(router_advertised(9'000, 0, link_local_of(kOtherMac))), Drop::icmp_ignored);
  after(2'100_ms);
  send6(kFarIp6);
  EXPECT_EQ(drops(Drop::no_route), 1u);
  arrives(router_advertised(1'800));
  EXPECT_EQ(arrives(router_advertised(0)), Drop::none);
  send6(kFarIp6);
  EXPECT_EQ(drops(Drop::no_route), 2u);
}

TEST_F(LinkIpv6Test, ARouterIsBelievedOnlyWhereItIsAskedFor) {
  EXPECT_EQ(arrives(router_advertised(1'800)), Drop::icmp_ignored);
  interface.asks_for_router = true;
  EXPECT_EQ(arrives(router_advertised(1'800, 0, kGateway6, 254)), Drop::nd_invalid);
  EXPECT_EQ(arrives(router_advertised(1'800, 0, kFarIp6)), Drop::nd_invalid);
}

TEST_F(LinkIpv6Test, ReportsItsGroupsAsksForItsAddressesAndThenTellsOfThem) {
  link().announce(now);  // RFC 3810 6.1, RFC 4862 5.4.2
  EXPECT_EQ(sent_lines(),
            (std::vector<std::string>{
                "IP6 fe80::ff:fe00:1 > ff02::16: ICMP6, multicast listener report v2, length 28",
                "IP6 :: > ff02::1:ff00:1: ICMP6, neighbour solicitation, who has fe80::ff:fe00:1, "
                "length 24",
                "IP6 :: > ff02::1:ff00:1: ICMP6, neighbour solicitation, who has 2001:db8::1, "
                "length 24"}));
  after(999_ms);
  EXPECT_TRUE(sent_lines().empty());
  after(2_ms);  // RFC 4861 7.2.6
  EXPECT_EQ(sent_lines(),
            (std::vector<std::string>{
                "IP6 fe80::ff:fe00:1 > ff02::1: ICMP6, neighbour advertisement, tgt is "
                "fe80::ff:fe00:1, length 32",
                "IP6 2001:db8::1 > ff02::1: ICMP6, neighbour advertisement, tgt is 2001:db8::1, "
                "length 32"}));
}

TEST_F(LinkIpv6Test, AnAddressIsNotUsedWhileItIsTentative) {  // RFC 4862 5.4
  link().announce(now);
  sent();
  EXPECT_EQ(arrives(solicitation()), Drop::icmp_ignored);
  send6();
  EXPECT_TRUE(sent().empty());
  after(1'100_ms);
  sent();
  EXPECT_EQ(arrives(solicitation()), Drop::none);
}

TEST_F(LinkIpv6Test, AnAddressThatSomebodyHasIsOff) {  // RFC 4862 5.4.4 and 5.4.5
  link().announce(now);
  sent();
  EXPECT_EQ(arrives(claim()), Drop::none);
  EXPECT_EQ(nd_duplicates.get(), 1u);
  EXPECT_EQ(common.duplicate.get(), kOurIp6);
  after(1'100_ms);
  for (const std::string& line : sent_lines()) EXPECT_EQ(line.find("2001:db8::1"), line.npos);
  EXPECT_EQ(arrives(solicitation()), Drop::icmp_ignored);
  EXPECT_EQ(arrives(solicitation({}, interface.link_local())), Drop::none);
}

TEST_F(LinkIpv6Test, WhoHasAnAddressOfOursReachesTheOthers) {  // RFC 4862 5.4.5
  link().announce(now);
  arrives(claim());
  after(1'100_ms);
  sent();
  EXPECT_FALSE(link().is_ours(kOurIp6));
  EXPECT_TRUE(link().is_ours(interface.link_local()));
  const auto asks = solicitation({.source = kOurIp6}, interface.link_local());
  EXPECT_EQ(arrives(asks), Drop::none);
  EXPECT_EQ(sent().size(), 1u);
}

TEST_F(LinkIpv6Test, AnAddressThatSomebodyAsksForAtTheSameTimeIsOff) {  // RFC 4862 5.4.3
  link().announce(now);
  EXPECT_EQ(arrives(solicitation({.source = {}}, kOurIp6, {})), Drop::none);
  EXPECT_EQ(nd_duplicates.get(), 1u);
}

TEST_F(LinkIpv6Test, NobodyIsAskedWhereDuplicatesAreNotDetected) {
  interface.detects_duplicates = false;
  link().announce(now);
  EXPECT_EQ(sent_lines().size(), 3u);
  EXPECT_EQ(arrives(solicitation()), Drop::none);
}

TEST_F(LinkIpv6Test, ReportsItsGroupsWhenItIsAsked) {
  const Ipv6Frame query{.mac = wire::group_mac(wire::kAllNodes),
                        .hop_limit = 1,
                        .source = kGateway6,
                        .destination = wire::kAllNodes};
  EXPECT_EQ(arrives(icmp6_frame(130, 0, 0, Frame(20), query)), Drop::none);
  EXPECT_EQ(sent().size(), 1u);
  Ipv6Frame from_afar = query;
  from_afar.hop_limit = 2;
  EXPECT_EQ(arrives(icmp6_frame(130, 0, 0, Frame(20), from_afar)), Drop::nd_invalid);
}

// -- ICMPv6

TEST_F(LinkIpv6Test, AnswersAnEchoWithItsData) {
  know_peer6();
  EXPECT_EQ(arrives(icmp6_frame(128, 0, 0x0007'0001, text("ping"))), Drop::none);
  const Frame reply = sent_icmp6();
  EXPECT_EQ(load_be32(&reply[4]), 0x0007'0001u);
  EXPECT_EQ(reply[0], std::byte{129});
  EXPECT_EQ(Frame(reply.begin() + 8, reply.end()), text("ping"));
}

TEST_F(LinkIpv6Test, TellsASenderOfWhatItDoesNotKnow) {  // RFC 4443 3.4
  know_peer6();
  const Frame unknown = Ipv6Frame{.next = 50, .payload = Frame(8)}.build();
  EXPECT_EQ(arrives(unknown), Drop::protocol_unknown);
  Frame answer = sent_icmp6();
  EXPECT_EQ(load_be32(&answer[0]) >> 16, 0x0401u);
  EXPECT_EQ(load_be32(&answer[4]), 6u);
  EXPECT_EQ(Frame(answer.begin() + 8, answer.end()), Frame(unknown.begin() + 14, unknown.end()));
  arrives(tcp6_frame({}, {.next = 43, .chain = routing_header(6, 0, 1)}));
  answer = sent_icmp6();
  EXPECT_EQ(load_be32(&answer[0]) >> 16, 0x0400u);
  EXPECT_EQ(load_be32(&answer[4]), 42u);
}

TEST_F(LinkIpv6Test, NoErrorIsLongerThanTheLeastMtu) {  // RFC 4443 2.4 (c)
  know_peer6();
  arrives(Ipv6Frame{.next = 50, .payload = Frame(1'400)}.build());
  EXPECT_EQ(sent_icmp6().size() + 40, wire::kIpv6MtuMin);
}

TEST_F(LinkIpv6Test, ErrorsAreLimited) {  // RFC 4443 2.4 (f)
  know_peer6();
  for (int i = 0; i < 200; ++i) arrives(Ipv6Frame{.next = 50, .payload = Frame(8)}.build());
  EXPECT_EQ(sent().size(), 50u);
  EXPECT_EQ(drops(Drop::icmp_rate_limited), 150u);
}

TEST_F(LinkIpv6Test, NobodyIsToldOfAPacketToAGroupOrToOthers) {
  know_peer6();
  arrives(Ipv6Frame{.mac = wire::group_mac(wire::kAllNodes),
                    .next = 50,
                    .destination = wire::kAllNodes,
                    .payload = Frame(8)}
              .build());
  arrives(Ipv6Frame{.next = 50, .destination = kFarIp6, .payload = Frame(8)}.build());
  EXPECT_TRUE(sent().empty());
}

TEST_F(LinkIpv6Test, AUdpPortIsUnreachable) {
  know_peer6();
  EXPECT_EQ(arrives(Ipv6Frame{.next = 17, .payload = hex("9c 40 00 35 00 08 00 00")}.build()),
            Drop::udp_closed);
  EXPECT_EQ(load_be32(&sent_icmp6()[0]) >> 16, 0x0104u);
}

Frame error_about_us(std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
  const Frame quoted = tcp6_frame({}, {.source = kOurIp6, .destination = kPeerIp6});
  return icmp6_frame(type, code, rest, Frame(quoted.begin() + 14, quoted.end()));
}

TEST_F(LinkIpv6Test, ReportsTheMtuOfAPathLessWhatIpv6Needs) {  // RFC 8201 4
  EXPECT_EQ(arrives(error_about_us(2, 0, 1'400)), Drop::none);
  ASSERT_EQ(reports6.size(), 1u);
  EXPECT_EQ(reports6[0].error.kind, tcp::IcmpError::Kind::fragmentation_needed);
  EXPECT_EQ(reports6[0].error.mtu, 1'380);  // of which TCP subtracts 40
  EXPECT_EQ(reports6[0].about.key, FlowKey6::of(kOurIp6, 40'000, kPeerIp6, 80));
}

TEST_F(LinkIpv6Test, AnMtuBelowTheLeastIsNotBelieved) {  // RFC 8201 4
  EXPECT_EQ(arrives(error_about_us(2, 0, 1'279)), Drop::icmp_ignored);
  EXPECT_EQ(arrives(error_about_us(2, 0, 1'280)), Drop::none);
  EXPECT_EQ(reports6.size(), 1u);
}

TEST_F(LinkIpv6Test, RedirectsAndWhoAsksForRoutersAreIgnored) {
  for (const std::uint8_t type : {std::uint8_t{133}, std::uint8_t{137}})
    EXPECT_EQ(arrives(icmp6_frame(type, 0, 0, Frame(32), {.hop_limit = 255})), Drop::icmp_ignored);
}

// -- segments and fragments

TEST_F(LinkIpv6Test, ASynOffersNoMoreThanAPacketHolds) {
  know_peer6();
  send6(kPeerIp6, 1'460);
  frame_ = sent_one();
  EXPECT_EQ(wire::overhear(frame_).segment.mss, 1'440);
}

std::vector<Frame> in_fragments(const Frame& whole, std::size_t size, std::uint32_t id = 7) {
  const Frame payload(whole.begin() + 54, whole.end());
  std::vector<Frame> pieces;
  for (std::size_t at = 0; at < payload.size(); at += size) {
    const std::size_t end = std::min(at + size, payload.size());
    pieces.push_back(Ipv6Frame{.next = 44,
                               .chain = fragment_header(6, at, end < payload.size(), id),
                               .payload = Frame(payload.begin() + at, payload.begin() + end)}
                         .build());
  }
  return pieces;
}

TEST_F(LinkIpv6Test, PutsFragmentsTogether) {
  const Frame whole = tcp6_frame({.payload = Frame(1'500, std::byte{7})});
  auto pieces = in_fragments(whole, 512);
  std::ranges::reverse(pieces);
  for (const Frame& piece : pieces) EXPECT_EQ(arrives(piece), Drop::none);
  ASSERT_EQ(for_the_shard.size(), 1u);
  EXPECT_EQ(for_the_shard[0].segment.payload_len, 1'500);
}

TEST_F(LinkIpv6Test, FragmentsThatOverlapDropThemAll) {  // RFC 5722 4
  const Frame whole = tcp6_frame({.payload = Frame(1'000, std::byte{7})});
  const auto pieces = in_fragments(whole, 512);
  arrives(pieces[0]);
  Frame other =
      Ipv6Frame{
          .next = 44, .chain = fragment_header(6, 504, true), .payload = Frame(16, std::byte{9})}
          .build();
  EXPECT_EQ(arrives(other), Drop::fragment_overlap);
  EXPECT_EQ(arrives(pieces[1]), Drop::fragment_overlap);
  EXPECT_TRUE(for_the_shard.empty());
}

TEST_F(LinkIpv6Test, NeighbourDiscoveryInFragmentsIsIgnored) {  // RFC 6980 5
  const Frame whole = solicitation({.mac = kPeerMac, .hop_limit = 255});
  const Frame payload(whole.begin() + 54, whole.end());
  for (const std::size_t at : {std::size_t{0}, std::size_t{16}})
    EXPECT_EQ(arrives(Ipv6Frame{.next = 44,
                                .hop_limit = 255,
                                .chain = fragment_header(58, at, at == 0),
                                .payload = Frame(payload.begin() + at, payload.begin() + at + 16)}
                          .build()),
              at == 0 ? Drop::none : Drop::nd_invalid);
  EXPECT_TRUE(sent().empty());
}

}  // namespace
}  // namespace mayfly::testing
