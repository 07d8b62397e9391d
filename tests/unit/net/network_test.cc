// Links and switches: who gets a frame, when, and what becomes of it on the way.
#include <gmock/gmock.h>

#include <algorithm>
#include <bit>

#include "sim_fixture.h"

namespace mayfly::testing {
namespace {

using net::WireSettings;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> texts(const std::vector<Arrived>& arrived) {
  std::vector<std::string> all;
  for (const Arrived& each : arrived) all.push_back(each.text);
  return all;
}

WireSettings with(const link::FaultSettings& faults) {
  WireSettings link;
  link.faults = faults;
  return link;
}

TEST(Network, BringsAFrameToTheStationThatItIsFor) {
  Stations net;
  for (int i = 0; i < 3; ++i) net.add();
  net.send(0, mac_of(1), "for 1");
  EXPECT_THAT(texts(net.all_for(1)), ElementsAre("for 1"));
  EXPECT_THAT(net.all_for(2), IsEmpty());
  EXPECT_THAT(net.all_for(0), IsEmpty());
}

TEST(Network, BringsABroadcastToAllOthersOfTheSegment) {
  Stations net;
  for (int i = 0; i < 3; ++i) net.add();
  net.add({}, 1);
  net.send(0, wire::kBroadcastMac, "to all");
  EXPECT_THAT(texts(net.all_for(1)), ElementsAre("to all"));
  EXPECT_THAT(texts(net.all_for(2)), ElementsAre("to all"));
  EXPECT_THAT(net.all_for(0), IsEmpty());
  EXPECT_THAT(net.all_for(3), IsEmpty());
}

TEST(Network, DropsAFrameForNobody) {
  Stations net;
  net.add();
  net.add({}, 1);
  net.send(0, mac_of(1), "in another segment");
  net.send(0, mac_of(9), "nowhere");
  EXPECT_THAT(net.all_for(1), IsEmpty());
}

TEST(Network, KeepsTheOrderOfALinkWithoutFaults) {
  Stations net;
  net.add();
  net.add(with({.delay = 5_ms}));
  net.send(0, mac_of(1), "first");
  net.send(0, mac_of(1), "second");
  EXPECT_THAT(texts(net.all_for(1)), ElementsAre("first", "second"));
}

TEST(Network, AddsTheDelaysOfBothLinks) {
  Stations net;
  net.add(with({.delay = 3_ms}));
  net.add(with({.delay = 5_ms}));
  const Instant sent = net.now;
  net.send(0, mac_of(1), "late");
  EXPECT_THAT(net.all_for(1), ElementsAre(Arrived{sent + 8_ms, "late"}));
}

TEST(Network, NeverDeliversInTheMomentOfSending) {
  Stations net;
  net.add();
  net.add();
  net.send(0, mac_of(1), "soon");
  EXPECT_GT(net.network.next_arrival(), net.now);
  net.all_for(1);
}

TEST(Network, LosesWhatTheLinkLoses) {
  Stations net;
  net.add();
  net.add(with({.loss = 1}));
  net.send(0, mac_of(1), "lost");
  EXPECT_THAT(net.all_for(1), IsEmpty());
  EXPECT_EQ(net.network.counts(net.ports[1]).lost, 1u);
  EXPECT_EQ(net.network.counts(net.ports[0]).lost, 0u);
}

TEST(Network, LosesAboutTheShareThatWasAskedFor) {
  Stations net;
  net.add();
  net.add(with({.loss = 0.25}));
  for (int i = 0; i < 2'000; ++i) net.send(0, mac_of(1), "x");
  const std::size_t arrived = net.all_for(1).size();
  EXPECT_GT(arrived, 1'400u);
  EXPECT_LT(arrived, 1'600u);
}

TEST(Network, DoublesWhatTheLinkDoubles) {
  Stations net;
  net.add();
  net.add(with({.duplicate = 1}));
  net.send(0, mac_of(1), "twice");
  EXPECT_THAT(texts(net.all_for(1)), ElementsAre("twice", "twice"));
}

TEST(Network, DamagesOneBit) {
  Stations net;
  net::SimPort& sender = net.add();
  net::SimPort& receiver = net.add(with({.corrupt = 1}));
  // To all, so that damage to the address does not lead it astray before the second link.
  net::SimFrame* frame = sender.allocate();
  std::ranges::fill(frame->room, std::byte{0xff});
  sender.set_length(frame, 100);
  sender.transmit(std::span(&frame, 1), net.now);
  net.network.deliver(net.network.next_arrival());
  ASSERT_EQ(receiver.receive(std::span(&frame, 1), net.now), 1u);
  int zeroes = 0;
  for (const std::byte b : receiver.bytes(frame))
    zeroes += 8 - std::popcount(std::to_integer<unsigned>(b));
  EXPECT_EQ(zeroes, 1);
  receiver.release(frame);
}

TEST(Network, LetsFramesOvertakeEachOtherWithJitter) {
  Stations net;
  net.add();
  net.add(with({.jitter = 1_ms}));
  for (char c = 'a'; c <= 'z'; ++c) net.send(0, mac_of(1), std::string(1, c));
  const auto arrived = texts(net.all_for(1));
  ASSERT_THAT(arrived, SizeIs(26));
  EXPECT_FALSE(std::ranges::is_sorted(arrived));
}

TEST(Network, BringsACopyOfAStrayFrameSecondsLater) {
  Stations net;
  net.add();
  WireSettings link;
  link.stray = 1;
  link.stray_min = 2_s;
  link.stray_max = 10_s;
  net.add(link);
  const Instant sent = net.now;
  for (int i = 0; i < 100; ++i) net.send(0, mac_of(1), "x");
  const auto arrived = net.all_for(1);
  ASSERT_THAT(arrived, SizeIs(200));
  EXPECT_LT(arrived[99].at, sent + 1_ms);
  EXPECT_GE(arrived[100].at, sent + 2_s);
  EXPECT_LE(arrived[199].at, sent + 10_s + 1_us);
  EXPECT_GT(arrived[199].at, arrived[100].at + 4_s) << "spread over the whole range";
  EXPECT_EQ(net.network.counts(net.ports[1]).strayed, 100u);
}

TEST(Network, SparesArpUnlessToldOtherwise) {
  for (const bool spares : {true, false}) {
    Stations net;
    net.add();
    WireSettings link = with({.loss = 1});
    link.spares_arp = spares;
    net.add(link);
    net.send(0, wire::kBroadcastMac, "who has", wire::ethertype::arp);
    EXPECT_THAT(net.all_for(1), SizeIs(spares ? 1 : 0));
  }
}

std::vector<Arrived> weather(std::uint64_t seed) {
  Stations net(seed);
  net.add();
  WireSettings link = with({.loss = 0.1, .duplicate = 0.1, .reorder = 0.1, .jitter = 2_ms});
  link.stray = 0.1;
  net.add(link);
  for (char c = 'a'; c <= 'z'; ++c) net.send(0, mac_of(1), std::string(1, c));
  return net.all_for(1);
}

TEST(Network, IsTheSameForTheSameSeed) {
  EXPECT_EQ(weather(7), weather(7));
  EXPECT_NE(weather(7), weather(8));
}

TEST(Network, HasOnlySoManyFrames) {
  Stations net(1, 256);
  net::SimPort& port = net.add();
  net.add(with({.duplicate = 1}));
  std::vector<net::SimFrame*> taken;
  for (int i = 0; i < 255; ++i) taken.push_back(port.allocate());
  net.send(0, mac_of(1), "no room for a second one");
  EXPECT_EQ(port.allocate(), nullptr);
  EXPECT_THAT(net.all_for(1), SizeIs(1));
  for (net::SimFrame* const frame : taken) port.release(frame);
}

TEST(Network, ShowsFramesToTheTap) {
  Stations net;
  net.add();
  net.add(with({.loss = 1}));
  int sent = 0, received = 0;
  net.ports[0].set_tap([&](std::span<const std::byte> frame, bool out, Instant) {
    EXPECT_EQ(frame.size(), wire::kEthernetHeaderSize + 1);
    ++(out ? sent : received);
  });
  net.send(0, mac_of(1), "x");
  net.send(1, mac_of(0), "y");
  net.all_for(0);
  EXPECT_EQ(sent, 1) << "although it was lost";
  EXPECT_EQ(received, 0);
}

}  // namespace
}  // namespace mayfly::testing
