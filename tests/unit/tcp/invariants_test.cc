// The invariants of a connection: each is found when it is broken, and none when all hold.
#include "tcp/invariants.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "support/recorded.h"

namespace mayfly::testing {
namespace {

using tcp::Connection;

const tcp::TcpSettings kSettings;
constexpr Instant kNow{5'000'000};

/// An established connection with 1,000 octets under way and 500 held out of order.
Recorded busy() {
  Recorded c;
  c.state = tcp::State::established;
  c.iss = Seq{100};
  c.snd_una = Seq{1'000};
  c.snd_nxt = c.snd_max = c.snd_end = Seq{2'000};
  c.snd_wnd = c.max_snd_wnd = 60'000;
  c.rcv_nxt = c.last_ack_sent = Seq{5'000};
  c.rcv_adv = Seq{65'000};
  c.loss->held.range[0] = {Seq{6'000}, Seq{6'500}};
  c.loss->held.count = 1;
  c.rto_us = 1'000'000;
  c.retransmit_at = kNow + 1_s;
  c.cwnd = 14'600;
  c.mss = 1'460;
  return c;
}

TEST(Invariants, HoldForAConnectionAsItShouldBe) {
  EXPECT_EQ(broken_invariant(busy()) + broken_bounds(busy(), kSettings), "");
}

struct Break {
  const char* name;
  std::function<void(Connection&)> how;
};
class Invariants : public ::testing::TestWithParam<Break> {};

TEST_P(Invariants, AreFoundBroken) {
  Recorded c = busy();
  GetParam().how(c);
  EXPECT_NE(broken_invariant(c) + broken_bounds(c, kSettings), "");
}
INSTANTIATE_TEST_SUITE_P(
    When, Invariants,
    ::testing::Values(
        Break{"SndNxtBeforeSndUna", [](Connection& c) { c.snd_nxt = Seq{999}; }},
        Break{"SndNxtBeyondSndMax", [](Connection& c) { c.snd_nxt = Seq{2'001}; }},
        Break{"SentMoreThanQueued", [](Connection& c) { c.snd_end = Seq{1'999}; }},
        Break{"RcvNxtBeyondTheWindow", [](Connection& c) { c.rcv_nxt = Seq{65'001}; }},
        Break{"HeldBeyondTheWindow",
              [](Connection& c) { c.loss->held.range[0].right = Seq{65'001}; }},
        Break{"HeldAlreadyInOrder", [](Connection& c) { c.rcv_nxt = Seq{6'000}; }},
        Break{"AnEmptyRangeHeld", [](Connection& c) { c.loss->held.range[0].right = Seq{6'000}; }},
        Break{"SackedBeyondSndMax",
              [](Connection& c) {
                c.loss->sacked.range[0] = {Seq{1'500}, Seq{2'500}};
                c.loss->sacked.count = 1;
              }},
        Break{"RtoBelowItsFloor", [](Connection& c) { c.rto_us = 199'999; }},
        Break{"PersistWithoutItsTimer",
              [](Connection& c) {
                c.set(tcp::conn_flag::persist);
                c.retransmit_at = Instant::never();
              }},
        Break{"CwndBelowASegment", [](Connection& c) { c.cwnd = 1'000; }}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(StandingStill, IsWhatHasSomethingUnderWayAndNoTimer) {
  Recorded c = busy();
  EXPECT_FALSE(may_stand_still(c));
  c.retransmit_at = Instant::never();
  EXPECT_TRUE(may_stand_still(c));
}

/// What is found when `how` happens between two looks.
std::string progress(const std::function<void(Connection&)>& how) {
  Recorded c = busy();
  tcp::ConnectionShadow shadow;
  EXPECT_EQ(broken_progress(shadow, c, kSettings, kNow, true), "");
  how(c);
  return broken_progress(shadow, c, kSettings, kNow + 10_ms, true);
}

TEST(Progress, IsFineWhenTheConnectionGoesOn) {
  EXPECT_EQ(progress([](Connection& c) {
              c.snd_una = Seq{2'000};
              c.retransmit_at = Instant::never();
              c.rcv_nxt = Seq{5'500};
            }),
            "");
}

TEST(Progress, NothingGoesBack) {
  EXPECT_NE(progress([](Connection& c) { c.snd_una = Seq{999}; }), "");
  EXPECT_NE(progress([](Connection& c) { c.rcv_nxt = Seq{4'999}; }), "");
  EXPECT_NE(progress([](Connection& c) { c.rcv_adv = Seq{64'999}; }), "");
}

TEST(Progress, NeitherWindowIsExceeded) {
  EXPECT_NE(progress([](Connection& c) {
              c.snd_max = c.snd_nxt = c.snd_end = Seq{20'000};  // 19,000 octets; cwnd is 14,600
            }),
            "");
  EXPECT_NE(progress([](Connection& c) {
              c.cwnd = 1'000'000;
              c.snd_max = c.snd_nxt = c.snd_end = Seq{61'002};  // the peer allowed 61,000
            }),
            "");
}

TEST(Progress, NoRtoIsBelowItsFloor) {
  EXPECT_NE(progress([](Connection& c) { c.retransmit_at = kNow + 200_ms; }), "");
}

}  // namespace
}  // namespace mayfly::testing
