// ARP (RFC 826, RFC 5227, RFC 1122 2.3.2) on a link.
#include "unit/link/link_fixture.h"

namespace mayfly::testing {
namespace {

class LinkArp : public LinkTest {};

TEST_F(LinkArp, AnswersARequestForOurAddress) {
  EXPECT_EQ(arrives(request(kPeerIp)), Drop::none);
  const wire::ArpPacket answer = sent_arp();
  EXPECT_EQ(answer.operation, Operation::reply);
  EXPECT_EQ(answer.sender_mac, kOurMac);
  EXPECT_EQ(answer.sender_ip, kOurIp);
  EXPECT_EQ(answer.target_mac, kPeerMac);
  EXPECT_EQ(answer.target_ip, kPeerIp);
  EXPECT_EQ(arp_replies.get(), 1u);
}

TEST_F(LinkArp, ARequestMakesItsSenderKnown) {
  arrives(request(kPeerIp));
  sent();
  send();
  EXPECT_EQ(destination(sent_one()), kPeerMac);
  EXPECT_EQ(arp_requests.get(), 0u);
}

TEST_F(LinkArp, AnswersOnlyForItself) {
  arrives(request(kPeerIp, kOtherIp));
  arrives(reply(kPeerIp));
  EXPECT_TRUE(sent().empty());
}

TEST_F(LinkArp, LearnsWithoutAnsweringWhereAnotherShardAnswers) {
  interface.answers = false;
  arrives(request(kPeerIp));
  link().announce(now);
  EXPECT_TRUE(sent().empty());
  send();
  EXPECT_EQ(destination(sent_one()), kPeerMac);
}

TEST_F(LinkArp, LearnsNothingFromAProbe) {      // RFC 5227 2.1.1
  interface.addresses = {{kOurIp, kOurIp, 0}};  // a prefix that covers 0.0.0.0 too
  arrives(request({0}));
  EXPECT_EQ(sent_arp().operation, Operation::reply);
  for (const Ipv4Address ip : {kPeerIp, Ipv4Address{0}}) {
    send(ip);
    EXPECT_EQ(sent_arp().target_ip, ip) << "its MAC address is not known";
  }
}

TEST_F(LinkArp, LearnsNothingFromPacketsThatWereNotForUs) {
  arrives(request(kPeerIp, kOtherIp));
  arrives(reply(kPeerIp));
  send();
  EXPECT_EQ(sent_arp().target_ip, kPeerIp);
}

TEST_F(LinkArp, LearnsNothingOfOurOwnAddress) {
  arrives(request(kOurIp, kOurIp, kOtherMac));
  sent();
  send(kOurIp);
  EXPECT_EQ(sent_arp().target_ip, kOurIp);
}

TEST_F(LinkArp, LearnsNothingOfHostsBeyondTheLink) {
  interface.gateway = kFarIp;
  arrives(request(kFarIp));
  sent();
  send({kFarIp.host + 1});
  EXPECT_TRUE(sent().empty()) << "the gateway's address is not known";
}

TEST_F(LinkArp, AsksByBroadcastFromOurAddress) {
  send();
  const Frame frame = sent_one();
  EXPECT_EQ(destination(frame), wire::kBroadcastMac);
  const wire::ArpPacket asked = wire::read_arp(frame, 14);
  EXPECT_EQ(asked.sender_ip, kOurIp);
  EXPECT_EQ(asked.target_mac, MacAddress{});
}

TEST_F(LinkArp, AsksOnceASecond) {  // RFC 1122 2.3.2.1
  send();
  send();
  EXPECT_EQ(arp_requests.get(), 1u);
  after(999_ms);
  EXPECT_EQ(arp_requests.get(), 1u);
  after(200_ms);
  EXPECT_EQ(arp_requests.get(), 2u);
}

TEST_F(LinkArp, AConflictIsCountedAndTheOldAddressAskedFirst) {
  know_peer();
  send();
  sent();
  arrives(request(kPeerIp, kPeerIp, kOtherMac));
  EXPECT_EQ(arp_conflicts.get(), 1u);
  send();
  EXPECT_EQ(destination(sent_one()), kPeerMac) << "the claim is not believed";
  after(2_ms);
  EXPECT_EQ(destination(sent_one()), kPeerMac) << "a request by unicast";
  EXPECT_EQ(arp_requests.get(), 1u);
  after(160_ms);
  EXPECT_EQ(arp_requests.get(), 3u);
  sent();
  send();
  EXPECT_EQ(destination(sent_one()), kOtherMac) << "the old address did not answer";
}

TEST_F(LinkArp, AConflictIsSettledAtOnceWhereTheLinkIsTrusted) {
  interface.arp.trust = true;
  know_peer();
  arrives(request(kPeerIp, kPeerIp, kOtherMac));
  EXPECT_EQ(arp_conflicts.get(), 1u);
  sent();
  send();
  EXPECT_EQ(destination(sent_one()), kOtherMac);
  EXPECT_EQ(arp_requests.get(), 0u);
}

TEST_F(LinkArp, AsksAGatewayThatTcpSuspects) {
  interface.gateway = kPeerIp;
  know_peer();
  after(2_s);
  sent();
  link().suspect(kFarIp, now);
  after(2_ms);
  EXPECT_EQ(sent_arp().target_ip, kPeerIp);
}

TEST_F(LinkArp, LimitsItsReplies) {
  for (int i = 0; i < 1'100; ++i) {
    arrives(request(kPeerIp));
    sent();
  }
  EXPECT_EQ(arp_replies.get(), 1'000u);
  EXPECT_EQ(arp_limited.get(), 100u);
}

TEST_F(LinkArp, LimitsItsRequests) {
  for (std::uint32_t i = 0; i < 1'100; ++i) {
    send({kOurIp.host + 1 + i});
    sent();
  }
  EXPECT_EQ(arp_requests.get(), 1'000u);
  EXPECT_EQ(arp_limited.get() + drops(Drop::neighbour_table_full), 100u);
}

TEST_F(LinkArp, LinksOfAShardShareTheLimit) {
  link::Link<Port> other(port, interface, common);
  for (int i = 0; i < 1'000; ++i) {
    arrives(request(kPeerIp));
    sent();
  }
  const Frame frame = request(kPeerIp);
  other.on_arp(frame, parse(frame), now);
  EXPECT_EQ(arp_limited.get(), 1u);
  EXPECT_EQ(other.staged(), 0u);
}

TEST_F(LinkArp, WithoutABufferThereIsNoReply) {
  port.buffers = 1;  // for the request
  arrives(request(kPeerIp));
  EXPECT_EQ(drops(Drop::no_buffer), 1u);
  EXPECT_TRUE(sent().empty());
  port.buffers = buffers_at_start;
}

TEST_F(LinkArp, AnnouncesOurAddressesButNotAWholeRange) {  // RFC 5227 2.3
  interface.addresses = {{kOurIp, {kOurIp.host + 1'000}, 15}, {kPeerIp, kPeerIp, 15}};
  link().announce(now);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 65u);
  for (std::uint32_t i = 0; i < 65; ++i) {
    const wire::ArpPacket said = wire::read_arp(frames[i], 14);
    const Ipv4Address ip = i < 64 ? Ipv4Address{kOurIp.host + i} : kPeerIp;
    EXPECT_EQ(said.sender_ip, ip);
    EXPECT_EQ(said.target_ip, ip);
    EXPECT_EQ(destination(frames[i]), wire::kBroadcastMac);
  }
  EXPECT_EQ(arp_requests.get(), 0u);
}

TEST_F(LinkArp, AsksForTheGatewayBeforeItIsNeeded) {
  interface.gateway = kGateway;
  link().announce(now);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u) << "the announcement, and the request";
  EXPECT_EQ(wire::read_arp(frames[1], 14).target_ip, kGateway);
  arrives(reply(kGateway, kOtherMac));
  send(kFarIp);
  EXPECT_EQ(destination(sent_one()), kOtherMac);
}

TEST_F(LinkArp, SaysWhichGatewayDoesNotAnswerUntilItDoes) {
  interface.gateway = kGateway;
  link().announce(now);
  after(900_ms);
  EXPECT_EQ(common.silence.gateway.load(), 0u) << "it still has time";
  after(200_ms);
  EXPECT_EQ(common.silence.gateway.load(), kGateway.host);
  EXPECT_EQ(common.silence.other.load(), 0u);
  arrives(reply(kGateway, kOtherMac));
  EXPECT_EQ(common.silence.gateway.load(), 0u);
  sent();
}

TEST_F(LinkArp, SaysWhichOtherNeighbourDoesNotAnswer) {
  send(kOtherIp);
  after(1'100_ms);
  EXPECT_EQ(common.silence.other.load(), kOtherIp.host);
  arrives(reply(kPeerIp));
  EXPECT_EQ(common.silence.other.load(), kOtherIp.host) << "another one has answered";
  sent();
}

}  // namespace
}  // namespace mayfly::testing
