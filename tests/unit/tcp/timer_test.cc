// Retransmission to R2, keep-alive and the deadlines (RFC 9293 3.8.3, 3.8.4; RFC 6298 5).
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

TEST(Retransmission, DoublesItsPausesTellsR1AndEndsAtR2) {
  auto cfg = plain();
  cfg.retries = 5;
  auto t = Tcp::established(cfg);
  t.send(100).us(data(100));
  Duration pause{t.c.rto_us};
  for (int i = 1; i <= 5; ++i, pause = pause * 2) {
    t.after(pause - 1_ms).silent().after(1_ms).us(data(100).at(0)).silent();
    EXPECT_EQ((t.events & tcp::event::slow) != 0, i == 3) << i;
  }
  t.after(pause).silent().saw(tcp::event::timed_out).gone();
}

TEST(Retransmission, ByDefaultGoesOnForMoreThan100Seconds) {
  Tcp::established().send(100).after(100_s).in(tcp::State::established);
}

TEST(Retransmission, TimerStartsAnewWhenNewTextIsAcknowledged) {
  auto t = Tcp::established();
  t.send(3'000).whatever().after(150_ms).peer(ack().acks(1'000)).after(150_ms).silent();
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(1'000));
}

TEST(Retransmission, TimerStopsWhenAllIsAcknowledged) {
  auto t = Tcp::established();
  t.send(100).whatever().peer(ack()).after(Duration::from_s(1'000)).silent();
  EXPECT_TRUE(next_deadline(t.c).is_never());
}

TEST(Retransmission, CarriesTheCurrentAckAndWindow) {
  auto t = Tcp::established();
  t.send(100).whatever().peer(data(10).acks(0)).after(Duration{t.c.rto_us}).us(ack().acks(10));
  t.us(data(100).at(0).acks(10));
}

TEST(Retransmission, BlamesTheWayToThePeerOnlyIfThePeerIsSilent) {
  const auto at_the_time_out = [](auto&& between) {
    auto t = Tcp::established().send(100).whatever();
    t.after(100_ms);
    between(t);
    t.now = t.c.retransmit_at;
    return is_peer_silent(t.c, t.now);
  };
  EXPECT_TRUE(at_the_time_out([](Tcp&) {}));
  EXPECT_FALSE(at_the_time_out([](Tcp& t) { t.peer(data(5).acks(0)); }));
  EXPECT_FALSE(at_the_time_out([](Tcp& t) { t.peer(ack().acks(0).window(0)); }))
      << "it says that its window is shut";
  auto t = Tcp::established().send(100);
  EXPECT_FALSE(is_peer_silent(t.c, t.now)) << "it is not due";
}

TEST(KeepAlive, IsOffByDefault) {
  Tcp::established().after(Duration::from_s(100'000)).silent().in(tcp::State::established);
}

tcp::TcpSettings keeping_alive() {
  auto cfg = plain();
  cfg.keep_alive = {true, 100_s, 10_s, 3};
  return cfg;
}

TEST(KeepAlive, ProbesAfterIdlenessAndGivesUpAfterSeveral) {
  auto t = Tcp::established(keeping_alive());
  t.after(99_s)
      .silent()
      .after(1_s)
      .us(ack().at(-1))
      .after(9_s)
      .silent()
      .after(1_s)
      .us(ack().at(-1));
  t.after(10_s).us(ack().at(-1)).after(10_s).silent().saw(tcp::event::timed_out).gone();
}

TEST(KeepAlive, IsSatisfiedByAnyAnswer) {
  auto t = Tcp::established(keeping_alive());
  t.after(100_s).us(ack().at(-1)).peer(ack()).after(80_s).silent().in(tcp::State::established);
  for (int i = 0; i < 20; ++i)
    t.after(19_s).peer(ack()).after(80_s).silent().in(tcp::State::established);
}

TEST(KeepAlive, IsSilentOnceItIsSwitchedOff) {
  auto t = Tcp::established(keeping_alive());
  t.cfg.keep_alive.enabled = false;
  t.after(Duration::from_s(1'000)).silent().in(tcp::State::established);
  EXPECT_TRUE(next_deadline(t.c).is_never());
}

TEST(LiveSettings, SwitchKeepAliveOnForConnectionsThatAreOpenAlready) {
  auto t = Tcp::established();
  t.after(30_s).follows([](auto& cfg) { cfg.keep_alive = {true, 100_s, 10_s, 3}; });
  t.after(69_s).silent().after(1_s).us(ack()).silent();
}

TEST(LiveSettings, ShortenTheIdleTimeThatIsRunningAndTheIntervalBetweenProbes) {
  auto t = Tcp::established(keeping_alive());
  t.after(50_s).follows([](auto& cfg) { cfg.keep_alive.idle = 20_s; });
  t.after(0_s).us(ack());  // it was idle for longer already
  t.follows([](auto& cfg) { cfg.keep_alive.interval = 2_s; }).after(2_s).us(ack()).silent();
}

TEST(LiveSettings, EndAFinWait2ThatWasToLastForEver) {
  auto cfg = plain();
  cfg.fin_wait_2_hold = 0_s;
  auto t = Tcp::established(cfg).close_both().peer(ack()).whatever();
  t.after(3'600_s).in(tcp::State::fin_wait_2);
  t.follows([](auto& now) { now.fin_wait_2_hold = 3'660_s; });
  t.after(59_s).in(tcp::State::fin_wait_2).after(1_s).saw(tcp::event::fin_wait_2_end).gone();
}

TEST(LiveSettings, CountFinWait2FromWhenNobodyReadAnyMore) {
  auto t = Tcp::fin_wait_2();
  t.after(50_s).close_both().after(10_s);
  t.follows([](auto& cfg) { cfg.fin_wait_2_hold = 20_s; });
  t.after(9_s).in(tcp::State::fin_wait_2).after(1_s).gone();
}

TEST(LiveSettings, LengthenAFinWait2OrLetItLastForEver) {
  auto t = Tcp::established().close_both().peer(ack()).whatever();
  t.after(50_s).follows([](auto& cfg) { cfg.fin_wait_2_hold = 100_s; });
  t.after(49_s).in(tcp::State::fin_wait_2);
  t.follows([](auto& cfg) { cfg.fin_wait_2_hold = 0_s; }).after(10'000_s);
  t.in(tcp::State::fin_wait_2);
}

TEST(LiveSettings, LeaveAloneWhoWaitsForNeither) {
  for (const tcp::State state : {tcp::State::syn_sent, tcp::State::syn_received,
                                 tcp::State::time_wait, tcp::State::fin_wait_2}) {
    auto t = Tcp::in_state(state);
    const Instant due = next_deadline(t.c);
    t.follows([](auto& cfg) { cfg.fin_wait_2_hold = 1_s; });
    EXPECT_EQ(next_deadline(t.c), due) << tcp::name_of(state);
  }
}

TEST(KeepAlive, WaitsWhileTextIsOnItsWay) {
  auto t = Tcp::established(keeping_alive());
  t.after(95_s).send(10).us(data(10)).after(150_ms).silent();
}

TEST(KeepAlive, OfThePeerIsAnswered) {
  auto t = Tcp::established();
  t.peer(ack().at(-1)).us(ack().acks(0));
  t.peer(data(1).at(-1)).us(ack().acks(0));
}

}  // namespace
}  // namespace mayfly::testing
