// How fast: slow start, congestion avoidance and the restart after idleness (RFC 5681, RFC 3465).
#include "tcp/congestion/newreno.h"

#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

TEST(SlowStart, GrowsByWhatIsAcknowledgedButTwoSegmentsAtMost) {
  auto t = Tcp::established().send(100'000).whatever();
  t.peer(ack().acks(1'000));
  EXPECT_EQ(t.c.cwnd, 11'000u);
  t.peer(ack().acks(9'000));
  EXPECT_EQ(t.c.cwnd, 13'000u);
}

TEST(SlowStart, GainsNothingFromDividedAcks) {
  auto t = Tcp::established().send(100'000).whatever();
  for (int i = 1; i <= 100; ++i) t.peer(ack().acks(i * 10));
  EXPECT_EQ(t.c.cwnd, 11'000u);
}

TEST(SlowStart, LeavesAWindowAloneOfWhichLittleWasUsed) {
  auto t = Tcp::established().send(4'000).whatever();
  t.peer(ack().acks(4'000));
  EXPECT_EQ(t.c.cwnd, 10'000u);
}

TEST(CongestionAvoidance, GrowsByOneSegmentAWindow) {
  auto t = Tcp::established();
  t.c.ssthresh = 5'000;
  t.send(200'000).whatever();
  for (int i = 1; i <= 10; ++i) t.peer(ack().acks(i * 1'000));
  EXPECT_EQ(t.c.cwnd, 11'000u);
}

TEST(Loss, HalvesWhatIsInFlightAndNotTheWindow) {
  auto t = Tcp::established().send(8'000).whatever();
  tcp::newreno::on_loss(t.c, t.cfg, t.now);
  EXPECT_EQ(t.c.ssthresh, 4'000u);
  EXPECT_EQ(t.c.cwnd, 10'000u) << "recovery sets it";
}

TEST(Loss, LeavesTwoSegmentsAtLeast) {
  auto t = Tcp::established().send(1'000).whatever();
  tcp::newreno::on_loss(t.c, t.cfg, t.now);
  EXPECT_EQ(t.c.ssthresh, 2'000u);
}

TEST(Idle, RestartsFromTheInitialWindow) {
  auto t = Tcp::established();
  t.c.cwnd = 60'000;
  t.send(1'000).whatever().peer(ack());
  t.after(10_s).send(60'000);
  EXPECT_EQ(t.text_sent(), 10'000u);
}

}  // namespace
}  // namespace mayfly::testing
