// How fast, and what when segments are lost: RFC 5681, 6582, 6675, 6928, 3042.
#include "support/tcp_bench.h"
#include "tcp/congestion.h"

namespace mayfly::test {
namespace {

TcpSettings with_sack() {
  auto cfg = plain();
  cfg.sack = true;
  return cfg;
}
Tcp sack_connection() { return Tcp::established(with_sack(), syn().mss(1'000).sack_ok()); }

TEST(InitialWindow, is_ten_segments) {
  auto t = Tcp::established();
  t.send(50'000);
  EXPECT_EQ(t.text_sent(), 10'000u);
}

TEST(InitialWindow, is_one_segment_after_a_lost_syn_ack) {
  auto t = Tcp::syn_received().after(1_s).whatever().peer(ack());
  t.send(50'000);
  EXPECT_EQ(t.text_sent(), 1'000u);
}

TEST(SlowStart, grows_by_what_is_acknowledged_but_two_segments_at_most) {
  auto t = Tcp::established().send(100'000).whatever();
  t.peer(ack().acks(1'000));
  EXPECT_EQ(t.c.cwnd, 11'000u);
  t.peer(ack().acks(9'000));
  EXPECT_EQ(t.c.cwnd, 13'000u);
}

TEST(SlowStart, gains_nothing_from_divided_acks) {
  auto t = Tcp::established().send(100'000).whatever();
  for (int i = 1; i <= 100; ++i) t.peer(ack().acks(i * 10));
  EXPECT_EQ(t.c.cwnd, 11'000u);
}

TEST(CongestionAvoidance, grows_by_one_segment_a_window) {
  auto t = Tcp::established();
  t.c.ssthresh = 5'000;
  t.send(200'000).whatever();
  for (int i = 1; i <= 10; ++i) t.peer(ack().acks(i * 1'000));
  EXPECT_EQ(t.c.cwnd, 11'000u);
}

TEST(FastRetransmit, follows_three_duplicate_acks) {
  auto t = Tcp::established().send(10'000).whatever();
  t.peer(ack().acks(0)).silent().peer(ack().acks(0)).silent();
  t.peer(ack().acks(0)).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.ssthresh, 5'000u);
  t.peer(ack().acks(10'000));
  EXPECT_FALSE(t.c.has(conn_flag::recovery));
}

TEST(FastRetransmit, is_not_set_off_by_segments_with_text_or_window_changes) {
  auto t = Tcp::established().send(10'000).whatever();
  for (int i = 0; i < 4; ++i) t.peer(data(10).acks(0));
  for (int i = 0; i < 4; ++i) t.peer(ack().acks(0).window(50'000 + i));
  EXPECT_FALSE(t.c.has(conn_flag::recovery));
}

TEST(LimitedTransmit, sends_new_text_for_the_first_two_duplicates) {
  auto t = Tcp::established().send(50'000).whatever();
  t.peer(ack().acks(0)).us(data(1'000).at(10'000)).silent();
  t.peer(ack().acks(0)).us(data(1'000).at(11'000)).silent();
}

TEST(NewReno, repairs_one_hole_for_each_partial_ack) {
  auto t = Tcp::established().send(10'000).whatever();
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(0));
  t.us(data(1'000).at(0));
  t.peer(ack().acks(4'000)).us(data(1'000).at(4'000)).silent();
  t.peer(ack().acks(7'000)).us(data(1'000).at(7'000)).silent();
  EXPECT_TRUE(t.c.has(conn_flag::recovery));
  t.peer(ack().acks(10'000)).silent();
  EXPECT_FALSE(t.c.has(conn_flag::recovery));
  EXPECT_LE(t.c.cwnd, t.c.ssthresh);
}

TEST(NewReno, is_not_fooled_by_endless_duplicates) {
  auto t = Tcp::established().send(100'000).whatever();
  for (int i = 0; i < 1'000; ++i) t.peer(ack().acks(0));
  EXPECT_LE(t.text_sent(), 65'535u);
  EXPECT_LE(t.c.cwnd, t.c.ssthresh + 65'535u);
}

TEST(SackRecovery, sends_the_holes_again_and_nothing_that_arrived) {
  auto t = sack_connection().send(10'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 2'000)).silent();
  t.peer(ack().acks(0).sack(1'000, 3'000)).silent();
  t.peer(ack().acks(0).sack(1'000, 3'000).sack(4'000, 6'000)).us(data(1'000).at(0));
  t.peer(ack().acks(0).sack(1'000, 3'000).sack(4'000, 9'000)).us(data(1'000).at(3'000)).silent();
  t.peer(ack().acks(9'000)).silent();
  EXPECT_TRUE(t.c.has(conn_flag::recovery)) << "one segment is still on its way";
  t.peer(ack().acks(10'000));
  EXPECT_EQ(t.c.cwnd, 5'000u);
}

TEST(SackRecovery, works_with_a_peer_that_agreed_but_sends_no_blocks) {
  auto t = sack_connection().send(10'000).whatever();
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(0));
  t.us(data(1'000).at(0));
  t.peer(ack().acks(5'000)).us(data(1'000).at(5'000));
}

TEST(SackRecovery, believes_no_block_beyond_what_was_sent) {
  auto t = sack_connection().send(3'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 9'000)).peer(ack().acks(0).sack(5'000, 4'000));
  EXPECT_EQ(t.c.sacked.count, 0);
}

TEST(SackRecovery, forgets_blocks_on_a_time_out) {
  auto t = sack_connection().send(10'000).whatever();
  t.peer(ack().acks(0).sack(2'000, 3'000)).whatever();
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.sacked.count, 0);
}

TEST(TimeOut, goes_back_to_one_segment_and_starts_slowly) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.ssthresh, 5'000u);
  EXPECT_EQ(t.c.cwnd, 1'000u);
  t.peer(ack().acks(1'000)).us(data(1'000).at(1'000)).us(data(1'000).at(2'000)).silent();
}

TEST(TimeOut, of_the_same_segment_again_leaves_ssthresh_alone) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).after(Duration{t.c.rto_us});
  EXPECT_EQ(t.c.ssthresh, 5'000u);
}

TEST(TimeOut, still_believes_an_ack_for_what_was_sent_before_it) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).whatever();
  t.peer(ack().acks(10'000)).dropped(Drop::none).saw(event::acked).silent();
  EXPECT_EQ(t.c.snd_nxt, t.c.snd_max);
  EXPECT_TRUE(t.c.retransmit_at.is_never());
}

TEST(TimeOut, is_not_followed_by_fast_retransmit_of_its_own_duplicates) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).whatever();
  for (int i = 0; i < 6; ++i) t.peer(ack().acks(0)).silent();
}

TEST(Idle, restarts_from_the_initial_window) {
  auto t = Tcp::established();
  t.c.cwnd = 60'000;
  t.send(1'000).whatever().peer(ack());
  t.after(10_s).send(60'000);
  EXPECT_EQ(t.text_sent(), 10'000u);
}

TEST(OptimisticAck, is_challenged_and_changes_nothing) {
  auto t = Tcp::established().send(50'000).whatever();
  const auto cwnd = t.c.cwnd;
  t.peer(ack().acks(20'000)).dropped(Drop::tcp_ack_unacceptable).us(ack());
  EXPECT_EQ(t.c.cwnd, cwnd);
}

}  // namespace
}  // namespace mayfly::test
