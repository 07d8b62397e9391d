// How fast, with CUBIC (RFC 9438).
#include "tcp/congestion/cubic.h"

#include <cmath>

#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

tcp::TcpSettings cubic() {
  auto cfg = plain();
  cfg.congestion_control = tcp::CongestionControl::cubic;
  cfg.sack = true;
  return cfg;
}
Tcp by_cubic() { return Tcp::established(cubic(), syn().mss(1'000).sack_ok()); }

/// One window a round trip of 100 ms, `times` times; the window is always in full use.
void run_rounds(Tcp& t, int times) {
  for (int i = 0; i < times; ++i) {
    t.now = t.now + 100_ms;
    const std::uint32_t window = t.c.cwnd;
    for (std::uint32_t n = 0; n < window; n += 1'000) {
      t.c.flight_sent = window;
      tcp::cubic::on_ack(t.c, 1'000, t.cfg, t.now);
    }
  }
}
Tcp in_avoidance(std::uint32_t cwnd, std::uint32_t w_max) {
  auto t = by_cubic();
  t.c.srtt_us = 100'000;
  t.c.cwnd = t.c.ssthresh = cwnd;
  t.c.cubic.w_max = w_max;
  return t;
}

TEST(Cubic, IsTheDefault) {
  EXPECT_EQ(tcp::TcpSettings{}.congestion_control, tcp::CongestionControl::cubic);
}

TEST(Cubic, ReducesByThreeTenths) {
  auto t = by_cubic().send(10'000).whatever().peer(ack().acks(0).sack(1'000, 4'000));
  EXPECT_EQ(t.c.ssthresh, 7'000u);
}

TEST(Cubic, LeavesTwoSegmentsAtLeast) {
  auto t = by_cubic().send(2'000).whatever().after(10_s);
  EXPECT_EQ(t.c.ssthresh, 2'000u);
}

TEST(Cubic, IsBackAtItsLastMaximumAfterK) {
  // K = cbrt(300 segments / 0.4) = 9.09 s
  auto t = in_avoidance(700'000, 1'000'000);
  run_rounds(t, 91);
  EXPECT_NEAR(t.c.cwnd, 1'000'000, 10'000);
}

TEST(Cubic, IsSlowNearItsLastMaximumAndFastFurtherOn) {
  auto t = in_avoidance(700'000, 1'000'000);
  run_rounds(t, 20);
  const std::uint32_t early = t.c.cwnd - 700'000;
  run_rounds(t, 61);
  const std::uint32_t near = t.c.cwnd;
  run_rounds(t, 20);
  EXPECT_LT(t.c.cwnd - near, early / 5);
  run_rounds(t, 80);
  EXPECT_GT(t.c.cwnd, 1'200'000u);
}

TEST(Cubic, FollowsTheFormula) {
  auto t = in_avoidance(700'000, 1'000'000);
  for (int second = 1; second <= 8; ++second) {
    run_rounds(t, 10);
    const double dt = second - std::cbrt(300 / 0.4);
    EXPECT_NEAR(t.c.cwnd, 1'000'000 + 400.0 * dt * dt * dt, 12'000) << second;
  }
}

TEST(Cubic, IsNeverSlowerThanReno) {  // RFC 9438 4.3: small windows, short round trips
  auto t = in_avoidance(7'000, 10'000);
  t.c.srtt_us = 10'000;
  for (int i = 0; i < 40; ++i) run_rounds(t, 1), t.now = t.now - 90_ms;
  EXPECT_GE(t.c.cwnd, 20'000u);
}

TEST(Cubic, GivesWayWhereItStaysBelowItsLastMaximum) {  // RFC 9438 4.7
  auto t = by_cubic().send(10'000).whatever();
  t.c.cubic.w_max = 20'000;
  tcp::cubic::on_loss(t.c, t.cfg, t.now);
  EXPECT_EQ(t.c.cubic.w_max, 8'500u);
}

TEST(Cubic, StartsSlowlyByEightSegmentsAnAckAtMost) {
  auto t = by_cubic().send(100'000).whatever().peer(ack().acks(10'000));
  EXPECT_EQ(t.c.cwnd, 18'000u);
}

TEST(Cubic, RestartsFromTheInitialWindowAfterIdleness) {
  auto t = by_cubic();
  t.c.cwnd = 60'000;
  t.send(1'000).whatever().peer(ack());
  t.after(10_s).send(60'000);
  EXPECT_EQ(t.text_sent(), 10'000u);
}

}  // namespace
}  // namespace mayfly::testing
