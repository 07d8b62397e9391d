// Every way to an end: RFC 9293 3.6, 3.10.4, 3.10.5 and the FIN's part of 3.10.7.4.
#include "support/tcp_bench.h"

namespace mayfly::test {
namespace {

TEST(ActiveClose, goes_through_fin_wait_1_and_2_to_time_wait) {
  auto t = Tcp::established();
  t.close().us(fin().at(0).acks(0)).in(State::fin_wait_1);
  t.peer(ack()).silent().in(State::fin_wait_2);
  t.peer(fin()).saw(event::peer_fin | event::time_wait).us(ack().at(1).acks(1)).in(State::time_wait);
  EXPECT_TRUE(t.c.has(conn_flag::active_close));
}

TEST(ActiveClose, reaches_time_wait_at_once_when_fin_and_ack_come_together) {
  auto t = Tcp::fin_wait_1();
  t.peer(fin().acks(1)).saw(event::time_wait).us(ack().acks(1)).in(State::time_wait);
}

TEST(ActiveClose, still_receives_text_and_sends_acks) {
  auto t = Tcp::fin_wait_2();
  t.peer(data(500)).peer(data(500)).us(ack().acks(1'000)).in(State::fin_wait_2);
  t.peer(data(10).with_fin()).us(ack().acks(1'011)).in(State::time_wait);
  EXPECT_EQ(t.text_received, 1'010u);
}

TEST(PassiveClose, goes_through_close_wait_and_last_ack_to_closed) {
  auto t = Tcp::established();
  t.peer(fin()).saw(event::peer_fin).us(ack().acks(1)).in(State::close_wait);
  t.close().us(fin().at(0).acks(1)).in(State::last_ack);
  t.peer(ack().acks(0)).silent().in(State::last_ack);
  t.peer(ack().acks(1)).saw(event::closed).silent().gone();
  EXPECT_FALSE(t.c.has(conn_flag::active_close));
}

TEST(PassiveClose, can_still_send_text) {
  auto t = Tcp::close_wait();
  t.send(300).us(data(300).at(0).acks(1).push());
  t.peer(ack()).close().us(fin().at(300));
}

TEST(SimultaneousClose, goes_through_closing_to_time_wait) {
  auto t = Tcp::fin_wait_1();
  t.peer(fin().acks(0)).saw(event::peer_fin).us(ack().at(1).acks(1)).in(State::closing);
  t.peer(ack().acks(1)).saw(event::time_wait).silent().in(State::time_wait);
}

TEST(Fin, rides_on_the_last_text) {
  auto t = Tcp::established();
  queue_text(t.c, 100);
  t.close().us(data(100).at(0).with_fin().push()).silent();
}

TEST(Fin, waits_for_text_that_is_missing_before_it) {
  auto t = Tcp::established();
  t.peer(data(10).at(10).with_fin()).us(ack().acks(0)).in(State::established);
  t.peer(data(10).at(0)).saw(event::peer_fin).us(ack().acks(21)).in(State::close_wait);
  EXPECT_EQ(t.text_received, 20u);
}

TEST(Fin, is_not_taken_before_the_user_took_all_text) {
  auto t = Tcp::established();
  t.takes(4).peer(data(10).with_fin()).after(40_ms).us(ack().acks(4)).in(State::established);
  t.takes(100).peer(data(10).at(0).with_fin()).us(ack().acks(11)).in(State::close_wait);
}

TEST(Fin, that_comes_again_is_acked_again) {
  auto t = Tcp::close_wait();
  t.peer(fin().at(0)).us(ack().acks(1)).in(State::close_wait);
  auto last = Tcp::last_ack();
  last.peer(fin().at(0).acks(0)).us(ack().acks(1)).in(State::last_ack);
}

TEST(Fin, makes_text_beyond_it_worthless) {
  auto t = Tcp::established();
  t.peer(fin().at(10)).us(ack().acks(0));
  t.peer(data(30).at(0)).in(State::close_wait);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(Fin, is_sent_again_until_it_is_acknowledged) {
  auto t = Tcp::fin_wait_1();
  t.after(Duration{t.c.rto_us}).us(fin().at(0)).peer(ack()).in(State::fin_wait_2);
  EXPECT_TRUE(t.c.retransmit_at.is_never());
}

TEST(Fin, that_waits_behind_text_when_the_peer_closes_makes_us_the_passive_side) {
  auto t = Tcp::established();
  queue_text(t.c, 15'000);
  t.close().in(State::fin_wait_1);
  EXPECT_EQ(t.text_sent(), 10'000u) << "the congestion window holds the rest and the FIN back";
  t.peer(fin().acks(0)).us(ack().acks(1)).in(State::last_ack);
  t.peer(ack());
  EXPECT_TRUE(t.out.back().has(tcp_flag::fin));
  EXPECT_FALSE(t.c.has(conn_flag::active_close));
  t.peer(ack()).saw(event::closed).gone();
}

TEST(FinWait2, ends_after_its_hold_when_the_user_closed_both_ways) {
  auto t = Tcp::established();
  t.close_both().whatever().peer(ack()).in(State::fin_wait_2);
  t.after(59_s).in(State::fin_wait_2);
  t.after(1_s).saw(event::closed | event::fin_wait_2_end).silent().gone();
}

TEST(FinWait2, waits_for_ever_after_a_half_close) {
  Tcp::fin_wait_2().after(Duration::from_s(100'000)).silent().in(State::fin_wait_2);
}

TEST(FinWait2, is_bounded_too_when_the_user_stops_reading_later) {
  Tcp::fin_wait_2().close_both().after(60_s).saw(event::fin_wait_2_end).gone();
}

TEST(CloseBoth, answers_later_text_with_rst) {
  for (const bool acked : {false, true}) {
    auto t = Tcp::established().close_both().whatever();
    if (acked) t.peer(ack());
    t.peer(data(10).acks(acked)).dropped(Drop::tcp_data_after_close).reset_sent().silent();
    t.saw(event::reset).gone();
  }
}

TEST(CloseBoth, still_takes_the_peers_fin) {
  auto t = Tcp::established().close_both().whatever();
  t.peer(fin()).us(ack().acks(1)).in(State::time_wait);
}

TEST(Abort, sends_rst_with_exactly_snd_nxt_where_the_standard_says_so) {
  using enum State;
  for (const State state : {syn_received, established, fin_wait_1, fin_wait_2, close_wait}) {
    auto t = Tcp::in_state(state);
    Emission e;
    ASSERT_TRUE(abort(t.c, e)) << name_of(state);
    EXPECT_EQ(e.flags, tcp_flag::rst);
    EXPECT_EQ(e.seq, t.c.snd_max);
    t.gone();
  }
  for (const State state : {syn_sent, closing, last_ack, time_wait}) {
    auto t = Tcp::in_state(state);
    Emission e;
    EXPECT_FALSE(abort(t.c, e)) << name_of(state);
    t.gone();
  }
}

TEST(Abort, names_the_highest_number_sent_even_after_a_time_out) {
  auto t = Tcp::established().send(3'000).whatever();
  t.after(Duration{t.c.rto_us}).whatever();
  Emission e;
  ASSERT_TRUE(abort(t.c, e));
  EXPECT_EQ(e.seq, t.c.iss + 3'001);
}

TEST(Close, twice_is_once) {
  auto t = Tcp::fin_wait_1();
  t.close().silent().close().silent().in(State::fin_wait_1);
}

}  // namespace
}  // namespace mayfly::test
