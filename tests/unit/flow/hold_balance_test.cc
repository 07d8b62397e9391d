// The two small parts that shape the hold: the balance of rate and capacity, and the timestamps of
// hosts for tcp_tw_recycle.
#include "flow/hold_balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "flow/host_stamps.h"

namespace mayfly::testing {
namespace {

constexpr Instant kStart = Instant{} + 1_s;

struct Balance {
  explicit Balance(std::uint32_t entries) : capacity(entries) {
    policy.balance = true;
    policy.hold = 60_s;
    policy.floor = 100_ms;
    balance.begin(policy, now);
  }
  /// Closes at `rate` for so many steps; the holds that were chosen, in seconds.
  std::vector<double> at_rate(double rate, int steps) {
    std::vector<double> holds;
    for (int i = 0; i < steps; ++i) {
      now = now + flow::HoldBalance::kStep;
      balance.step(policy, static_cast<std::uint64_t>(rate / 10), capacity, now);
      holds.push_back(balance.hold().seconds());
    }
    return holds;
  }
  flow::TimeWaitPolicy policy;
  flow::HoldBalance balance;
  std::uint32_t capacity;
  Instant now = kStart;
};

TEST(HoldBalanceTest, HoldsAsLongAsThePolicySaysWhileTheTableCanTakeIt) {
  Balance b(1'000'000);
  for (const double hold : b.at_rate(1'000, 100)) EXPECT_EQ(hold, 60);
}

TEST(HoldBalanceTest, SettlesAtCapacityOverRate) {
  Balance b(100'000);
  const double settled = b.at_rate(50'000, 100).back();
  EXPECT_NEAR(settled, flow::HoldBalance::kFill * 100'000 / 50'000, 0.01);
}

TEST(HoldBalanceTest, FollowsARiseBeforeTheTableIsFull) {
  Balance b(100'000);
  b.at_rate(10'000, 100);
  EXPECT_LT(b.at_rate(100'000, 4).back(), 1.0);
}

TEST(HoldBalanceTest, FollowsAFallWithoutOvershoot) {
  Balance b(100'000);
  b.at_rate(100'000, 50);
  double before = 0;
  for (const double hold : b.at_rate(10'000, 400)) {
    EXPECT_GE(hold, before);
    before = hold;
  }
  EXPECT_NEAR(before, flow::HoldBalance::kFill * 10, 0.1);
}

TEST(HoldBalanceTest, DoesNotSwingWithANoisyRate) {
  Balance b(100'000);
  b.at_rate(50'000, 100);
  std::vector<double> holds;
  for (int i = 0; i < 200; ++i) holds.push_back(b.at_rate(i % 2 == 0 ? 48'000 : 52'000, 1).back());
  const auto [least, most] = std::minmax_element(holds.begin(), holds.end());
  EXPECT_LT(*most / *least, 1.06);
}

TEST(HoldBalanceTest, NeverGoesBelowTheFloor) {
  Balance b(1'000);
  EXPECT_DOUBLE_EQ(b.at_rate(1e6, 50).back(), 0.1);
}

TEST(HoldBalanceTest, MeasuresOverTheTimeThatReallyPassed) {
  Balance b(100'000);
  b.at_rate(50'000, 100);
  const Duration before = b.balance.hold();
  b.now = b.now + 1_s;  // the core stood still
  b.balance.step(b.policy, 50'000, b.capacity, b.now);
  EXPECT_NEAR(b.balance.hold().seconds(), before.seconds(), 0.01);
}

struct Hosts {
  std::vector<flow::HostStamp> places = std::vector<flow::HostStamp>(64);
  flow::HostStamps stamps{places};
  static FlowKey4 host(std::uint32_t n, std::uint16_t port = 1'024) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0100 + n}, port);
  }
};

TEST(HostStampsTest, CallsASynOldThatIsBehindItsHostsLastTimestamp) {
  Hosts h;
  h.stamps.remember(h.host(1), 1'000, kStart);
  EXPECT_TRUE(h.stamps.is_old(h.host(1, 2'000), 998, kStart + 1_s)) << "whatever its port";
  EXPECT_FALSE(h.stamps.is_old(h.host(1), 999, kStart + 1_s)) << "one tick of grace";
  EXPECT_FALSE(h.stamps.is_old(h.host(1), 1'001, kStart + 1_s));
  EXPECT_FALSE(h.stamps.is_old(h.host(2), 1, kStart + 1_s)) << "another host";
}

TEST(HostStampsTest, ComparesTimestampsAsSerialNumbers) {
  Hosts h;
  h.stamps.remember(h.host(1), 0xffff'fff0, kStart);
  EXPECT_FALSE(h.stamps.is_old(h.host(1), 5, kStart + 1_s));
  h.stamps.remember(h.host(1), 5, kStart);
  EXPECT_TRUE(h.stamps.is_old(h.host(1), 0xffff'fff0, kStart + 1_s));
}

TEST(HostStampsTest, ForgetsAfterAMinute) {
  Hosts h;
  h.stamps.remember(h.host(1), 1'000, kStart);
  EXPECT_TRUE(h.stamps.is_old(h.host(1), 1, kStart + 59_s));
  EXPECT_FALSE(h.stamps.is_old(h.host(1), 1, kStart + 60_s));
}

TEST(HostStampsTest, TheOldestHostGivesWay) {
  Hosts h;
  h.places.resize(flow::HostStamps::kWays);  // one set
  h.stamps = flow::HostStamps(h.places);
  for (std::uint32_t n = 0; n < 5; ++n)
    h.stamps.remember(h.host(n), 1'000, kStart + Duration::from_ms(n));
  EXPECT_FALSE(h.stamps.is_old(h.host(0), 1, kStart + 1_s));
  for (std::uint32_t n = 1; n < 5; ++n) EXPECT_TRUE(h.stamps.is_old(h.host(n), 1, kStart + 1_s));
}

}  // namespace
}  // namespace mayfly::testing
