// Everything that happens to a TIME_WAIT, without a Shard.
#include "flow/time_waits.h"

#include "time_waits_fixture.h"

namespace mayfly::testing {
namespace {

TEST_F(TimeWaitsTest, WhoseTimestampsVanishedAreNeitherReusedNorRecycledByThem) {
  TimeWaitPolicy p = policy();
  p.reuse = 1;
  p.reuse_delay = 0_s;
  p.recycle = true;
  hold_by(p);
  tcp::Connection c = closed(true);
  c.set(tcp::conn_flag::paws_off);
  ASSERT_TRUE(held_->enter(key(1), secret_.hash(key(1)), c, now_));
  EXPECT_FALSE(held_->may_reuse(find(1), true, now_));
  after(1'900_ms);
  EXPECT_NE(find(1), kNoIndex) << "3.5 x RTO would be 0.7 s";
  ASSERT_TRUE(enter(2, true));
  EXPECT_TRUE(held_->may_reuse(find(2), true, now_));
}

TEST_F(TimeWaitsTest, AreHeldForTheirHoldAndNoLonger) {
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  after(1'990_ms);
  EXPECT_NE(find(1), kNoIndex);
  after(20_ms);
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_opened.get(), 1u);
  EXPECT_EQ(stats_.time_wait_expired.get(), 1u);
  EXPECT_EQ(stats_.time_wait_now.get(), 0u);
  EXPECT_EQ(stats_.time_wait_peak.get(), 1u);
}

TEST_F(TimeWaitsTest, AreSkippedWithoutAHold) {
  hold_by(policy(0_s));
  EXPECT_FALSE(enter(1));
  EXPECT_EQ(held_->used(), 0u);
  EXPECT_EQ(stats_.time_wait_skipped.get(), 1u);
}

TEST_F(TimeWaitsTest, EvictTheOldestWhenFull) {
  TimeWaitPolicy p = policy();
  p.capacity = 2;
  hold_by(p);
  for (std::uint32_t n = 0; n < 3; ++n) {
    ASSERT_TRUE(enter(n));
    after(10_ms);
  }
  EXPECT_EQ(find(0), kNoIndex);
  EXPECT_NE(find(1), kNoIndex);
  EXPECT_NE(find(2), kNoIndex);
  EXPECT_EQ(stats_.time_wait_evicted.get(), 1u);
}

TEST_F(TimeWaitsTest, CloseWithoutAnEntryWhenFullIfThePolicySaysSo) {
  TimeWaitPolicy p = policy();
  p.capacity = 1;
  p.on_full = TimeWaitPolicy::OnFull::close;
  hold_by(p);
  EXPECT_TRUE(enter(0));
  EXPECT_FALSE(enter(1));
  EXPECT_NE(find(0), kNoIndex);
  EXPECT_EQ(stats_.time_wait_skipped.get(), 1u);
}

TEST_F(TimeWaitsTest, CountOpenConnectionsAsEntriesToComeIfThePolicyRefuses) {
  TimeWaitPolicy p = policy();
  p.capacity = 3;
  p.on_full = TimeWaitPolicy::OnFull::refuse;
  hold_by(p);
  ASSERT_TRUE(enter(0));
  EXPECT_FALSE(held_->would_overfill(1));
  EXPECT_TRUE(held_->would_overfill(2));
  p.on_full = TimeWaitPolicy::OnFull::evict_oldest;
  held_->follow(p, now_);
  EXPECT_FALSE(held_->would_overfill(2));
}

TEST_F(TimeWaitsTest, AcknowledgeAFinThatComesAgainAndHoldAnew) {
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  after(1'500_ms);
  EXPECT_TRUE(on(1, fin_again()).acknowledges);
  const Emission ack = held_->acknowledgement(find(1), now_);
  EXPECT_EQ(ack.seq, Seq{1'000});
  EXPECT_EQ(ack.ack, Seq{5'000});
  after(1'900_ms);
  EXPECT_NE(find(1), kNoIndex);
  after(200_ms);
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_fin_again.get(), 1u);
}

TEST_F(TimeWaitsTest, AnswerOldSegmentsAtALimitedRate) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  const Segment old = segment(wire::tcp_flag::ack, 100);
  int answered = 0;
  for (int i = 0; i < 1'000; ++i) answered += on(1, old).acknowledges ? 1 : 0;
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(on(1, old).drop, Drop::time_wait_segment);
}

TEST_F(TimeWaitsTest, IgnoreARstUnlessThePolicyAcceptsIt) {  // RFC 1337 F1
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  const Segment rst = segment(wire::tcp_flag::rst, 5'000);
  EXPECT_EQ(on(1, rst).drop, Drop::time_wait_rst);
  EXPECT_NE(find(1), kNoIndex);
  TimeWaitPolicy accepting = policy();
  accepting.rules.rst = tcp::TimeWaitRules::OnRst::accept;
  held_->follow(accepting, now_);
  EXPECT_EQ(on(1, rst).drop, Drop::none);
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_killed.get(), 1u);
}

TEST_F(TimeWaitsTest, LeaveASynWithFinAlone) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  EXPECT_EQ(on(1, segment(wire::tcp_flag::syn | wire::tcp_flag::fin, 9'000)).drop,
            Drop::tcp_flags_invalid);
  EXPECT_NE(find(1), kNoIndex);
}

TEST_F(TimeWaitsTest, KeepTheEntryOnTrialUntilTheNewIncarnationStands) {  // RFC 9293 MAY-2
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  const TimeWaits::Answer answer = on(1, syn(6'000));
  ASSERT_TRUE(answer.reopens);
  EXPECT_FALSE(answer.by_timestamp);
  const std::uint32_t index = find(1);
  EXPECT_FALSE(before(held_->iss_after(index, Seq{0}), Seq{1'000}));
  held_->begin_trial(index, false, now_);
  after(5_s);
  EXPECT_NE(find(1), kNoIndex) << "its time does not run";
  held_->forget(key(1), secret_.hash(key(1)));
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_reopened_sequence.get(), 1u);
}

TEST_F(TimeWaitsTest, AreHeldAnewWhenTheSynWasAnOldDuplicate) {  // RFC 9293 MAY-2
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  const std::uint32_t index = find(1);
  held_->begin_trial(index, true, now_);
  after(1_s);
  held_->restore(key(1), secret_.hash(key(1)), false, now_);
  after(1'900_ms);
  EXPECT_NE(find(1), kNoIndex);
  after(200_ms);
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_restored.get(), 1u);
  EXPECT_EQ(stats_.time_wait_reopened_timestamp.get(), 1u);
}

TEST_F(TimeWaitsTest, AreNotRestoredUnderAPolicyWithoutHold) {
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  const std::uint32_t index = find(1);
  held_->begin_trial(index, false, now_);
  const TimeWaitPolicy none = policy(0_s);
  held_->follow(none, now_);
  held_->restore(key(1), secret_.hash(key(1)), false, now_);
  EXPECT_EQ(held_->used(), 0u);
  EXPECT_EQ(stats_.time_wait_restored.get(), 0u);
}

TEST_F(TimeWaitsTest, FollowAChangedHoldWhileTheyWait) {
  hold_by(policy(10_s));
  ASSERT_TRUE(enter(1));
  const TimeWaitPolicy longer = policy(60_s);
  held_->follow(longer, now_);
  after(59_s);
  EXPECT_NE(find(1), kNoIndex);
  after(1_s);
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_shortened.get(), 0u);
  ASSERT_TRUE(enter(2));
  const TimeWaitPolicy shorter = policy(1_s);
  held_->follow(shorter, now_);
  after(1_s);
  EXPECT_EQ(find(2), kNoIndex);
  EXPECT_EQ(stats_.time_wait_shortened.get(), 1u);
}

TEST_F(TimeWaitsTest, HoldNearPeersForTheTimeOfTheirPrefix) {
  TimeWaitPolicy p = policy(10_s);
  p.nearness = {{Prefix::of({0xc612'0000}, 15), 1_s}};
  hold_by(p);
  ASSERT_TRUE(enter(1));
  after(1'010_ms);
  EXPECT_EQ(find(1), kNoIndex);
}

TEST_F(TimeWaitsTest, RecycleAfterThreeAndAHalfTimeOutsAndRememberTheHost) {
  TimeWaitPolicy p = policy(10_s);
  p.recycle = true;
  hold_by(p);
  ASSERT_TRUE(enter(1, true));
  after(710_ms);  // 3.5 x 200 ms
  EXPECT_EQ(find(1), kNoIndex);
  Segment behind = syn(1);
  behind.options = wire::tcp_option::timestamps;
  behind.ts.val = 600;
  EXPECT_TRUE(held_->is_recycled_away(key(2), behind, now_)) << "another port of the same host";
  behind.ts.val = 800;
  EXPECT_FALSE(held_->is_recycled_away(key(2), behind, now_));
  EXPECT_TRUE(held_->is_recycled_away(key(2), syn(1), now_)) << "without any timestamp";
  after(60_s);
  EXPECT_FALSE(held_->is_recycled_away(key(2), syn(1), now_)) << "a minute later";
}

TEST_F(TimeWaitsTest, AreReusedByOurOwnOpensAfterTheDelayWithTimestamps) {
  TimeWaitPolicy p = policy(60_s);
  p.reuse = 1;
  p.reuse_delay = 1_s;
  hold_by(p);
  ASSERT_TRUE(enter(1, true));
  const auto may = [&](std::uint8_t reuse, bool timestamps = true) {
    p.reuse = reuse;
    held_->follow(p, now_);
    return held_->may_reuse(find(1), timestamps, now_);
  };
  EXPECT_FALSE(may(1)) << "too young";
  after(1_s);
  EXPECT_TRUE(may(1));
  EXPECT_FALSE(may(0));
  EXPECT_FALSE(may(1, false));
  EXPECT_FALSE(may(2)) << "not over loopback";
  held_->end_for_reuse(find(1), secret_.hash(key(1)));
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_reused.get(), 1u);
}

TEST_F(TimeWaitsTest, BalanceTheHoldWithTheRateOfCloses) {
  TimeWaitPolicy p = policy(60_s);
  p.capacity = 1'000;
  p.balance = true;
  p.floor = 100_ms;
  hold_by(p, 1'000);
  std::uint32_t n = 0;
  for (int i = 0; i < 300; ++i) {  // 1,000 a second
    for (int k = 0; k < 10; ++k) enter(n++);
    after(10_ms);
  }
  EXPECT_EQ(stats_.time_wait_evicted.get(), 0u);
  EXPECT_NEAR(static_cast<double>(stats_.time_wait_hold_us.get()), 850'000, 90'000);
}

TEST_F(TimeWaitsTest, ExpireAtMostABudgetInOnePoll) {
  constexpr std::uint32_t kMany = 3 * TimeWaits::kExpiryBudget;
  TimeWaitPolicy p = policy(1_s);
  p.capacity = kMany;
  hold_by(p, kMany);
  for (std::uint32_t n = 0; n < kMany; ++n) ASSERT_TRUE(enter(n));
  now_ = now_ + 2_s;
  held_->poll(now_);
  EXPECT_EQ(held_->used(), kMany - TimeWaits::kExpiryBudget);
  held_->poll(now_);
  held_->poll(now_);
  EXPECT_EQ(held_->used(), 0u);
}

// -- IPv6: by the fingerprint of the four-tuple

TEST_F(TimeWaitsTest, HoldsIpv6ByItsNameBesideTheSameNumbersOfIpv4) {
  hold_by(policy());
  const FlowKey6 six = FlowKey6::of(Ipv6Address::of({0x2001, 0xdb8}), 80,
                                    Ipv6Address::of({0x2001, 0xdb8, 1}), 1'025);
  const FlowKey4 name = secret_.name(six);
  FlowKey4 twin = name;  // an IPv4 four-tuple that happens to have these bits
  twin.zero = 0;
  ASSERT_TRUE(held_->enter(name, secret_.hash(name), closed(true), now_, &six));
  EXPECT_EQ(held_->find(twin, secret_.hash(twin)), kNoIndex);
  ASSERT_TRUE(held_->enter(twin, secret_.hash(twin), closed(), now_));
  const std::uint32_t entry = held_->find(name, secret_.hash(name));
  ASSERT_NE(entry, kNoIndex);
  EXPECT_NE(entry, held_->find(twin, secret_.hash(twin)));
  EXPECT_EQ(held_->log()[entry].key(), name);
  EXPECT_EQ(held_->acknowledgement(entry, now_, &six).ts.val,
            now_.ts_ms() + secret_.timestamp_offset(six));
  after(3_s);
  EXPECT_EQ(held_->used(), 0u);
}

TEST_F(TimeWaitsTest, AnIpv6PrefixHasAHoldOfItsOwnThatARepeatedFinKeeps) {
  TimeWaitPolicy near = policy(10_s);
  near.nearness = {{{Ipv6Address::of({0x2001, 0xdb8}), 32}, 1_s}};
  hold_by(near);
  const FlowKey6 six =
      FlowKey6::of(Ipv6Address::of({0xfd00}), 80, Ipv6Address::of({0x2001, 0xdb8, 1}), 1'025);
  const FlowKey4 name = secret_.name(six);
  const std::uint32_t hash = secret_.hash(name);
  ASSERT_TRUE(held_->enter(name, hash, closed(), now_, &six));
  after(900_ms);
  EXPECT_TRUE(
      held_->on_segment(held_->find(name, hash), hash, fin_again(), true, now_).acknowledges);
  after(900_ms);
  EXPECT_EQ(held_->used(), 1u);
  after(200_ms);
  EXPECT_EQ(held_->used(), 0u);
}

}  // namespace
}  // namespace mayfly::testing
