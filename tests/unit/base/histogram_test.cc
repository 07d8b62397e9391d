#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

std::uint64_t nearest_rank(const std::vector<std::uint64_t>& sorted, double percent) {
  const double rank = std::ceil(percent * static_cast<double>(sorted.size()) / 100);
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

TEST(Histogram, IsZeroWhileEmpty) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.min(), 0U);
  EXPECT_EQ(empty.max(), 0U);
  EXPECT_EQ(empty.mean(), 0);
  EXPECT_EQ(empty.percentile(50), 0U);
}

TEST(Histogram, IsExactForSmallValues) {
  for (std::uint64_t value = 0; value < 128; ++value) {
    Histogram h;
    h.record(value);
    h.record(Histogram::kValueMax);  // so that max() does not hide the bucket's end
    EXPECT_EQ(h.percentile(50), value);
  }
}

TEST(Histogram, KnowsAnyValueToOneSixtyFourth) {
  Prng prng(1);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t value = prng.next() >> (24 + prng.below(40));
    Histogram h;
    h.record(value);
    h.record(Histogram::kValueMax);
    const std::uint64_t read = h.percentile(50);
    ASSERT_GE(read, value);
    ASSERT_LE(read - value, value / 64) << value;
  }
}

TEST(Histogram, AgreesWithASortedVector) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Histogram h;
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 5'000; ++i) {
      const std::uint64_t value = prng.next() >> (24 + prng.below(40));
      const std::uint64_t times = 1 + prng.below(3);
      h.record(value, times);
      all.insert(all.end(), times, value);
    }
    std::ranges::sort(all);
    ASSERT_EQ(h.count(), all.size());
    EXPECT_EQ(h.min(), all.front());
    EXPECT_EQ(h.max(), all.back());
    for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const std::uint64_t exact = nearest_rank(all, percent);
      EXPECT_GE(h.percentile(percent), exact) << percent;
      EXPECT_LE(h.percentile(percent), exact + exact / 64) << percent;
    }
  }
}

TEST(Histogram, NeverReportsMoreThanTheMaximum) {
  Histogram h;
  h.record(1'000'001);
  EXPECT_EQ(h.percentile(50), 1'000'001U);
  EXPECT_EQ(h.percentile(100), 1'000'001U);
}

TEST(Histogram, PutsAPercentileOnItsRank) {
  Histogram h;
  h.record(10, 999);
  h.record(100);
  EXPECT_EQ(h.percentile(99.9), 10U);
  EXPECT_EQ(h.percentile(99.91), 100U);
}

TEST(Histogram, CountsHugeValuesAsTheLargest) {
  Histogram h;
  h.record(Histogram::kValueMax);
  h.record(~std::uint64_t{0});
  EXPECT_EQ(h.count(), 2U);
  EXPECT_EQ(h.max(), Histogram::kValueMax);
  EXPECT_EQ(h.percentile(50), Histogram::kValueMax);
}

TEST(Histogram, AveragesExactly) {
  Histogram h;
  h.record(1'000'003, 3);
  h.record(1);
  EXPECT_DOUBLE_EQ(h.mean(), (3 * 1'000'003 + 1) / 4.0);
}

TEST(Histogram, TakesNoNoticeOfAValueRecordedZeroTimes) {
  Histogram h;
  h.record(5, 0);
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.max(), 0U);
}

TEST(Histogram, MergedEqualsRecordedTogether) {
  Prng prng(9);
  Histogram left, right, together;
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t value = prng.below(1'000'000);
    (i % 3 == 0 ? left : right).record(value);
    together.record(value);
  }
  left.merge(right);
  left.merge(Histogram());
  EXPECT_EQ(left.count(), together.count());
  EXPECT_EQ(left.min(), together.min());
  EXPECT_EQ(left.max(), together.max());
  EXPECT_DOUBLE_EQ(left.mean(), together.mean());
  for (double percent = 0; percent <= 100; percent += 0.5)
    EXPECT_EQ(left.percentile(percent), together.percentile(percent));
}

TEST(Histogram, ForgetsEverythingOnReset) {
  Histogram h;
  h.record(77, 5);
  h.reset();
  h.record(3);
  EXPECT_EQ(h.count(), 1U);
  EXPECT_EQ(h.percentile(100), 3U);
  EXPECT_EQ(h.min(), 3U);
}

}  // namespace
}  // namespace mayfly::testing
