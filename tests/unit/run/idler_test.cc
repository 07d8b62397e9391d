#include "run/idler.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using run::Idler;

Instant at_us(std::int64_t us) { return Instant{} + Duration{us}; }

TEST(Idler, AdaptiveSleepsForAsLongAsThereWasNoWork) {
  Idler idler(shard::Idle::adaptive);
  EXPECT_FALSE(idler.is_idle(true, at_us(100)));
  EXPECT_FALSE(idler.is_idle(false, at_us(300))) << "work may be on its way";
  EXPECT_TRUE(idler.is_idle(false, at_us(301)));
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(301)).us, 201);
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(1'101)), Idler::kSleep);
  EXPECT_FALSE(idler.is_idle(true, at_us(1'200))) << "awake again at once";
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(1'201)).us, 0);
}

TEST(Idler, ATimerThatIsDueSoonerEndsTheSleep) {
  Idler idler(shard::Idle::adaptive);
  EXPECT_TRUE(idler.is_idle(false, at_us(5'000)));
  EXPECT_EQ(idler.sleep_until(at_us(5'070), at_us(5'000)).us, 70);
  EXPECT_EQ(idler.sleep_until(at_us(5'000), at_us(5'000)).us, 0) << "due now";
  EXPECT_EQ(idler.sleep_until(at_us(4'000), at_us(5'000)).us, 0) << "late already";
}

TEST(Idler, PollNeverSleeps) {
  Idler idler(shard::Idle::poll);
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(idler.is_idle(false, at_us(1'000'000)));
  EXPECT_TRUE(idler.is_idle(false, at_us(1'000'000))) << "it pauses";
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(2'000'000)).us, 0);
}

}  // namespace
}  // namespace mayfly::testing
