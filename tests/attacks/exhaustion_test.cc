// Tables filled on purpose: TIME_WAIT, half-open connections, the flow table's buckets.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "base/prng.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

using OnFull = flow::TimeWaitPolicy::OnFull;

/// A connection that the shard closes first, up to its TIME_WAIT.
void pass_by(Wire& wire, std::uint16_t port) {
  Peer peer(wire, port);
  peer.opens();
  if (wire.app.opened == 0) return;
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.ignores().sends(fin()).ignores();
}

Given small_time_wait(OnFull on_full) {
  Given given = with({.hold = 60_s, .capacity = 50, .on_full = on_full});
  given.config.sizes.time_wait = 50;
  return given;
}

TEST(TimeWaitFlood, PushesOutTheOldestEntriesAndKeepsNobodyOut) {
  Wire wire(small_time_wait(OnFull::evict_oldest));
  for (std::uint16_t i = 0; i < 500; ++i) pass_by(wire, static_cast<std::uint16_t>(10'000 + i));
  EXPECT_EQ(wire.app.opened, 500u);
  EXPECT_EQ(wire.stats().time_wait_evicted.get(), 450u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 50u);
}

TEST(TimeWaitFlood, CostsLaterConnectionsTheirTimeWaitWhereThePolicyClosesThem) {
  Wire wire(small_time_wait(OnFull::close));
  for (std::uint16_t i = 0; i < 500; ++i) pass_by(wire, static_cast<std::uint16_t>(10'000 + i));
  EXPECT_EQ(wire.app.opened, 500u);
  EXPECT_EQ(wire.stats().time_wait_skipped.get(), 450u);
}

TEST(TimeWaitFlood, KeepsVisitorsOutWhereThePolicyRefusesThem) {  // the price of the strict policy
  Wire wire(small_time_wait(OnFull::refuse));
  for (std::uint16_t i = 0; i < 50; ++i) pass_by(wire, static_cast<std::uint16_t>(10'000 + i));
  Peer late(wire, 30'000);
  late.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_full), 1u);
  wire.leap(61_s);
  wire.poll();
  late.sends(syn()).gets(syn_ack());
}

TEST(HalfOpenFlood, LeavesRoomForVisitorsOfTheSameBurst) {
  Given given;
  given.settings.syn.half_open = 25;
  Wire wire(given);
  std::deque<Peer> strangers;
  for (std::uint16_t i = 0; i < 99; ++i)
    strangers.emplace_back(wire, static_cast<std::uint16_t>(20'000 + i)).puts(syn());
  wire.poll().poll().poll().poll();
  EXPECT_EQ(wire.shard->open_connections(), 25u);
  EXPECT_EQ(wire.stats().syn_cookies_sent.get(), 74u);
  Peer visitor(wire);
  visitor.opens().sends(text("hello"));
  EXPECT_EQ(wire.app.heard, "hello");
  for (Peer& stranger : strangers) stranger.ignores();
}

TEST(FlowTableFlood, BeyondItsCapacityIsRefusedAndCounted) {
  Wire wire;  // 100 connections
  std::deque<Peer> peers;
  for (std::uint16_t i = 0; i < 150; ++i) {
    Peer& peer = peers.emplace_back(wire, static_cast<std::uint16_t>(20'000 + i));
    if (i < 100) {
      peer.opens();
    } else {
      peer.sends(syn());
    }
  }
  EXPECT_EQ(wire.app.opened, 100u);
  EXPECT_EQ(wire.drops(Drop::table_full), 50u);
  for (Peer& peer : peers) peer.ignores();
}

TEST(HalfOpenFlood, LeavesAQuarterOfTheBlocksAtAnyLimit) {
  Given given;
  given.settings.syn.half_open = 65'536;
  Wire wire(given);  // 100 connections
  std::deque<Peer> strangers;
  for (std::uint16_t i = 0; i < 150; ++i)
    strangers.emplace_back(wire, static_cast<std::uint16_t>(20'000 + i)).sends(syn());
  EXPECT_EQ(wire.shard->open_connections(), 75u);
  EXPECT_EQ(wire.stats().syn_cookies_sent.get(), 75u);
  EXPECT_EQ(wire.drops(Drop::table_full), 0u);
  for (Peer& stranger : strangers) stranger.ignores();
}

/// A connection that the shard closes, whose peer never says a word again.
void leave_alone(Wire& wire, std::deque<Peer>& peers) {
  Peer& peer = peers.emplace_back(wire, static_cast<std::uint16_t>(20'000 + peers.size()));
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close_both(); });
}

TEST(Orphans, BeyondTheirLimitTheOldestIsReset) {
  Given given;
  given.settings.orphans.most = 10;
  Wire wire(given);
  std::deque<Peer> peers;
  for (int i = 0; i < 30; ++i) leave_alone(wire, peers);
  EXPECT_EQ(wire.stats().orphans.get(), 0u) << "their peers may still answer in time";
  wire.after(3_s);
  EXPECT_EQ(wire.stats().orphans.get(), 10u);
  EXPECT_EQ(wire.closed(flow::CloseReason::evicted), 20u);
  for (int i = 0; i < 30; ++i) {
    const std::deque<Heard>& heard = peers[static_cast<std::size_t>(i)].inbox;
    const bool was_reset = !heard.empty() && heard.back().segment.has(wire::tcp_flag::rst);
    EXPECT_EQ(was_reset, i < 20) << i;
  }
  for (Peer& peer : peers) peer.ignores();
}

TEST(Orphans, HoldNoBlockForMinutes) {
  Wire wire;
  std::deque<Peer> peers;
  leave_alone(wire, peers);
  wire.after(120_s);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.closed(flow::CloseReason::timed_out), 1u);
  peers.front().ignores();
}

TEST(Orphans, GiveWayToANewcomerWhenNoBlockIsLeft) {
  Wire wire;  // 100 connections
  std::deque<Peer> peers;
  for (int i = 0; i < 100; ++i) leave_alone(wire, peers);
  wire.after(3_s);
  EXPECT_EQ(wire.stats().orphans.get(), 100u);
  Peer visitor(wire, 30'000);
  visitor.sends(syn()).gets_nothing();  // the evicted block is free after this poll
  visitor.sends(syn()).gets(syn_ack());
  EXPECT_GE(wire.closed(flow::CloseReason::evicted), 1u);
  for (Peer& peer : peers) peer.ignores();
}

TEST(Orphans, AreNotThoseWhosePeerStillTakesText) {
  Given given;
  given.settings.orphans.most = 1;
  Wire wire(given);
  std::deque<Peer> peers;
  for (int i = 0; i < 3; ++i) leave_alone(wire, peers);
  wire.after(1_s);
  EXPECT_EQ(wire.closed(flow::CloseReason::evicted), 2u);
  EXPECT_EQ(wire.stats().orphans.get(), 1u);
  peers[2].ignores().sends(ack());  // of the FIN: on to FIN_WAIT_2
  EXPECT_EQ(wire.stats().orphans.get(), 0u);
  for (Peer& peer : peers) peer.ignores();
}

TEST(CollidingFlows, OfOneSecretDoNotCollideUnderAnother) {
  const auto table_with = [](const std::string& name, const tcp::Secret& secret) {
    return std::move(
        *flow::FlowTable::create(name, 1'000, flow::FlowSecret(secret), HugePages::never));
  };
  const flow::FlowTable known = table_with("collide1", {1, 2}),
                        real = table_with("collide2", {3, 4});
  constexpr std::uint32_t kBuckets = 256, kWanted = 100;
  constexpr std::uint64_t kSeed = 5;
  Prng random(kSeed);
  std::set<std::uint32_t> buckets;
  for (std::uint32_t found = 0; found < kWanted;) {
    const auto drawn = static_cast<std::uint32_t>(random.next());
    const FlowKey4 key =
        FlowKey4::of({0x0a00'0000 | drawn >> 8}, static_cast<std::uint16_t>(drawn), kServerIp, 80);
    if (known.hash(key) % kBuckets != 0) continue;
    ++found;
    buckets.insert(real.hash(key) % kBuckets);
  }
  EXPECT_GT(buckets.size(), 60u) << "100 keys thrown into 256 buckets hit 83; seed " << kSeed;
}

}  // namespace
}  // namespace mayfly::testing
