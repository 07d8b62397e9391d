// ARP (RFC 826, RFC 5227, RFC 1122 2.3.2), the way out of a link, and VLANs.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

using wire::kBroadcastMac;

using Operation = wire::ArpPacket::Operation;

constexpr MacAddress kOtherMac{{2, 0, 0, 0, 0, 9}};

Given stranger() {
  Given given;
  given.peer_known = false;
  given.answers_arp = false;
  return given;
}

wire::ArpPacket request(Ipv4Address from, Ipv4Address to, MacAddress mac = kPeerMac) {
  return {Operation::request, mac, {}, from, to};
}
wire::ArpPacket reply(Ipv4Address from, MacAddress mac = kPeerMac) {
  return {Operation::reply, mac, kServerMac, from, kServerIp};
}

MacAddress destination_of(const Bytes& frame) {
  MacAddress mac;
  std::memcpy(mac.octets.data(), frame.data(), 6);
  return mac;
}

TEST(ShardArp, AnswersARequestForOurAddress) {
  Wire wire(stranger());
  wire.put(wire.arp_frame(request(kPeerIp, kServerIp), kBroadcastMac));
  wire.poll();
  ASSERT_EQ(wire.arps.size(), 1u);
  EXPECT_EQ(wire.arps[0].operation, Operation::reply);
  EXPECT_EQ(wire.arps[0].sender_mac, kServerMac);
  EXPECT_EQ(wire.arps[0].sender_ip, kServerIp);
  EXPECT_EQ(wire.arps[0].target_mac, kPeerMac);
  EXPECT_EQ(wire.arps[0].target_ip, kPeerIp);
  EXPECT_EQ(destination_of(wire.arp_frames[0]), kPeerMac);
  EXPECT_EQ(wire.stats().arp_replies.get(), 1u);
}

TEST(ShardArp, SaysNothingToARequestForAnother) {
  Wire wire(stranger());
  wire.put(wire.arp_frame(request(kPeerIp, {0xc612'0002}), kBroadcastMac));
  wire.poll();
  EXPECT_TRUE(wire.arps.empty());
}

TEST(ShardArp, LeavesAnswersToTheShardThatGivesThem) {
  Given given = stranger();
  given.config.interfaces[0].answers = false;
  Wire wire(given);
  Peer peer(wire);
  wire.put(wire.arp_frame(request(kPeerIp, kServerIp)));
  peer.sends(syn()).gets(syn_ack());  // it learned all the same
  EXPECT_TRUE(wire.arps.empty());
}

TEST(ShardArp, KeepsTheSynAckUntilTheNeighbourAnswers) {
  Wire wire(stranger());
  Peer peer(wire);
  peer.sends(syn()).gets_nothing();
  ASSERT_EQ(wire.arps.size(), 1u);
  EXPECT_EQ(wire.arps[0].operation, Operation::request);
  EXPECT_EQ(wire.arps[0].target_ip, kPeerIp);
  EXPECT_EQ(destination_of(wire.arp_frames[0]), kBroadcastMac);
  wire.put(wire.arp_frame(reply(kPeerIp)));
  wire.poll();
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(destination_of(peer.inbox[0].frame), kPeerMac);
  peer.gets(syn_ack());
}

TEST(ShardArp, AsksOncePerSecondAndDropsWhatWaitedForNobody) {  // RFC 1122 2.3.2.1
  Wire wire(stranger());
  Peer first(wire, 40'001), second(wire, 40'002);
  first.sends(syn());
  second.sends(syn());
  EXPECT_EQ(wire.arps.size(), 1u);
  wire.after(999_ms);
  EXPECT_EQ(wire.arps.size(), 1u);
  wire.after(200_ms);
  EXPECT_EQ(wire.arps.size(), 2u);
  wire.after(4_s);
  EXPECT_GE(wire.drops(Drop::neighbour_unreachable), 2u);
}

TEST(ShardArp, DropsWhatIsTooMuchToKeepForOneNeighbour) {  // RFC 1122 2.3.2.2
  Wire wire(stranger());
  for (std::uint16_t i = 0; i < 300; ++i) {
    Peer nobody(wire, std::uint16_t(10'000 + i), kPeerIp, 81);
    nobody.sends(syn());
  }
  EXPECT_EQ(wire.drops(Drop::neighbour_wait_full), 300u - 256u);
  EXPECT_EQ(wire.arps.size(), 1u);
}

TEST(ShardArp, DropsWhatIsForMoreNeighboursThanTheCacheHolds) {
  Wire wire(stranger());
  for (std::uint32_t i = 0; i < 6'000; ++i) {  // the cache has 4,096 entries in sets of eight
    Peer nobody(wire, 10'000, {kPeerIp.host + i}, 81);
    nobody.sends(syn());
    if (i % 1'000 == 0) wire.after(50_ms);  // strangers are answered at a limited rate
  }
  EXPECT_GT(wire.drops(Drop::neighbour_table_full), 0u);
}

TEST(ShardArp, AsksTheOldAddressBeforeItFollowsANeighbourToANewOne) {  // gratuitous ARP
  Given given;
  given.answers_arp = false;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  const auto claim = wire.arp_frame(request(kPeerIp, kPeerIp, kOtherMac), kBroadcastMac);
  wire.put(claim);
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hi")); });
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(destination_of(peer.inbox[0].frame), kPeerMac);
  EXPECT_EQ(wire.stats().arp_conflicts.get(), 1u);
  wire.after(199_ms);
  ASSERT_EQ(wire.arp_frames.size(), 3u);
  for (const Bytes& asked : wire.arp_frames) EXPECT_EQ(destination_of(asked), kPeerMac);
  peer.ignores().sends(ack().acks(2)).ignores();
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hello")); });
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(destination_of(peer.inbox[0].frame), kOtherMac);
}

TEST(ShardArp, FindsANeighbourThatMovedInSilenceWhenTcpGetsNoAnswer) {  // RFC 1122 2.3.2.1 (4)
  Given given;
  given.answers_arp = false;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.after(5_s);
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hi")); });
  wire.after(400_ms);
  ASSERT_EQ(wire.arp_frames.size(), 4u);
  EXPECT_EQ(destination_of(wire.arp_frames[2]), kPeerMac);
  EXPECT_EQ(destination_of(wire.arp_frames[3]), kBroadcastMac);
  wire.put(wire.arp_frame(reply(kPeerIp, kOtherMac)));
  peer.ignores();
  wire.after(300_ms);
  ASSERT_EQ(peer.inbox.size(), 1u) << "the next retransmission";
  EXPECT_EQ(destination_of(peer.inbox[0].frame), kOtherMac);
}

TEST(ShardArp, AnswersAProbeWithoutLearningFromIt) {  // RFC 5227 2.1.1
  Wire wire(stranger());
  Peer peer(wire);
  wire.put(wire.arp_frame(request({0}, kServerIp), kBroadcastMac));
  wire.poll();
  ASSERT_EQ(wire.arps.size(), 1u);
  EXPECT_EQ(wire.arps[0].operation, Operation::reply);
  peer.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.arps.size(), 2u) << "the peer has to be asked for";
}

TEST(ShardArp,
     DoesNotLearnFromWhatWasNotForUs) {  // RFC 826: only an entry that is there is renewed
  Wire wire(stranger());
  Peer peer(wire);
  wire.put(wire.arp_frame(request(kPeerIp, {0xc612'0002}), kBroadcastMac));
  wire.put(wire.arp_frame(request(kPeerIp, kPeerIp), kBroadcastMac));
  wire::ArpPacket to_another = reply(kPeerIp);
  to_another.target_ip = {0xc612'0002};
  wire.put(wire.arp_frame(to_another));
  peer.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.stats().arp_requests.get(), 1u);
}

TEST(ShardArp, IgnoresWhoClaimsOurAddress) {
  Wire wire;
  Peer peer(wire);
  wire.put(wire.arp_frame(request(kServerIp, kServerIp, kOtherMac), kBroadcastMac));
  peer.sends(syn()).gets(syn_ack());
}

TEST(ShardArp, DoesNotLearnOfHostsThatAreNotOnTheLink) {
  Wire wire(stranger());
  wire.put(wire.arp_frame(request({0x0a00'0001}, kServerIp)));
  wire.poll();
  Peer far(wire, 40'000, {0x0a00'0001});
  far.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::no_route), 1u);
  EXPECT_EQ(wire.stats().arp_requests.get(), 0u);
}

TEST(ShardArp, AnnouncesOurAddresses) {  // RFC 5227 2.3
  Given given = stranger();
  given.config.interfaces[0].addresses = {{kServerIp, {kServerIp.host + 2}, 15}};
  Wire wire(given);
  wire.shard->announce(wire.now);
  wire.poll();
  ASSERT_EQ(wire.arps.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(wire.arps[i].operation, Operation::request);
    EXPECT_EQ(wire.arps[i].sender_ip.host, kServerIp.host + i);
    EXPECT_EQ(wire.arps[i].target_ip.host, kServerIp.host + i);
    EXPECT_EQ(destination_of(wire.arp_frames[i]), kBroadcastMac);
  }
}

TEST(ShardRoute, GoesThroughTheGatewayToHostsBeyondTheLink) {
  constexpr Ipv4Address kGateway{0xc612'00fe};
  Given given = stranger();
  given.config.interfaces[0].gateway = kGateway;
  Wire wire(given);
  Peer far(wire, 40'000, {0x0a00'0001});
  far.sends(syn()).gets_nothing();
  ASSERT_EQ(wire.arps.size(), 1u);
  EXPECT_EQ(wire.arps[0].target_ip, kGateway);
  wire.put(wire.arp_frame(reply(kGateway, kOtherMac)));
  wire.poll();
  ASSERT_EQ(far.inbox.size(), 1u);
  EXPECT_EQ(destination_of(far.inbox[0].frame), kOtherMac);
}

TEST(ShardRoute, EndsWhereThereIsNoGateway) {
  Wire wire;
  Peer far(wire, 40'000, {0x0a00'0001});
  far.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::no_route), 1u);
}

TEST(ShardVlan, TagsWhatItSendsAndHearsOnlyItsOwn) {
  Given given;
  given.config.interfaces[0].vlan = 12;
  Wire wire(given);
  Peer peer(wire);
  peer.sends(syn());
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(load_be16(&peer.inbox[0].frame[12]), wire::ethertype::vlan);
  EXPECT_EQ(load_be16(&peer.inbox[0].frame[14]), 12);
  peer.ignores();
  Bytes other = peer.frame(ack());
  store_be16(&other[14], 13);
  wire.put(other);
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::vlan_other), 1u);
  EXPECT_EQ(wire.app.opened, 0u);
}

TEST(ShardVlan, TagsArpAndIcmpToo) {
  Given given = stranger();
  given.config.interfaces[0].vlan = 12;
  Wire wire(given);
  wire.put(wire.arp_frame(request(kPeerIp, kServerIp)));
  wire.put(wire.icmp_frame(8, 0, 1, {}));
  wire.poll();
  ASSERT_EQ(wire.arp_frames.size(), 1u);
  EXPECT_EQ(load_be16(&wire.arp_frames[0][14]), 12);
  ASSERT_EQ(wire.icmps.size(), 1u);
  EXPECT_EQ(load_be16(&wire.icmps[0][14]), 12);
}

}  // namespace
}  // namespace mayfly::testing
