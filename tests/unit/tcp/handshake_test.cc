// Opening, refusing and crossing: RFC 9293 3.5, 3.10.7.2 and 3.10.7.3.
#include "support/tcp_bench.h"

namespace mayfly::test {
namespace {

TEST(Listen, ignores_rst_resets_ack_opens_for_syn_and_drops_the_rest) {
  const auto answer = [](std::uint8_t flags) {
    Segment s;
    s.flags = flags;
    return on_listen(s);
  };
  EXPECT_EQ(answer(tcp_flag::rst), ListenAnswer::ignore);
  EXPECT_EQ(answer(tcp_flag::rst | tcp_flag::ack), ListenAnswer::ignore);
  EXPECT_EQ(answer(tcp_flag::ack), ListenAnswer::reset);
  EXPECT_EQ(answer(tcp_flag::ack | tcp_flag::syn), ListenAnswer::reset);
  EXPECT_EQ(answer(tcp_flag::syn), ListenAnswer::open);
  EXPECT_EQ(answer(tcp_flag::syn | tcp_flag::ece | tcp_flag::cwr), ListenAnswer::open);
  EXPECT_EQ(answer(tcp_flag::fin), ListenAnswer::ignore);
  EXPECT_EQ(answer(0), ListenAnswer::ignore);
}

TEST(ResetFor, takes_its_number_from_the_ack_or_acknowledges_all) {
  Segment s;
  s.seq = Seq{100};
  s.ack = Seq{777};
  s.flags = tcp_flag::ack;
  s.payload_len = 5;
  Emission e;
  ASSERT_TRUE(reset_for(s, e));
  EXPECT_EQ(e.seq, Seq{777});
  EXPECT_EQ(e.flags, tcp_flag::rst);
  s.ack = {};
  s.flags = tcp_flag::syn;
  ASSERT_TRUE(reset_for(s, e));
  EXPECT_EQ(e.seq, Seq{0});
  EXPECT_EQ(e.ack, Seq{106}) << "the SYN and five octets";
  EXPECT_EQ(e.flags, tcp_flag::rst | tcp_flag::ack);
}

TEST(ResetFor, never_answers_a_rst) {
  Segment s;
  s.flags = tcp_flag::rst | tcp_flag::ack;
  Emission e;
  EXPECT_FALSE(reset_for(s, e));
}

TEST(PassiveOpen, answers_syn_ack_and_is_established_by_the_ack) {
  auto t = Tcp::syn_received();
  t.us(syn_ack().acks(0).mss(1'000).window(65'535)).silent();
  t.peer(ack()).saw(event::established).silent().in(State::established);
}

TEST(PassiveOpen, accepts_text_that_rides_on_the_handshakes_ack) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(100)).saw(event::established).in(State::established);
  EXPECT_EQ(t.text_received, 100u);
  t.after(40_ms).us(ack().acks(100));
}

TEST(PassiveOpen, accepts_a_fin_on_the_handshakes_ack) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(10).with_fin()).saw(event::established | event::peer_fin).in(State::close_wait);
  t.us(ack().acks(11));
}

TEST(SynReceived, answers_an_unacceptable_ack_with_rst_and_stays) {
  for (const int wrong : {-1, 1, 1'000'000}) {
    auto t = Tcp::syn_received().whatever();
    t.peer(ack().acks(wrong)).dropped(Drop::tcp_ack_unacceptable).reset_sent().silent();
    t.in(State::syn_received).peer(ack()).in(State::established);
  }
}

TEST(SynReceived, sends_the_syn_ack_again_when_the_syn_comes_again) {
  auto t = Tcp::syn_received().whatever();
  t.peer(syn()).us(syn_ack().acks(0)).silent().in(State::syn_received);
}

TEST(SynReceived, goes_away_on_rst_at_the_left_edge_only) {
  auto t = Tcp::syn_received().whatever();
  t.peer(rst().at(1)).dropped(Drop::tcp_rst_challenged).us(ack().at(0).acks(0)).in(State::syn_received);
  t.peer(rst().at(-1)).dropped(Drop::tcp_rst_out_of_window).silent().in(State::syn_received);
  t.peer(rst()).saw(event::reset).silent().gone();
}

TEST(SynReceived, returns_to_listen_on_a_new_syn_inside_the_window) {
  Tcp::syn_received().whatever().peer(syn().at(10)).saw(event::reset).silent().gone();
}

TEST(SynReceived, needs_an_ack_bit) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(3).without_ack()).dropped(Drop::tcp_ack_missing).silent().in(State::syn_received);
}

TEST(SynReceived, sends_the_syn_ack_again_with_growing_pauses_and_gives_up) {
  auto cfg = plain();
  cfg.syn_ack_retries = 2;
  auto t = Tcp::syn_received(cfg).whatever();
  t.after(999_ms).silent().after(1_ms).us(syn_ack());
  t.after(1'999_ms).silent().after(1_ms).us(syn_ack());
  t.after(3'999_ms).silent().after(1_ms).silent().saw(event::timed_out).gone();
}

TEST(SynReceived, queues_a_close_until_it_is_established) {
  auto t = Tcp::syn_received().whatever();
  t.close().silent().peer(ack()).us(fin().at(0)).in(State::fin_wait_1);
}

TEST(ActiveOpen, sends_a_syn_and_acknowledges_the_syn_ack) {
  auto t = Tcp::syn_sent();
  t.us(Spoken{.flags = tcp_flag::syn}.at(-1).mss(1'000)).silent();
  t.peer(syn_ack().mss(500)).saw(event::established).us(ack().at(0).acks(0)).in(State::established);
  EXPECT_EQ(t.c.mss, 500);
}

TEST(ActiveOpen, sends_queued_text_with_the_handshakes_ack) {
  auto t = Tcp::syn_sent().whatever();
  t.send(100).silent();
  t.peer(syn_ack().mss(1'000)).us(data(100).at(0).acks(0)).silent();
}

TEST(ActiveOpen, accepts_text_on_the_syn_ack) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(Spoken{.flags = tcp_flag::syn | tcp_flag::ack, .len = 20}.at(-1)).us(ack().acks(20));
  EXPECT_EQ(t.text_received, 20u);
}

TEST(SynSent, answers_an_ack_of_something_else_with_rst) {
  for (const int wrong : {-1, 1}) {
    auto t = Tcp::syn_sent().whatever();
    t.peer(ack().acks(wrong)).reset_sent().silent().in(State::syn_sent);
    t.peer(syn_ack().acks(wrong)).reset_sent().silent().in(State::syn_sent);
  }
}

TEST(SynSent, is_refused_only_by_a_rst_that_acknowledges_the_syn) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(rst()).dropped(Drop::tcp_rst_out_of_window).in(State::syn_sent);
  t.peer(rst().acks(5)).dropped(Drop::tcp_ack_unacceptable).in(State::syn_sent);
  EXPECT_EQ(t.verdict.reply, Reply::none) << "a RST is never answered";
  t.peer(rst().acks(0)).saw(event::refused).silent().gone();
}

TEST(SynSent, drops_what_has_neither_syn_nor_rst) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(ack().acks(0)).silent().in(State::syn_sent);
  EXPECT_EQ(t.verdict.reply, Reply::none);
  t.peer(data(5).without_ack()).silent().in(State::syn_sent);
}

TEST(SynSent, sends_the_syn_again_for_at_least_three_minutes) {
  auto t = Tcp::syn_sent().whatever();
  t.after(180_s).in(State::syn_sent);
  EXPECT_EQ(t.out.size(), 7u);
  t.whatever().after(70_s).saw(event::timed_out).gone();
}

TEST(SynSent, ends_at_once_when_the_user_closes) { Tcp::syn_sent().whatever().close().silent().gone(); }

TEST(SynSent, ends_on_a_hard_icmp_error_about_its_syn_only) {
  auto t = Tcp::syn_sent().whatever();
  t.icmp({IcmpError::Kind::hard, 0}, 3).dropped(Drop::icmp_untrusted).in(State::syn_sent);
  t.icmp({IcmpError::Kind::soft, 0}, -1).in(State::syn_sent);
  t.icmp({IcmpError::Kind::hard, 0}, -1).saw(event::unreachable).gone();
}

TEST(SimultaneousOpen, answers_syn_with_syn_ack_and_both_are_established) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(syn().mss(1'000)).us(syn_ack().at(-1).acks(0)).silent().in(State::syn_received);
  t.peer(syn_ack().acks(0)).saw(event::established).in(State::established);
}

TEST(SimultaneousOpen, is_established_by_a_plain_ack_too) {
  auto t = Tcp::syn_sent().whatever().peer(syn().mss(1'000)).whatever();
  t.peer(data(10)).saw(event::established).in(State::established);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(SimultaneousOpen, is_refused_by_a_rst) {
  Tcp::syn_sent().peer(syn()).whatever().peer(rst()).saw(event::refused).gone();
}

TEST(SimultaneousOpen, challenges_another_syn_inside_the_window) {
  auto t = Tcp::syn_sent().peer(syn()).whatever();
  t.peer(syn().at(10)).dropped(Drop::tcp_syn_challenged).us(ack()).in(State::syn_received);
}

}  // namespace
}  // namespace mayfly::test
