// RFC 8985: losses told by time, a reordering window that adapts, and tail loss probes.
#include "tcp/congestion/rack.h"

#include "support/tcp_bench.h"
#include "tcp/invariants.h"

namespace mayfly::testing {
namespace {

tcp::TcpSettings sacking() {
  auto cfg = plain();
  cfg.sack = true;
  return cfg;
}
/// Established with a round trip of 10 ms.
Tcp racked() { return Tcp::established(sacking(), syn().mss(1'000).sack_ok()); }

TEST(Rack, APeerThatIsSilentForHoursGetsOneSegmentAtATime) {  // times of runs wrap after an hour
  auto cfg = sacking();
  cfg.retries = 30;
  cfg.rto_max = 600_s;
  auto t = Tcp::established(cfg, syn().mss(1'000).sack_ok()).send(3'000).whatever();
  t.after(10_ms).peer(ack().acks(0).sack(2'000, 3'000)).whatever();
  for (int times = 0; times < 40 && t.c.state == tcp::State::established; ++times) {
    t.after(600_s);
    ASSERT_LE(t.out.size(), times == 0 ? 15u : 1u) << times;
    t.whatever();
  }
  EXPECT_EQ(t.c.retries, 30);
}

TEST(TailLossProbe, FollowsAfterTwoRoundTripsAndNotAfterTheTimeOut) {
  auto t = racked().send(3'000).close().whatever().after(10_ms).peer(ack().acks(1'000)).whatever();
  t.after(19_ms).silent().after(1_ms).us(data(1'000).at(2'000).with_fin()).silent();
  EXPECT_EQ(t.c.retries, 0) << "a probe is no time-out";
  EXPECT_EQ(t.c.cwnd, 10'000u);
}

TEST(TailLossProbe, IsTheLastSegmentWithItsFin) {
  auto t = racked().send(2'500).close().whatever().after(20_ms);
  ASSERT_EQ(t.out.size(), 1u);
  EXPECT_EQ(t.out[0].seq, t.c.iss + 1 + 2'000);
  EXPECT_EQ(t.out[0].payload_len, 500u);
  EXPECT_TRUE(t.out[0].has(wire::tcp_flag::fin));
}

TEST(TailLossProbe, IsNewTextIfThereIsAny) {
  auto t = racked().send(30'000).whatever().after(20_ms).us(data(1'000).at(10'000)).silent();
}

TEST(TailLossProbe, IsSentWhateverTheCongestionWindowSays) {
  auto t = racked().send(30'000).whatever();
  t.c.cwnd = 2'000;
  tcp::ConnectionShadow shadow;
  EXPECT_EQ(broken_progress(shadow, t.c, t.cfg, t.now, true), "");
  t.after(20_ms).us(data(1'000).at(10'000)).silent();
  EXPECT_EQ(broken_progress(shadow, t.c, t.cfg, t.now, true), "");
}

TEST(TailLossProbe, ShowsWhatElseIsLostInOneRoundTripMore) {
  auto t = racked().send(5'000).whatever().after(10_ms).peer(ack().acks(1'000)).whatever();
  t.after(20_ms).us(data(1'000).at(4'000)).silent();  // 1,000 to 5,000 are lost
  t.after(10_ms).peer(ack().acks(1'000).sack(4'000, 5'000));
  t.us(data(1'000).at(1'000)).whatever();
  EXPECT_TRUE(t.c.has(tcp::conn_flag::recovery));
}

TEST(TailLossProbe, GivesALoneSegmentTheTimeOfADelayedAck) {
  auto t = racked().send(100).whatever().after(69_ms).silent();
  t.after(1_ms).us(data(100).at(0)).silent();
}

TEST(TailLossProbe, DoesNotGiveThatTimeToALoneSegmentWithItsFin) {
  auto t = racked().send(100).close().whatever().after(19_ms).silent();
  t.after(1_ms).us(data(100).with_fin().at(0)).silent();
}

TEST(TailLossProbe, IsSentOnceAndThenTheTimeOutComes) {
  auto t = racked().send(3'000).whatever().after(20_ms).us(data(1'000).at(2'000)).silent();
  t.after(199_ms).silent().after(1_ms).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.retries, 1);
}

TEST(TailLossProbe, OfTheLastTextCarriesTheFin) {
  auto t = racked().send(10'500).close().whatever();
  EXPECT_EQ(t.c.snd_max, t.c.snd_una + 10'000);
  t.after(20_ms).us(data(500).with_fin().at(10'000)).silent();
}

TEST(TailLossProbe, ThatArrivedTwiceCostsNothing) {
  auto t = racked().send(3'000).whatever().after(20_ms).whatever();
  t.peer(ack().acks(3'000)).peer(ack().acks(3'000).sack(2'000, 3'000));
  EXPECT_EQ(t.c.cwnd, 10'000u);
  EXPECT_FALSE(t.c.rack.tail_outstanding);
}

TEST(TailLossProbe, ThatRepairedALossIsAnsweredForByTheWindow) {
  auto t = racked().send(10'000).whatever().after(5_ms).peer(ack().acks(9'000));
  t.after(70_ms).us(data(1'000).at(9'000)).after(10_ms).peer(ack().acks(10'000)).whatever();
  t.send(1'000).whatever().after(10_ms).peer(ack().acks(11'000));
  EXPECT_LT(t.c.cwnd, 10'000u);
}

TEST(TailLossProbe, IsNotSentIntoAShutWindowNorWithoutSack) {
  auto t = racked().send(3'000).whatever().peer(ack().acks(0).window(0)).whatever();
  t.after(100_ms).silent();
  Tcp::established().send(3'000).whatever().after(199_ms).silent();
}

TEST(TailLossProbe, StopsWithTheConnection) {
  auto t = racked().send(3'000).whatever();
  Emission e;
  EXPECT_TRUE(abort(t.c, e));
  t.after(1_s).silent().gone();
}

TEST(EarlyRetransmit, FollowsAQuarterOfARoundTripAfterASingleBlock) {  // too few for three
  auto t = racked().send(2'000).whatever().after(10_ms).peer(ack().acks(0).sack(1'000, 2'000));
  t.silent().after(2_ms).silent().after(1_ms).us(data(1'000).at(0)).silent();
}

// Both were sent in one look at the clock, and which was first is not known.
TEST(Rack, TellsNothingOfNewTextByWhatWasSentAgainAtTheSameTime) {
  auto t = racked().send(30'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 8'000)).us(data(1'000).at(0)).us(data(1'000).at(10'000));
  t.whatever().after(10_ms).peer(ack().acks(8'000).sack(9'000, 10'000)).us(data(1'000).at(8'000));
  EXPECT_EQ(look_at_holes(t.c).lost, 0u) << "what is new is still on its way";
}

TEST(Reordering, OnceSeenIsGivenTime) {
  auto t = racked().send(10'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 2'000)).peer(ack().acks(2'000));  // it was late, not lost
  EXPECT_TRUE(t.c.rack.reordering_seen);
  t.peer(ack().acks(2'000).sack(3'000, 6'000)).silent();
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
  t.peer(ack().acks(6'000)).after(100_ms);
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery)) << "it came within the window";
}

TEST(Reordering, IsALossOnceTheWindowIsOver) {
  auto t = racked().send(10'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 2'000)).peer(ack().acks(2'000)).whatever();
  t.peer(ack().acks(2'000).sack(3'000, 6'000)).silent();
  t.after(3_ms).us(data(1'000).at(2'000)).silent();
}

TEST(Reordering, WindowGrowsByDsacksOncePerRoundAndIsForgotten) {
  auto t = racked().send(20'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 4'000)).us(data(1'000).at(0)).whatever();
  t.after(1_ms).peer(ack().acks(4'000));
  t.peer(ack().acks(4'000).sack(0, 1'000)).peer(ack().acks(4'000).sack(0, 1'000));
  EXPECT_EQ(t.c.rack.window_mult, 2);
  for (int i = 0; i < 16; ++i) tcp::age_window(t.c.rack);
  EXPECT_EQ(t.c.rack.window_mult, 1);
}

// By its echo an original is known before the DSACK of its retransmission has come.
TEST(Reordering, WindowGrowsByTheDsackOfARetransmissionThatWasUndoneBefore) {
  auto cfg = sacking();
  cfg.timestamps = true;
  auto t = Tcp::established(cfg, syn().mss(1'000).stamped(100).sack_ok()).send(10'000);
  const auto stamp = t.out.front().ts.val;
  t.whatever().after(10_ms).peer(ack().acks(0).sack(988, 8'000)).whatever().after(1_ms);
  t.peer(ack().acks(8'000).stamped(101, stamp)).whatever();
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery)) << "undone";
  EXPECT_EQ(t.c.rack.window_mult, 1);
  t.after(9_ms).peer(ack().acks(8'000).sack(0, 988).stamped(102, stamp));
  EXPECT_EQ(t.c.rack.window_mult, 2);
  t.send(1'000).whatever().after(10_ms).peer(ack().acks(9'000).stamped(103, stamp));
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(9'000).sack(0, 988).stamped(104, stamp));
  EXPECT_EQ(t.c.rack.window_mult, 2) << "more than were sent again: of the network's making";
}

TEST(Reordering, WindowIgnoresDuplicatesOfTheNetworksMaking) {
  auto t = racked().send(3'000).whatever().after(10_ms).peer(ack().acks(3'000));
  t.send(3'000).whatever();
  for (int i = 0; i < 5; ++i) t.peer(ack().acks(3'000).sack(0, 1'000)).silent();
  EXPECT_EQ(t.c.rack.window_mult, 1);
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
}

}  // namespace
}  // namespace mayfly::testing
