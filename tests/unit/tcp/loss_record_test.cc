// The record that a connection is lent while something is lost, and doing without it.
#include <gtest/gtest.h>

#include "support/tcp_bench.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/invariants.h"

namespace mayfly::testing {
namespace {

Tcp with_sack() {
  Tcp t = Tcp::established();
  t.c.set(tcp::conn_flag::sack);
  t.c.loss = nullptr;
  return t;
}

TEST(LossRecord, IsWantedForSackBlocksAndDuplicateAcks) {
  Tcp t = with_sack();
  EXPECT_FALSE(wants_record_to_hear(t.c, 0));
  EXPECT_TRUE(wants_record_to_hear(t.c, 1));
  t.c.dup_acks = 1;
  EXPECT_TRUE(wants_record_to_hear(t.c, 0));
  t.c.clear(tcp::conn_flag::sack);
  EXPECT_FALSE(wants_record_to_hear(t.c, 1)) << "the peer has not agreed to SACK";
  t.c.set(tcp::conn_flag::sack);
  lend_record(t.c, t.c.record);
  EXPECT_FALSE(wants_record_to_hear(t.c, 1)) << "it has one";
}

TEST(LossRecord, IsWantedForAThirdTimeOfSendingAndForWhatIsSentAgain) {
  Tcp t = with_sack();
  queue_text(t.c, 1);
  EXPECT_FALSE(wants_record_to_send(t.c)) << "nothing is under way";
  t.c.sent_count = 1;
  EXPECT_FALSE(wants_record_to_send(t.c));
  EXPECT_FALSE(wants_record_for_timer(t.c, t.now)) << "no timer is due";
  t.c.retransmit_at = t.now;
  EXPECT_TRUE(wants_record_for_timer(t.c, t.now));
  t.c.set(tcp::conn_flag::rto_recovery);
  EXPECT_TRUE(wants_record_to_send(t.c));
  t.c.clear(tcp::conn_flag::rto_recovery);
  t.c.sent_count = 2;
  EXPECT_TRUE(wants_record_to_send(t.c));
  t.c.snd_nxt = t.c.snd_end;
  EXPECT_FALSE(wants_record_to_send(t.c)) << "nothing is left to send";
}

TEST(LossRecord, TakesTheRunsOverAndGivesThemBack) {
  Tcp t = with_sack();
  t.c.sent_count = 2;
  t.c.sent_few = {{{t.c.snd_una + 10, 4, 8}, {t.c.snd_una + 20, 12, 16}}};
  const auto few = t.c.sent_few;
  lend_record(t.c, t.c.record);
  EXPECT_EQ(sent_runs(t.c)[1], few[1]);
  t.c.sent_few = {};
  EXPECT_TRUE(is_record_idle(t.c));
  EXPECT_EQ(&take_record_back(t.c), &t.c.record);
  EXPECT_EQ(t.c.sent_few, few);
  EXPECT_EQ(t.c.sent_count, 2);
}

TEST(LossRecord, IsNotIdleWhileItKnowsWhatTheConnectionNeeds) {
  Tcp t = with_sack();
  lend_record(t.c, t.c.record);
  EXPECT_TRUE(is_record_idle(t.c));
  t.c.record.held.count = 1;
  EXPECT_FALSE(is_record_idle(t.c));
  t.c.record.held.count = 0;
  t.c.record.sacked.count = 1;
  EXPECT_FALSE(is_record_idle(t.c));
  t.c.record.sacked.count = 0;
  t.c.sent_count = 3;
  EXPECT_FALSE(is_record_idle(t.c));
  t.c.sent_count = 0;
  t.c.set(tcp::conn_flag::recovery);
  EXPECT_FALSE(is_record_idle(t.c));
  t.c.clear(tcp::conn_flag::recovery);
  t.c.record.undo.armed = true;
  EXPECT_FALSE(is_record_idle(t.c)) << "a D-SACK may still come";
}

TEST(LossRecord, IsDispensableWithARepairedLossOrTextOutOfOrderButNotWithWhatThePeerHasSacked) {
  Tcp t = with_sack();
  lend_record(t.c, t.c.record);
  t.c.record.held.count = 1;
  EXPECT_TRUE(is_record_dispensable(t.c));
  EXPECT_DEATH(take_record_back(t.c), "a bug") << "the text has to be forgotten first";
  forget_held_text(t.c);
  t.c.record.sacked.count = 1;
  EXPECT_FALSE(is_record_dispensable(t.c));
  EXPECT_DEATH(take_record_back(t.c), "a bug");
  t.c.record.sacked.count = 0;
  t.c.set(tcp::conn_flag::recovery);
  EXPECT_FALSE(is_record_dispensable(t.c));
  t.c.clear(tcp::conn_flag::recovery);
  t.c.record.undo.armed = true;
  EXPECT_TRUE(is_record_dispensable(t.c));
  EXPECT_EQ(&take_record_back(t.c), &t.c.record);
}

TEST(LossRecord, TextOutOfOrderIsNotKeptWithoutOne) {
  Tcp t = with_sack();
  EXPECT_FALSE(hold_text(t.c, t.c.rcv_nxt + 100, 50));
  EXPECT_TRUE(t.c.has(tcp::conn_flag::ack_now)) << "the gap is told all the same";
  EXPECT_EQ(held_count(t.c), 0);
  forget_held_text(t.c);
}

TEST(LossRecord, SackBlocksTellNothingWithoutOneAndThreeDuplicatesDo) {
  Tcp t = with_sack();
  queue_text(t.c, 5'000);
  t.drain();
  t.whatever();
  const Seq first = t.c.snd_una;
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(0).sack(1'000, 2'000));
  EXPECT_EQ(tcp::broken_invariant(t.c), "");
  EXPECT_TRUE(t.c.has(tcp::conn_flag::recovery)) << "RFC 6582";
  EXPECT_FALSE(t.c.has(tcp::conn_flag::sack_recovery));
  bool again = false;
  for (const Emission& e : t.out) again |= e.seq == first && e.payload_len > 0;
  EXPECT_TRUE(again) << "the first segment is sent again";
  t.peer(ack().acks(5'000));
  EXPECT_EQ(t.c.sent_count, 0);
  EXPECT_EQ(tcp::broken_invariant(t.c), "");
}

TEST(LossRecord, ThatComesInTheMidstOfARecoveryServesForTheRestOfIt) {
  Tcp t = with_sack();
  queue_text(t.c, 5'000);
  t.drain();
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(0).sack(1'000, 2'000));
  ASSERT_TRUE(t.c.has(tcp::conn_flag::recovery));
  const std::uint32_t cwnd = t.c.cwnd;
  ASSERT_TRUE(wants_record_to_hear(t.c, 1));
  lend_record(t.c, t.c.record);
  t.peer(ack().acks(0).sack(1'000, 3'000));
  EXPECT_TRUE(t.c.has(tcp::conn_flag::sack_recovery));
  EXPECT_LE(t.c.cwnd, cwnd) << "RFC 6937: no burst";
  EXPECT_EQ(tcp::broken_invariant(t.c), "");
  t.peer(ack().acks(5'000));
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
  EXPECT_TRUE(is_record_idle(t.c));
}

}  // namespace
}  // namespace mayfly::testing
