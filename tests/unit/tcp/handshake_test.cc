// Opening, refusing and crossing: RFC 9293 3.5, 3.10.7.2 and 3.10.7.3.
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

using tcp::ListenAnswer;

TEST(Listen, IgnoresRstResetsAckOpensForSynAndDropsTheRest) {
  const auto answer = [](std::uint8_t flags) {
    Segment s;
    s.flags = flags;
    return tcp::on_listen(s);
  };
  EXPECT_EQ(answer(wire::tcp_flag::rst), ListenAnswer::ignore);
  EXPECT_EQ(answer(wire::tcp_flag::rst | wire::tcp_flag::ack), ListenAnswer::ignore);
  EXPECT_EQ(answer(wire::tcp_flag::ack), ListenAnswer::reset);
  EXPECT_EQ(answer(wire::tcp_flag::ack | wire::tcp_flag::syn), ListenAnswer::reset);
  EXPECT_EQ(answer(wire::tcp_flag::syn), ListenAnswer::open);
  EXPECT_EQ(answer(wire::tcp_flag::syn | wire::tcp_flag::ece | wire::tcp_flag::cwr),
            ListenAnswer::open);
  EXPECT_EQ(answer(wire::tcp_flag::fin), ListenAnswer::ignore);
  EXPECT_EQ(answer(0), ListenAnswer::ignore);
}

TEST(ResetFor, TakesItsNumberFromTheAckOrAcknowledgesAll) {
  Segment s;
  s.seq = Seq{100};
  s.ack = Seq{777};
  s.flags = wire::tcp_flag::ack;
  s.payload_len = 5;
  Emission e;
  ASSERT_TRUE(tcp::reset_for(s, e));
  EXPECT_EQ(e.seq, Seq{777});
  EXPECT_EQ(e.flags, wire::tcp_flag::rst);
  s.ack = {};
  s.flags = wire::tcp_flag::syn;
  ASSERT_TRUE(tcp::reset_for(s, e));
  EXPECT_EQ(e.seq, Seq{0});
  EXPECT_EQ(e.ack, Seq{106}) << "the SYN and five octets";
  EXPECT_EQ(e.flags, wire::tcp_flag::rst | wire::tcp_flag::ack);
}

TEST(ResetFor, NeverAnswersARst) {
  Segment s;
  s.flags = wire::tcp_flag::rst | wire::tcp_flag::ack;
  Emission e;
  EXPECT_FALSE(tcp::reset_for(s, e));
}

TEST(PassiveOpen, AnswersSynAckAndIsEstablishedByTheAck) {
  auto t = Tcp::syn_received();
  t.us(syn_ack().acks(0).mss(1'000).window(65'535)).silent();
  t.peer(ack()).saw(tcp::event::established).silent().in(tcp::State::established);
}

TEST(PassiveOpen, AcceptsTextThatRidesOnTheHandshakesAck) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(100)).saw(tcp::event::established).in(tcp::State::established);
  EXPECT_EQ(t.text_received, 100u);
  t.after(40_ms).us(ack().acks(100));
}

TEST(PassiveOpen, AcceptsAFinOnTheHandshakesAck) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(10).with_fin())
      .saw(tcp::event::established | tcp::event::peer_fin)
      .in(tcp::State::close_wait);
  t.us(ack().acks(11));
}

TEST(SynReceived, AnswersAnUnacceptableAckWithRstAndStays) {
  for (const int wrong : {-1, 1, 1'000'000}) {
    auto t = Tcp::syn_received().whatever();
    t.peer(ack().acks(wrong)).dropped(Drop::tcp_ack_unacceptable).reset_sent().silent();
    t.in(tcp::State::syn_received).peer(ack()).in(tcp::State::established);
  }
}

TEST(SynReceived, AnswersTextWithAnUnacceptableAckByAnRstAloneThoughItsWindowIsZero) {
  auto cfg = plain();
  cfg.receive_window = 0;
  Tcp::syn_received(cfg).whatever().peer(data(10).acks(7)).reset_sent().silent();
}

TEST(SynReceived, SendsTheSynAckAgainWhenTheSynComesAgain) {
  auto t = Tcp::syn_received().whatever();
  t.peer(syn()).us(syn_ack().acks(0)).silent().in(tcp::State::syn_received);
}

TEST(SynReceived, GoesAwayOnRstAtTheLeftEdgeOnly) {
  auto t = Tcp::syn_received().whatever();
  t.peer(rst().at(1))
      .dropped(Drop::tcp_rst_challenged)
      .us(ack().at(0).acks(0))
      .in(tcp::State::syn_received);
  t.peer(rst().at(-1)).dropped(Drop::tcp_rst_out_of_window).silent().in(tcp::State::syn_received);
  t.peer(rst()).saw(tcp::event::reset).silent().gone();
}

TEST(SynReceived, ReturnsToListenOnANewSynInsideTheWindow) {
  Tcp::syn_received().whatever().peer(syn().at(10)).saw(tcp::event::reset).silent().gone();
}

TEST(SynReceived, ThatWasOpenedByThePeerAnswersASynAckWithAnAckAndStays) {
  auto t = Tcp::syn_received().whatever();
  t.peer(syn_ack()).dropped(Drop::tcp_out_of_window).us(ack().at(0).acks(0));
  t.in(tcp::State::syn_received).peer(ack()).in(tcp::State::established);
}

TEST(SynReceived, NeedsAnAckBit) {
  auto t = Tcp::syn_received().whatever();
  t.peer(data(3).without_ack())
      .dropped(Drop::tcp_ack_missing)
      .silent()
      .in(tcp::State::syn_received);
}

TEST(SynReceived, SendsTheSynAckAgainWithGrowingPausesAndGivesUp) {
  auto cfg = plain();
  cfg.syn_ack_retries = 2;
  auto t = Tcp::syn_received(cfg).whatever();
  t.after(999_ms).silent().after(1_ms).us(syn_ack());
  t.after(1'999_ms).silent().after(1_ms).us(syn_ack());
  t.after(3'999_ms).silent().after(1_ms).silent().saw(tcp::event::timed_out).gone();
}

TEST(SynReceived, QueuesACloseUntilItIsEstablished) {
  auto t = Tcp::syn_received().whatever();
  t.close().silent().peer(ack()).us(fin().at(0)).in(tcp::State::fin_wait_1);
}

TEST(ActiveOpen, SendsASynAndAcknowledgesTheSynAck) {
  auto t = Tcp::syn_sent();
  t.us(Spoken{.flags = wire::tcp_flag::syn}.at(-1).mss(1'000)).silent();
  t.peer(syn_ack().mss(500))
      .saw(tcp::event::established)
      .us(ack().at(0).acks(0))
      .in(tcp::State::established);
  EXPECT_EQ(t.c.mss, 500);
}

TEST(ActiveOpen, SendsQueuedTextWithTheHandshakesAck) {
  auto t = Tcp::syn_sent().whatever();
  t.send(100).silent();
  t.peer(syn_ack().mss(1'000)).us(data(100).at(0).acks(0)).silent();
}

TEST(ActiveOpen, AcceptsTextOnTheSynAck) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(Spoken{.flags = wire::tcp_flag::syn | wire::tcp_flag::ack, .len = 20}.at(-1))
      .us(ack().acks(20));
  EXPECT_EQ(t.text_received, 20u);
}

TEST(SynSent, AnswersAnAckOfSomethingElseWithRstAndSendsTheSynAgainAtOnce) {
  const Spoken our_syn = Spoken{.flags = wire::tcp_flag::syn}.at(-1).mss(1'000);
  for (const int wrong : {-1, 1}) {
    auto t = Tcp::syn_sent().whatever();
    t.peer(ack().acks(wrong)).reset_sent().saw(tcp::event::challenged).us(our_syn).silent();
    t.peer(syn_ack().acks(wrong)).reset_sent().saw(tcp::event::challenged).us(our_syn).silent();
    t.in(tcp::State::syn_sent).peer(syn_ack()).saw(tcp::event::established).us(ack().at(0));
  }
}

TEST(SynSent, SendsTheSynAgainOnceForEachChallenge) {
  auto t = Tcp::syn_sent().whatever();
  t.after(10_ms).peer(ack().acks(-500)).us(syn());
  t.after(999_ms).silent().after(1_ms).us(syn()).silent();  // the RTO counts from the SYN sent last
  EXPECT_EQ(t.c.retries, 1);
  t.peer(rst().acks(-500)).silent();  // a RST is no challenge
}

TEST(SynSent, LeavesAPeerThatAlwaysChallengesToTheTimeOut) {
  auto t = Tcp::syn_sent().whatever();
  const auto challenge = [&t] { t.peer(ack().acks(-500)).reset_sent(); };
  for (int i = 0; i < 7; ++i) {
    challenge();
    t.us(syn()).silent();
  }
  for (int i = 0; i < 100; ++i) challenge();
  EXPECT_EQ(t.events, 0) << "no SYN follows";
  t.silent().after(1_s).us(syn()).silent();
  challenge();
  t.silent().after(179_s).in(tcp::State::syn_sent);
  EXPECT_EQ(t.out.size(), 6u) << "MUST-23: as often as if it were silent";
  t.whatever().after(70_s).saw(tcp::event::timed_out).gone();
}

TEST(SynSent, SendsNoSynAtOnceWhereNoneMayGoAgain) {
  tcp::TcpSettings cfg = plain();
  cfg.syn_retries = 0;
  Tcp::syn_sent(cfg).whatever().peer(ack().acks(-500)).reset_sent().silent();
}

TEST(SynSent, TakesNoRoundTripFromASynThatWentAgainUnlessTheEchoTells) {
  auto t = Tcp::syn_sent().whatever().after(10_ms);
  t.peer(ack().acks(-500)).after(30_ms).peer(syn_ack());
  EXPECT_EQ(t.c.srtt_us, 0u);
  tcp::TcpSettings cfg = plain();
  cfg.timestamps = true;
  auto stamped = Tcp::syn_sent(cfg).whatever().after(10_ms);
  stamped.peer(ack().acks(-500));
  const std::uint32_t echo = stamped.out.back().ts.val;
  stamped.after(30_ms).peer(syn_ack().stamped(7, echo));
  EXPECT_EQ(stamped.c.srtt_us, 31'000u) << "a tick of the clock is added";
}

TEST(SynSent, CountsTheChallengesThatItSendsFromNoneOn) {
  auto t = Tcp::syn_sent().whatever();
  for (int i = 0; i < 7; ++i) t.peer(ack().acks(-500));
  t.peer(syn_ack()).in(tcp::State::established);
  EXPECT_EQ(t.c.challenges, 0);
}

TEST(SynSent, IsRefusedOnlyByARstThatAcknowledgesTheSyn) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(rst()).dropped(Drop::tcp_rst_out_of_window).in(tcp::State::syn_sent);
  t.peer(rst().acks(5)).dropped(Drop::tcp_ack_unacceptable).in(tcp::State::syn_sent);
  EXPECT_EQ(t.verdict.reply, tcp::Reply::none) << "a RST is never answered";
  t.peer(rst().acks(0)).saw(tcp::event::refused).silent().gone();
}

TEST(SynSent, DropsWhatHasNeitherSynNorRst) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(ack().acks(0)).silent().in(tcp::State::syn_sent);
  EXPECT_EQ(t.verdict.reply, tcp::Reply::none);
  t.peer(data(5).without_ack()).silent().in(tcp::State::syn_sent);
}

TEST(SynSent, SendsTheSynAgainForAtLeastThreeMinutes) {
  auto t = Tcp::syn_sent().whatever();
  t.after(180_s).in(tcp::State::syn_sent);
  EXPECT_EQ(t.out.size(), 7u);
  t.whatever().after(70_s).saw(tcp::event::timed_out).gone();
}

TEST(SynSent, EndsAtOnceWhenTheUserCloses) { Tcp::syn_sent().whatever().close().silent().gone(); }

TEST(SynSent, EndsOnAHardIcmpErrorAboutItsSynOnly) {
  auto t = Tcp::syn_sent().whatever();
  t.icmp({tcp::IcmpError::Kind::hard, 0}, 3).dropped(Drop::icmp_untrusted).in(tcp::State::syn_sent);
  t.icmp({tcp::IcmpError::Kind::soft, 0}, -1).in(tcp::State::syn_sent);
  t.icmp({tcp::IcmpError::Kind::hard, 0}, -1).saw(tcp::event::unreachable).gone();
}

TEST(SimultaneousOpen, AnswersSynWithSynAckAndBothAreEstablished) {
  auto t = Tcp::syn_sent().whatever();
  t.peer(syn().mss(1'000)).us(syn_ack().at(-1).acks(0)).silent().in(tcp::State::syn_received);
  t.peer(syn_ack().acks(0)).saw(tcp::event::established).in(tcp::State::established);
}

TEST(SimultaneousOpen, IsEstablishedByAPlainAckToo) {
  auto t = Tcp::syn_sent().whatever().peer(syn().mss(1'000)).whatever();
  t.peer(data(10)).saw(tcp::event::established).in(tcp::State::established);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(SimultaneousOpen, IsRefusedByARst) {
  Tcp::syn_sent().peer(syn()).whatever().peer(rst()).saw(tcp::event::refused).gone();
}

TEST(SimultaneousOpen, ChallengesAnotherSynInsideTheWindow) {
  auto t = Tcp::syn_sent().peer(syn()).whatever();
  t.peer(syn().at(10)).dropped(Drop::tcp_syn_challenged).us(ack()).in(tcp::State::syn_received);
}

}  // namespace
}  // namespace mayfly::testing
