// ARP is believed on a link, and anybody on the link can lie: what a liar gains.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

using Operation = wire::ArpPacket::Operation;
constexpr MacAddress kLiarMac{{2, 0, 0, 0, 0, 0x66}};

MacAddress destination_of(const Bytes& frame) {
  MacAddress mac;
  std::memcpy(mac.octets.data(), frame.data(), 6);
  return mac;
}

TEST(ArpPoisoning, DivertsNothingWhileTheOwnerAnswers) {
  Wire wire;  // whose hosts answer ARP for themselves
  Peer peer(wire);
  peer.opens().ignores();
  const wire::ArpPacket lies[] = {
      {Operation::reply, kLiarMac, kServerMac, kPeerIp, kServerIp},
      {Operation::request, kLiarMac, {}, kPeerIp, kServerIp},
      {Operation::request, kLiarMac, {}, kPeerIp, kPeerIp},
  };
  unsigned diverted = 0, arrived = 0;
  for (int i = 0; i < 200; ++i) {
    for (const wire::ArpPacket& lie : lies) wire.put(wire.arp_frame(lie));
    wire.after(50_ms);
    wire.app_does([](ScriptConn& c) { c.send(bytes_of("secret")); });
    for (const Heard& heard : peer.inbox) {
      ++arrived;
      diverted += destination_of(heard.frame) == kLiarMac ? 1 : 0;
    }
    peer.ignores().sends(ack());
  }
  EXPECT_EQ(diverted, 0u);
  EXPECT_GE(arrived, 200u);
  EXPECT_GE(wire.stats().arp_conflicts.get(), 600u);
  EXPECT_LE(wire.stats().arp_requests.get(), 30u) << "the owner is asked at most once a second";
}

TEST(ArpPoisoning, RepliesThatNobodyAskedForMakeNoEntry) {
  Given given;
  given.peer_known = false;
  given.answers_arp = false;
  Wire wire(given);
  wire.put(wire.arp_frame({Operation::reply, kLiarMac, kServerMac, kPeerIp, kServerIp}));
  wire.poll();
  Peer peer(wire);
  peer.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.stats().arp_requests.get(), 1u) << "the peer is asked for";
}

TEST(ArpFlood, PushesNoLiveNeighbourOut) {
  Wire wire;
  Peer peer(wire);
  peer.opens().ignores();
  constexpr std::uint64_t kSeed = 11;
  Prng random(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    const Ipv4Address from{0xc613'0000u | static_cast<std::uint32_t>(random.below(0xffff) + 1)};
    wire.put(wire.arp_frame({Operation::request, kLiarMac, {}, from, kServerIp}));
    if (i % 32 == 0) wire.poll();
  }
  while (!wire.port.arrived.empty()) wire.poll();
  const std::uint64_t asked = wire.stats().arp_requests.get();
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hello")); });
  peer.gets(text("hello"));
  EXPECT_EQ(wire.stats().arp_requests.get(), asked) << "seed " << kSeed;
  wire.arps.clear();
}

TEST(ArpFlood, IsAnsweredAtALimitedRate) {
  Wire wire;
  for (int i = 0; i < 5'000; ++i)
    wire.put(wire.arp_frame({Operation::request, kPeerMac, {}, kPeerIp, kServerIp}));
  while (!wire.port.arrived.empty()) wire.poll();
  EXPECT_LE(wire.stats().arp_replies.get(), 1'001u);
  EXPECT_GE(wire.stats().arp_limited.get(), 3'999u);
}

TEST(ArpFlood, OfSynsFromInventedNeighboursAsksForFewOfThem) {
  Given given;
  given.settings.syn.cookies = flow::SynPolicy::Cookies::always;
  given.answers_arp = false;
  Wire wire(given);
  Peer peer(wire);
  peer.opens().ignores();
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Peer nobody(wire, 10'000, {0xc613'0000 + i});
    nobody.puts(syn());
    if (i % 16 == 0) wire.poll();  // the shard keeps up
  }
  while (!wire.port.arrived.empty()) wire.poll();
  EXPECT_LE(wire.stats().arp_requests.get(), 1'000u);
  EXPECT_GT(wire.drops(Drop::neighbour_table_full) + wire.drops(Drop::neighbour_wait_full), 0u);
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hello")); });
  peer.gets(text("hello"));
}

}  // namespace
}  // namespace mayfly::testing
