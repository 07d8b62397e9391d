// The TIME_WAIT policies acted out by a shard: holds by nearness, by RTO and by balance, changes
// while entries are held, the hand-over, and the counters of harm.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

using OnFull = flow::TimeWaitPolicy::OnFull;
using OnRst = tcp::TimeWaitRules::OnRst;

class Policy : public ::testing::Test {
 protected:
  static void into_time_wait(Wire& wire, Peer& peer, const Said& offer = syn()) {
    peer.opens(offer);
    wire.app_does([](ScriptConn& c) { c.close(); });
    peer.ignores().sends(fin()).ignores();
  }
  /// The peer closes first; the shard's FIN waits for its last ACK.
  static void into_last_ack(Wire& wire, Peer& peer) {
    peer.opens();
    peer.sends(fin());
    wire.app_does([](ScriptConn& c) { c.close(); });
    peer.ignores();
  }
  /// Another policy, from the next burst on.
  void change(Wire& wire, const flow::TimeWaitPolicy& policy) {
    later_ = wire.settings;
    later_.time_wait = policy;
    wire.use(later_);
    wire.poll();
  }
  shard::ShardSettings later_;
};

TEST_F(Policy, AShorterHoldAppliesToEntriesThatAreHeldAlready) {
  Wire wire(with({.hold = 60_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  wire.after(3_s);
  change(wire, {.hold = 5_s});
  wire.after(1'900_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u) << "5 s from when it was entered, not from now";
  wire.after(150_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.stats().time_wait_shortened.get(), 1u);
  EXPECT_EQ(wire.stats().time_wait_expired.get(), 1u);
}

TEST_F(Policy, ALongerHoldAppliesToEntriesThatAreHeldAlready) {
  Wire wire(with({.hold = 2_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  change(wire, {.hold = 60_s});
  wire.after(59_s);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  wire.after(1_s);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(Policy, AHoldOfNothingEndsAllThatIsHeld) {
  Wire wire(with({.hold = 60_s}));
  Peer a(wire, 40'001), b(wire, 40'002);
  into_time_wait(wire, a);
  into_time_wait(wire, b);
  change(wire, {.hold = 0_s});
  wire.after(5_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(Policy, WhatASegmentMeansFollowsThePolicyOfTheMoment) {
  Wire wire(with({.rules = {.rst = OnRst::ignore}}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.sends(rst());
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  change(wire, {.rules = {.rst = OnRst::accept}});
  peer.sends(rst());
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(Policy, RefusesAConnectionThatTheOpenOnesLeaveNoEntryFor) {
  Wire wire(with({.capacity = 2, .on_full = OnFull::refuse}));
  Peer a(wire, 40'001), b(wire, 40'002), c(wire, 40'003);
  into_time_wait(wire, a);
  b.opens();
  c.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_full), 1u);
  wire.app_does([](ScriptConn& conn) { conn.close(); });
  b.ignores().sends(fin());
  EXPECT_EQ(wire.shard->time_wait_entries(), 2u) << "nobody had to go without";
  EXPECT_EQ(wire.stats().time_wait_skipped.get(), 0u);
}

TEST_F(Policy, RefusesToConnectWhereNoEntryWouldBeLeft) {
  Wire wire(with({.capacity = 1, .on_full = OnFull::refuse}));
  Peer a(wire, 40'001);
  into_time_wait(wire, a);
  const auto key = FlowKey4::of(kServerIp, 50'000, kPeerIp, 80);
  EXPECT_EQ(connect(*wire.shard, key, {}).error, shard::ConnectError::time_wait_full);
}

TEST_F(Policy, HoldsByNearnessOfThePeer) {
  const auto network = [](Ipv4Address address, std::uint8_t length) {
    const Prefix four = Prefix::of(address, length);
    return is_ipv6_run() ? Prefix{six_of(address), four.length} : four;
  };
  const flow::NearPrefix other{network({kPeerIp.host + 1}, 32), 1_s};
  const flow::NearPrefix host{network(kPeerIp, 32), 2_s};
  const flow::NearPrefix link{network({0xc612'0000}, 15), 10_s};
  struct Case {
    std::vector<flow::NearPrefix> nearness;
    Duration hold;
  };
  for (const Case& c :
       {Case{{other, host, link}, 2_s}, {{other, link, host}, 10_s}, {{other}, 60_s}}) {
    flow::TimeWaitPolicy policy{.hold = 60_s};
    policy.nearness = c.nearness;
    Wire wire(with(policy));
    Peer peer(wire);
    into_time_wait(wire, peer);
    wire.after(c.hold - 10_ms);
    EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
    wire.after(20_ms);
    EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  }
}

TEST_F(Policy, TellsHowOldAnEntryWasThatItEvicted) {
  Wire wire(with({.capacity = 1}));
  Peer a(wire, 40'001), b(wire, 40'002);
  into_time_wait(wire, a);
  wire.after(700_ms);
  into_time_wait(wire, b);
  EXPECT_EQ(wire.stats().time_wait_evicted.get(), 1u);
  EXPECT_EQ(wire.stats().time_wait_evicted_age[10].get(), 1u) << "512 to 1,023 ms";
}

// -- time_wait.recycle, as in Linux until 4.12

TEST_F(Policy, RecycleHoldsForThreeAndAHalfRetransmissionTimeouts) {
  Given given = with({.hold = 60_s, .recycle = true});
  given.settings.tcp.timestamps = true;
  given.settings.tcp.rto_min = 200_ms;
  Wire wire(given);
  Peer peer(wire);
  peer.clock = 1'000;
  into_time_wait(wire, peer);
  ASSERT_EQ(wire.shard->time_wait_entries(), 1u);
  wire.after(650_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  wire.after(3'000_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(Policy, RecycleKeepsTheWholeHoldWithoutTimestamps) {
  Wire wire(with({.hold = 60_s, .recycle = true}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  wire.after(10_s);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(Policy, RecycleDropsTheSynOfAnotherHostBehindTheSameNat) {
  Given given = with({.hold = 60_s, .recycle = true});
  given.settings.tcp.timestamps = true;
  Wire wire(given);
  Peer fast(wire, 40'001), slow(wire, 40'002), fresh(wire, 40'003);
  fast.clock = 900'000;
  slow.clock = 5'000;  // another machine, booted later, with the same address
  fresh.clock = 900'500;
  into_time_wait(wire, fast);
  slow.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_recycle), 1u);
  fresh.sends(syn()).gets(syn_ack());
}

TEST_F(Policy, WithoutRecycleAHostBehindTheSameNatIsServed) {
  Given given = with({.hold = 60_s});
  given.settings.tcp.timestamps = true;
  Wire wire(given);
  Peer fast(wire, 40'001), slow(wire, 40'002);
  fast.clock = 900'000;
  slow.clock = 5'000;
  into_time_wait(wire, fast);
  slow.sends(syn()).gets(syn_ack());
}

// -- time_wait.hand_over, after Faber, Touch and Yue

TEST_F(Policy, HandOverTakesTheTimeWaitAndFreesThePeersEntryWithAReset) {
  Wire wire(with({.hold = 2_s, .hand_over = true}));
  Peer peer(wire);
  into_last_ack(wire, peer);
  peer.sends(ack()).gets(rst().at(1));  // exactly SND.NXT
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  EXPECT_EQ(wire.stats().time_wait_taken_over.get(), 1u);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::time_wait});
  wire.after(2'100_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(Policy, WithoutHandOverTheEndInLastAckIsJustClosed) {
  Wire wire;
  Peer peer(wire);
  into_last_ack(wire, peer);
  peer.sends(ack()).gets_nothing();
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::done});
}

TEST_F(Policy, HandOverSendsNoResetWhereItCannotHoldTheEntryItself) {
  Wire wire(with({.hold = 60_s, .capacity = 1, .on_full = OnFull::close, .hand_over = true}));
  Peer a(wire, 40'001), b(wire, 40'002);
  into_last_ack(wire, a);
  a.sends(ack()).gets(rst());
  into_last_ack(wire, b);
  b.sends(ack()).gets_nothing();
}

// -- the harm that is counted

TEST_F(Policy, CountsAResetThatAnsweredAFinNobodyRemembers) {  // RFC 9293 3.6.1, reason 1
  Wire wire(with({.hold = 0_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.sends(fin().at(0)).gets(rst());
  EXPECT_EQ(wire.stats().rst_to_last_ack.get(), 1u);
}

TEST_F(Policy, CountsAResetThatCameInLastAck) {
  Wire wire;
  Peer peer(wire);
  into_last_ack(wire, peer);
  peer.sends(rst());
  EXPECT_EQ(wire.stats().reset_in_last_ack.get(), 1u);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::reset});
}

// -- time_wait.balance

TEST_F(Policy, BalanceHoldsAsLongAsTheTableCanAfford) {
  flow::TimeWaitPolicy policy{.hold = 60_s, .capacity = 100, .on_full = OnFull::refuse};
  policy.balance = true;
  policy.floor = 10_ms;
  Wire wire(with(policy));
  std::uint16_t port = 1'024;
  for (int i = 0; i < 400; ++i) {  // about 160 a second
    Peer peer(wire, port++);
    into_time_wait(wire, peer);
    wire.after(3_ms);
  }
  EXPECT_EQ(wire.drops(Drop::time_wait_full), 0u);
  EXPECT_LT(wire.stats().time_wait_hold_us.get(), 1'500'000u);
  EXPECT_GT(wire.shard->time_wait_entries(), 50u) << "it holds what it can";
}

TEST_F(Policy, WithoutBalanceTheSameLoadIsRefused) {
  Wire wire(with({.hold = 60_s, .capacity = 100, .on_full = OnFull::refuse}));
  std::uint16_t port = 1'024;
  for (int i = 0; i < 101; ++i) {
    Peer peer(wire, port++);
    i < 100 ? into_time_wait(wire, peer) : void(peer.sends(syn()).gets_nothing());
  }
  EXPECT_EQ(wire.drops(Drop::time_wait_full), 1u);
}

}  // namespace
}  // namespace mayfly::testing
