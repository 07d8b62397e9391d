// The token bucket that limits answers to strangers.
#include "base/rate_limit.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

TEST(RateLimitTest, AllowsABurstAndThenTheRate) {
  RateLimit limit(100, 5);
  Instant now{1'000'000};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.allow(now));
  EXPECT_FALSE(limit.allow(now));
  now = now + 9_ms;
  EXPECT_FALSE(limit.allow(now));
  now = now + 1_ms;
  EXPECT_TRUE(limit.allow(now));
  EXPECT_FALSE(limit.allow(now));
}

TEST(RateLimitTest, SavesNoMoreThanABurst) {
  RateLimit limit(100, 5);
  Instant now{1'000'000};
  EXPECT_TRUE(limit.allow(now));
  now = now + 1'000_s;
  int allowed = 0;
  while (limit.allow(now)) ++allowed;
  EXPECT_EQ(allowed, 5);
}

TEST(RateLimitTest, TellsHowManyItWouldAllow) {
  RateLimit limit(100, 5);
  Instant now{1'000'000};
  EXPECT_EQ(limit.allowed(now), 5u);
  EXPECT_EQ(limit.allowed(now), 5u);
  limit.spend(4);
  EXPECT_EQ(limit.allowed(now), 1u);
  EXPECT_TRUE(limit.allow(now));
  EXPECT_EQ(limit.allowed(now + 25_ms), 2u);
}

TEST(RateLimitTest, HoldsTheRateInTheLongRun) {
  RateLimit limit(1'000, 50);
  int allowed = 0;
  for (Instant now{0}; now < Instant{10'000'000}; now = now + 100_us)
    allowed += limit.allow(now) ? 1 : 0;
  EXPECT_NEAR(allowed, 10'050, 10);
}

}  // namespace
}  // namespace mayfly::testing
