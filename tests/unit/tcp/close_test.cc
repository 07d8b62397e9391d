// Every way to an end: RFC 9293 3.6, 3.10.4, 3.10.5 and the FIN's part of 3.10.7.4.
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

TEST(ActiveClose, GoesThroughFinWait1And2ToTimeWait) {
  auto t = Tcp::established();
  t.close().us(fin().at(0).acks(0)).in(tcp::State::fin_wait_1);
  t.peer(ack()).silent().in(tcp::State::fin_wait_2);
  t.peer(fin())
      .saw(tcp::event::peer_fin | tcp::event::time_wait)
      .us(ack().at(1).acks(1))
      .in(tcp::State::time_wait);
  EXPECT_TRUE(t.c.has(tcp::conn_flag::active_close));
}

TEST(ActiveClose, ReachesTimeWaitAtOnceWhenFinAndAckComeTogether) {
  auto t = Tcp::fin_wait_1();
  t.peer(fin().acks(1)).saw(tcp::event::time_wait).us(ack().acks(1)).in(tcp::State::time_wait);
}

TEST(ActiveClose, StillReceivesTextAndSendsAcks) {
  auto t = Tcp::fin_wait_2();
  t.peer(data(500)).peer(data(500)).us(ack().acks(1'000)).in(tcp::State::fin_wait_2);
  t.peer(data(10).with_fin()).us(ack().acks(1'011)).in(tcp::State::time_wait);
  EXPECT_EQ(t.text_received, 1'010u);
}

TEST(PassiveClose, GoesThroughCloseWaitAndLastAckToClosed) {
  auto t = Tcp::established();
  t.peer(fin()).saw(tcp::event::peer_fin).us(ack().acks(1)).in(tcp::State::close_wait);
  t.close().us(fin().at(0).acks(1)).in(tcp::State::last_ack);
  t.peer(ack().acks(0)).silent().in(tcp::State::last_ack);
  t.peer(ack().acks(1)).saw(tcp::event::closed).silent().gone();
  EXPECT_FALSE(t.c.has(tcp::conn_flag::active_close));
}

TEST(PassiveClose, CanStillSendText) {
  auto t = Tcp::close_wait();
  t.send(300).us(data(300).at(0).acks(1).push());
  t.peer(ack()).close().us(fin().at(300));
}

TEST(SimultaneousClose, GoesThroughClosingToTimeWait) {
  auto t = Tcp::fin_wait_1();
  t.peer(fin().acks(0)).saw(tcp::event::peer_fin).us(ack().at(1).acks(1)).in(tcp::State::closing);
  t.peer(ack().acks(1)).saw(tcp::event::time_wait).silent().in(tcp::State::time_wait);
}

TEST(Fin, RidesOnTheLastText) {
  auto t = Tcp::established();
  queue_text(t.c, 100);
  t.close().us(data(100).at(0).with_fin().push()).silent();
}

TEST(Fin, NeedsRoomInThePeersWindow) {
  auto t = Tcp::established();
  t.peer(ack().window(100));
  queue_text(t.c, 100);
  t.close().us(data(100)).silent();
  t.peer(ack().window(100)).us(fin().at(100));
}

TEST(Fin, WaitsForTextThatIsMissingBeforeIt) {
  auto t = Tcp::established();
  t.peer(data(10).at(10).with_fin()).us(ack().acks(0)).in(tcp::State::established);
  t.peer(data(10).at(0)).saw(tcp::event::peer_fin).us(ack().acks(21)).in(tcp::State::close_wait);
  EXPECT_EQ(t.text_received, 20u);
}

TEST(Fin, IsNotTakenBeforeTheUserTookAllText) {
  auto t = Tcp::established();
  t.takes(4).peer(data(10).with_fin()).after(40_ms).us(ack().acks(4)).in(tcp::State::established);
  t.takes(100).peer(data(10).at(0).with_fin()).us(ack().acks(11)).in(tcp::State::close_wait);
}

TEST(Fin, ThatComesAgainIsAckedAgain) {
  auto t = Tcp::close_wait();
  t.peer(fin().at(0)).us(ack().acks(1)).in(tcp::State::close_wait);
  auto last = Tcp::last_ack();
  last.peer(fin().at(0).acks(0)).us(ack().acks(1)).in(tcp::State::last_ack);
}

TEST(Fin, MakesTextBeyondItWorthless) {
  auto t = Tcp::established();
  t.peer(fin().at(10)).us(ack().acks(0));
  t.peer(data(30).at(0)).in(tcp::State::close_wait);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(Fin, IsSentAgainUntilItIsAcknowledged) {
  auto t = Tcp::fin_wait_1();
  t.after(Duration{t.c.rto_us}).us(fin().at(0)).peer(ack()).in(tcp::State::fin_wait_2);
  EXPECT_TRUE(t.c.retransmit_at.is_never());
}

TEST(Fin, ThatWaitsBehindTextWhenThePeerClosesMakesUsThePassiveSide) {
  auto t = Tcp::established();
  queue_text(t.c, 15'000);
  t.close().in(tcp::State::fin_wait_1);
  EXPECT_EQ(t.text_sent(), 10'000u) << "the congestion window holds the rest and the FIN back";
  t.peer(fin().acks(0)).us(ack().acks(1)).in(tcp::State::last_ack);
  t.peer(ack());
  EXPECT_TRUE(t.out.back().has(wire::tcp_flag::fin));
  EXPECT_FALSE(t.c.has(tcp::conn_flag::active_close));
  t.peer(ack()).saw(tcp::event::closed).gone();
}

TEST(FinWait2, EndsAfterItsHoldWhenTheUserClosedBothWays) {
  auto t = Tcp::established();
  t.close_both().whatever().peer(ack()).in(tcp::State::fin_wait_2);
  t.after(59_s).in(tcp::State::fin_wait_2);
  t.after(1_s).saw(tcp::event::closed | tcp::event::fin_wait_2_end).silent().gone();
}

TEST(FinWait2, WaitsForEverAfterAHalfClose) {
  Tcp::fin_wait_2().after(Duration::from_s(100'000)).silent().in(tcp::State::fin_wait_2);
}

TEST(FinWait2, IsBoundedTooWhenTheUserStopsReadingLater) {
  Tcp::fin_wait_2().close_both().after(60_s).saw(tcp::event::fin_wait_2_end).gone();
}

TEST(CloseBoth, AnswersLaterTextWithRst) {
  for (const bool acked : {false, true}) {
    auto t = Tcp::established().close_both().whatever();
    if (acked) t.peer(ack());
    t.peer(data(10).acks(acked)).dropped(Drop::tcp_data_after_close).reset_sent().silent();
    t.saw(tcp::event::reset).gone();
  }
}

TEST(CloseBoth, TakesLaterTextWhileItIsToBeDropped) {  // RFC 9112 9.6
  auto t = Tcp::established().close_and_drop().whatever().peer(ack());
  t.peer(data(10)).whatever().in(tcp::State::fin_wait_2);
  t.close_both();  // the linger is over
  t.peer(data(10).at(10)).dropped(Drop::tcp_data_after_close).reset_sent().gone();
}

TEST(CloseBoth, StillTakesThePeersFin) {
  auto t = Tcp::established().close_both().whatever();
  t.peer(fin()).us(ack().acks(1)).in(tcp::State::time_wait);
}

TEST(Abort, SendsRstWithExactlySndNxtWhereTheStandardSaysSo) {
  using enum tcp::State;
  for (const tcp::State state : {syn_received, established, fin_wait_1, fin_wait_2, close_wait}) {
    auto t = Tcp::in_state(state);
    Emission e;
    ASSERT_TRUE(abort(t.c, e)) << name_of(state);
    EXPECT_EQ(e.flags, wire::tcp_flag::rst);
    EXPECT_EQ(e.seq, t.c.snd_max);
    t.gone();
  }
  for (const tcp::State state : {syn_sent, closing, last_ack, time_wait}) {
    auto t = Tcp::in_state(state);
    Emission e;
    EXPECT_FALSE(abort(t.c, e)) << name_of(state);
    t.gone();
  }
}

TEST(Abort, NamesTheHighestNumberSentEvenAfterATimeOut) {
  auto t = Tcp::established().send(3'000).whatever();
  t.after(Duration{t.c.rto_us}).whatever();
  Emission e;
  ASSERT_TRUE(abort(t.c, e));
  EXPECT_EQ(e.seq, t.c.iss + 3'001);
}

TEST(CloseBoth, WaitsForeverWhereTheHoldIsZero) {
  auto cfg = plain();
  cfg.fin_wait_2_hold = Duration{0};
  auto t = Tcp::fin_wait_2(cfg).close_both();
  EXPECT_TRUE(t.c.life_at.is_never());
  t.after(Duration::from_s(100'000)).silent().in(tcp::State::fin_wait_2);
}

TEST(CloseBoth, AfterAFirstCloseBothChangesNothing) {
  auto t = Tcp::fin_wait_2().close_both().after(59_s).close_both();
  t.after(1_s).saw(tcp::event::fin_wait_2_end).gone();
}

TEST(Close, TwiceIsOnce) {
  auto t = Tcp::fin_wait_1();
  t.close().silent().close().silent().in(tcp::State::fin_wait_1);
}

}  // namespace
}  // namespace mayfly::testing
