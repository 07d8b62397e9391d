// A SYN that opens nothing, the ACK of it, and the RST that answers that (time_wait.refuse_syn,
// rst).
#include "time_waits_fixture.h"

namespace mayfly::testing {
namespace {

using Newcomers = TimeWaitsTest;

TEST_F(Newcomers, AreAnsweredUnlessThePolicyDropsTheirSyn) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  EXPECT_TRUE(on(1, syn(4'000)).acknowledges);
  EXPECT_EQ(on(1, syn(4'000)).drop, Drop::time_wait_syn);
  EXPECT_EQ(stats_.time_wait_syn_answered.get(), 2u);
  TimeWaitPolicy silent = policy();
  silent.rules.refuse_syn = tcp::TimeWaitRules::RefuseSyn::drop;
  held_->follow(silent, now_);
  EXPECT_FALSE(on(1, syn(4'000)).acknowledges);
  EXPECT_EQ(on(1, syn(4'000)).drop, Drop::time_wait_syn);
  EXPECT_EQ(stats_.time_wait_syn_answered.get(), 2u);
}

TEST_F(Newcomers, AreAnsweredThoughOldSegmentsHaveUsedTheirLimitUp) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  const Segment old = segment(wire::tcp_flag::ack, 100);
  for (int i = 0; i < 1'000; ++i) on(1, old);
  ASSERT_FALSE(on(1, old).acknowledges);
  EXPECT_TRUE(on(1, syn(4'000)).acknowledges);
}

TEST_F(Newcomers, AreAnsweredAtALimitedRate) {  // RFC 5961 7
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  std::uint64_t answered = 0;
  for (int i = 0; i < 40'000; ++i) answered += on(1, syn(4'000)).acknowledges ? 1 : 0;
  EXPECT_GE(answered, 10'000u);
  EXPECT_LT(answered, 30'000u);
  EXPECT_EQ(stats_.time_wait_syn_answered.get(), answered);
  EXPECT_EQ(stats_.challenges_limited.get(), 40'000 - answered);
}

TEST_F(Newcomers, EndTimeWaitByTheirReset) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  ASSERT_TRUE(on(1, syn(4'000)).acknowledges);
  after(1'990_ms);
  EXPECT_EQ(on(1, segment(wire::tcp_flag::rst, 5'000)).drop, Drop::none);
  EXPECT_EQ(stats_.time_wait_killed.get(), 1u);
  EXPECT_EQ(stats_.time_wait_killed_after_syn.get(), 1u);
  EXPECT_EQ(stats_.time_wait_now.get(), 0u);
  EXPECT_EQ(held_->held(), 0u);
  EXPECT_TRUE(on(1, fin_again()).has_ended) << "as if there were none";
  EXPECT_TRUE(on(1, segment(wire::tcp_flag::rst, 5'000)).has_ended);
  EXPECT_TRUE(on(1, segment(wire::tcp_flag::syn | wire::tcp_flag::ack, 9'000)).has_ended);
  EXPECT_TRUE(on(1, syn(4'000)).reopens);
}

TEST_F(Newcomers, AreNotSeenInAResetThatAnswersNoSynOfTheLastTwoSeconds) {  // RFC 1337 F1
  hold_by(policy(60_s));
  ASSERT_TRUE(enter(1));
  const Segment rst = segment(wire::tcp_flag::rst, 5'000);
  EXPECT_EQ(on(1, rst).drop, Drop::time_wait_rst) << "no SYN came";
  on(1, segment(wire::tcp_flag::ack, 100));
  EXPECT_EQ(on(1, rst).drop, Drop::time_wait_rst) << "an ACK was sent, but to no SYN";
  on(1, segment(wire::tcp_flag::syn | wire::tcp_flag::ack, 100));
  EXPECT_EQ(on(1, rst).drop, Drop::time_wait_rst) << "a SYN-ACK is no newcomer's";
  ASSERT_TRUE(on(1, syn(4'000)).acknowledges);
  for (const std::uint32_t seq : {4'999u, 5'001u})
    EXPECT_EQ(on(1, segment(wire::tcp_flag::rst, seq)).drop, Drop::time_wait_rst) << seq;
  after(2'010_ms);
  EXPECT_EQ(on(1, rst).drop, Drop::time_wait_rst) << "too late";
  EXPECT_EQ(stats_.time_wait_killed.get(), 0u);
  EXPECT_EQ(stats_.time_wait_now.get(), 1u);
}

TEST_F(Newcomers, MayTrySeveralTimes) {
  hold_by(policy(60_s));
  ASSERT_TRUE(enter(1));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(on(1, syn(4'000)).acknowledges);
    after(1_s);
  }
  EXPECT_EQ(on(1, segment(wire::tcp_flag::rst, 5'000)).drop, Drop::none);
}

// The time of it is kept modulo 17 minutes, and no hold is as long.
TEST_F(Newcomers, OfLongAgoAreNeverTakenForRecentOnes) {
  hold_by(policy(600_s));
  ASSERT_TRUE(enter(1));
  ASSERT_TRUE(on(1, syn(4'000)).acknowledges);
  after(3_s);
  while (find(1) != kNoIndex) {
    ASSERT_EQ(on(1, segment(wire::tcp_flag::rst, 5'000)).drop, Drop::time_wait_rst);
    after(1_s);
  }
  EXPECT_EQ(stats_.time_wait_expired.get(), 1u);
}

TEST_F(Newcomers, AreNotWaitedForWhereNobodyListens) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  listening_ = false;
  for (const std::uint32_t seq : {4'000u, 6'000u}) {
    const TimeWaits::Answer answer = on(1, syn(seq));
    EXPECT_TRUE(answer.acknowledges) << seq;
    EXPECT_FALSE(answer.reopens) << seq;
    EXPECT_EQ(on(1, segment(wire::tcp_flag::rst, 5'000)).drop, Drop::time_wait_rst) << seq;
  }
}

TEST_F(Newcomers, BeginFarFromTheOldNumbers) {
  hold_by(policy());
  ASSERT_TRUE(enter(1));
  on(1, syn(4'000));
  on(1, segment(wire::tcp_flag::rst, 5'000));
  const std::uint32_t index = find(1);
  ASSERT_NE(index, kNoIndex);
  const std::int32_t ahead = held_->iss_after(index, Seq{2'000}) - Seq{1'000};
  EXPECT_GT(ahead, 1 << 30);
  held_->begin_trial(index, false, now_);
  EXPECT_EQ(stats_.time_wait_reopened_sequence.get(), 0u) << "it ended before";
  held_->forget(key(1), secret_.hash(key(1)));
  EXPECT_EQ(held_->used(), 0u);
  EXPECT_EQ(held_->held(), 0u);
}

// An old duplicate SYN whose sender is CLOSED: its ACK draws just the RST that ends the entry.
TEST_F(Newcomers, ThatWereOldSynsGiveTheEntryBackWhenTheNextOldSynComes) {
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  on(1, syn(4'000));
  on(1, segment(wire::tcp_flag::rst, 5'000));
  ASSERT_TRUE(on(1, syn(4'000)).reopens);
  const std::uint32_t index = find(1);
  held_->begin_trial(index, false, now_);
  held_->restore(key(1), secret_.hash(key(1)), true, now_);
  EXPECT_EQ(held_->held(), 1u);
  EXPECT_EQ(stats_.time_wait_now.get(), 1u);
  EXPECT_TRUE(on(1, fin_again()).acknowledges);
  EXPECT_EQ(on(1, segment(wire::tcp_flag::rst, 5'000)).drop, Drop::time_wait_rst)
      << "the answer of an earlier hold does not count";
  after(2'010_ms);
  EXPECT_EQ(stats_.time_wait_restored.get(), 1u);
  EXPECT_EQ(stats_.time_wait_expired.get(), 1u);
  EXPECT_EQ(held_->used(), 0u);
}

TEST_F(Newcomers, WhoMeetAnOldSynOnTrialNeedToResetOnlyOnce) {
  struct Case {
    bool rival, by_reset;
    Duration later;
    bool ends;
  };
  for (const Case c : {Case{true, true, 1_s, true}, Case{true, true, 2'001_ms, false},
                       Case{true, false, 1_s, false}, Case{false, true, 1_s, false}}) {
    hold_by(policy());
    ASSERT_TRUE(enter(1));
    on(1, syn(4'000));  // an answer before the trial does not count
    ASSERT_TRUE(on(1, syn(6'000)).reopens);
    const std::uint32_t index = find(1);
    held_->begin_trial(index, false, now_);
    if (c.rival) held_->note_rival(key(1), secret_.hash(key(1)), now_);
    now_ = now_ + c.later;
    held_->restore(key(1), secret_.hash(key(1)), c.by_reset, now_);
    EXPECT_EQ(held_->held(), c.ends ? 0u : 1u);
    EXPECT_EQ(on(1, syn(4'000)).reopens, c.ends);
  }
}

TEST_F(Newcomers, ThatNeverComeLeaveNothingAfterTheHold) {
  hold_by(policy(2_s));
  ASSERT_TRUE(enter(1));
  ASSERT_TRUE(enter(2));
  on(1, syn(4'000));
  on(1, segment(wire::tcp_flag::rst, 5'000));
  EXPECT_EQ(held_->used(), 2u);
  EXPECT_EQ(held_->held(), 1u);
  after(2'010_ms);
  EXPECT_EQ(held_->used(), 0u);
  EXPECT_EQ(held_->held(), 0u);
  EXPECT_EQ(stats_.time_wait_expired.get(), 1u);
}

TEST_F(Newcomers, ThatHaveEndedAnEntryLeaveItInNobodysWay) {
  TimeWaitPolicy p = policy();
  p.capacity = 1;
  hold_by(p);
  ASSERT_TRUE(enter(1, true));
  on(1, syn(4'000));
  on(1, segment(wire::tcp_flag::rst, 5'000));
  EXPECT_TRUE(held_->may_reuse(find(1), false, now_)) << "our own open need not wait";
  ASSERT_TRUE(enter(2));
  EXPECT_EQ(find(1), kNoIndex);
  EXPECT_EQ(stats_.time_wait_evicted.get(), 0u);
  EXPECT_EQ(stats_.time_wait_now.get(), 1u);
}

}  // namespace
}  // namespace mayfly::testing
