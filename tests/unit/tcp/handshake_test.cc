// Opening, refusing and crossing: RFC 9293 3.5, 3.10.7.2 and 3.10.7.3.
#include "support/tcp_bench.h"

namespace mayfly::test {
namespace {

TEST(Listen, IgnoresRstResetsAckOpensForSynAndDropsTheRest) {
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

TEST(ResetFor, TakesItsNumberFromTheAckOrAcknowledgesAll) {
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

TEST(ResetFor, NeverAnswersARst) {
  Segment s;
  s.flags = tcp_flag::rst | tcp_flag::ack;
  Emission e;
  EXPECT_FALSE(reset_for(s, e));
}

TEST(PassiveOpen, AnswersSynAckAndIsEstablishedByTheAck) {
  auto t = Tcp::syn_received();
  t.us(syn_ack().acks(0).mss(1'000).window(65'535)).silent();
  t.peer(ack()).saw(event::established).silent().in(State::established);
}

TEST(PassiveOpen, AcceptsTextThatRidesOnTheHandshakesAck) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(100)).saw(event::established).in(State::established);
  EXPECT_EQ(t.text_received, 100u);
  t.after(40_ms).us(ack().acks(100));
}

TEST(PassiveOpen, AcceptsAFinOnTheHandshakesAck) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(10).with_fin()).saw(event::established | event::peer_fin).in(State::close_wait);
  t.us(ack().acks(11));
}

TEST(SynReceived, AnswersAnUnacceptableAckWithRstAndStays) {
  for (const int wrong : {-1, 1, 1'000'000}) {
    auto t = Tcp::syn_received().whatever();
    t.peer(ack().acks(wrong)).dropped(Drop::tcp_ack_unacceptable).reset_sent().silent();
    t.in(State::syn_received).peer(ack()).in(State::established);
  }
}

TEST(SynReceived, AnswersTextWithAnUnacceptableAckByAnRstAloneThoughItsWindowIsZero) {
  auto cfg = plain();
  cfg.receive_window = 0;
  Tcp::syn_received(cfg).whatever().peer(data(10).acks(7)).reset_sent().silent();
}

TEST(SynReceived, SendsTheSynAckAgainWhenTheSynComesAgain) {
  auto t = Tcp::syn_received().whatever();
  t.peer(syn()).us(syn_ack().acks(0)).silent().in(State::syn_received);
}

TEST(SynReceived, GoesAwayOnRstAtTheLeftEdgeOnly) {
  auto t = Tcp::syn_received().whatever();
  t.peer(rst().at(1))
      .dropped(Drop::tcp_rst_challenged)
      .us(ack().at(0).acks(0))
      .in(State::syn_received);
  t.peer(rst().at(-1)).dropped(Drop::tcp_rst_out_of_window).silent().in(State::syn_received);
  t.peer(rst()).saw(event::reset).silent().gone();
}

TEST(SynReceived, ReturnsToListenOnANewSynInsideTheWindow) {
  Tcp::syn_received().whatever().peer(syn().at(10)).saw(event::reset).silent().gone();
}

TEST(SynReceived, ThatWasOpenedByThePeerAnswersASynAckWithAnAckAndStays) {
  auto t = Tcp::syn_received().whatever();
  t.peer(syn_ack()).dropped(Drop::tcp_out_of_window).us(ack().at(0).acks(0));
  t.in(State::syn_received).peer(ack()).in(State::established);
}

TEST(SynReceived, NeedsAnAckBit) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(3).without_ack()).dropped(Drop::tcp_ack_missing).silent().in(State::syn_received);
}

TEST(SynReceived, SendsTheSynAckAgainWithGrowingPausesAndGivesUp) {
  auto cfg = plain();
  cfg.syn_ack_retries = 2;
  auto t = Tcp::syn_received(cfg).whatever();
  t.after(999_ms).silent().after(1_ms).us(syn_ack());
  t.after(1'999_ms).silent().after(1_ms).us(syn_ack());
  t.after(3'999_ms).silent().after(1_ms).silent().saw(event::timed_out).gone();
}

TEST(SynReceived, QueuesACloseUntilItIsEstablished) {
  auto t = Tcp::syn_received().whatever();
  t.close().silent().peer(ack()).us(fin().at(0)).in(State::fin_wait_1);
}

TEST(ActiveOpen, SendsASynAndAcknowledgesTheSynAck) {
  auto t = Tcp::syn_sent();
  t.us(Spoken{.flags = tcp_flag::syn}.at(-1).mss(1'000)).silent();
  t.peer(syn_ack().mss(500)).saw(event::established).us(ack().at(0).acks(0)).in(State::established);
  EXPECT_EQ(t.c.mss, 500);
}

TEST(ActiveOpen, SendsQueuedTextWithTheHandshakesAck) {
  auto t = Tcp::syn_sent().whatever();
  t.send(100).silent();
  t.peer(syn_ack().mss(1'000)).us(data(100).at(0).acks(0)).silent();
}

TEST(ActiveOpen, AcceptsTextOnTheSynAck) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(Spoken{.flags = tcp_flag::syn | tcp_flag::ack, .len = 20}.at(-1)).us(ack().acks(20));
  EXPECT_EQ(t.text_received, 20u);
}

TEST(SynSent, AnswersAnAckOfSomethingElseWithRst) {
  for (const int wrong : {-1, 1}) {
    auto t = Tcp::syn_sent().whatever();
    t.peer(ack().acks(wrong)).reset_sent().silent().in(State::syn_sent);
    t.peer(syn_ack().acks(wrong)).reset_sent().silent().in(State::syn_sent);
  }
}

TEST(SynSent, IsRefusedOnlyByARstThatAcknowledgesTheSyn) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(rst()).dropped(Drop::tcp_rst_out_of_window).in(State::syn_sent);
  t.peer(rst().acks(5)).dropped(Drop::tcp_ack_unacceptable).in(State::syn_sent);
  EXPECT_EQ(t.verdict.reply, Reply::none) << "a RST is never answered";
  t.peer(rst().acks(0)).saw(event::refused).silent().gone();
}

TEST(SynSent, DropsWhatHasNeitherSynNorRst) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(ack().acks(0)).silent().in(State::syn_sent);
  EXPECT_EQ(t.verdict.reply, Reply::none);
  t.peer(data(5).without_ack()).silent().in(State::syn_sent);
}

TEST(SynSent, SendsTheSynAgainForAtLeastThreeMinutes) {
  auto t = Tcp::syn_sent().whatever();
  t.after(180_s).in(State::syn_sent);
  EXPECT_EQ(t.out.size(), 7u);
  t.whatever().after(70_s).saw(event::timed_out).gone();
}

TEST(SynSent, EndsAtOnceWhenTheUserCloses) { Tcp::syn_sent().whatever().close().silent().gone(); }

TEST(SynSent, EndsOnAHardIcmpErrorAboutItsSynOnly) {
  auto t = Tcp::syn_sent().whatever();
  t.icmp({IcmpError::Kind::hard, 0}, 3).dropped(Drop::icmp_untrusted).in(State::syn_sent);
  t.icmp({IcmpError::Kind::soft, 0}, -1).in(State::syn_sent);
  t.icmp({IcmpError::Kind::hard, 0}, -1).saw(event::unreachable).gone();
}

TEST(SimultaneousOpen, AnswersSynWithSynAckAndBothAreEstablished) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(syn().mss(1'000)).us(syn_ack().at(-1).acks(0)).silent().in(State::syn_received);
  t.peer(syn_ack().acks(0)).saw(event::established).in(State::established);
}

TEST(SimultaneousOpen, IsEstablishedByAPlainAckToo) {
  auto t = Tcp::syn_sent().whatever().peer(syn().mss(1'000)).whatever();
  t.peer(data(10)).saw(event::established).in(State::established);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(SimultaneousOpen, IsRefusedByARst) {
  Tcp::syn_sent().peer(syn()).whatever().peer(rst()).saw(event::refused).gone();
}

TEST(SimultaneousOpen, ChallengesAnotherSynInsideTheWindow) {
  auto t = Tcp::syn_sent().peer(syn()).whatever();
  t.peer(syn().at(10)).dropped(Drop::tcp_syn_challenged).us(ack()).in(State::syn_received);
}

}  // namespace
}  // namespace mayfly::test
