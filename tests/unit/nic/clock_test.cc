#include "nic/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

namespace mayfly::testing {
namespace {

using nic::TscClock;

TEST(Clock, StartsAtOneSecond) {
  const TscClock clock;
  EXPECT_GE(clock.now().us, 1'000'000);
  EXPECT_LT(clock.now().us, 2'000'000);
}

TEST(Clock, StartsWhereItIsTold) {
  constexpr Instant kFar{6'000'000'000'000'000};  // 190 years
  const TscClock clock(kFar);
  EXPECT_GE(clock.now(), kFar);
  EXPECT_LT(clock.now(), kFar + 1_s);
}

TEST(Clock, GoesAtTheRateOfTheSystemsOwn) {
  const TscClock clock;
  const Instant before = clock.now();
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(50)) {
  }
  const auto real = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  EXPECT_NEAR(static_cast<double>((clock.now() - before).us), static_cast<double>(real.count()),
              3'000);
}

TEST(Clock, NeverGoesBack) {
  const TscClock clock;
  Instant last = clock.now();
  for (int i = 0; i < 100'000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, IsExactAfterYears) {
  constexpr std::uint64_t kHz = 2'600'000'000;
  const TscClock clock(kHz);
  const std::uint64_t base = TscClock::cycles();
  constexpr std::uint64_t kYears = 50ull * 365 * 86'400;
  const Duration passed = clock.at(base + kYears * kHz) - clock.at(base);
  EXPECT_LE(std::abs(passed.us - static_cast<std::int64_t>(kYears * 1'000'000)), 1);
}

}  // namespace
}  // namespace mayfly::testing
