#include "load/hdr.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using load::from_hdr;
using load::to_hdr;

Histogram of(std::initializer_list<std::uint64_t> values) {
  Histogram histogram;
  for (const std::uint64_t value : values) histogram.record(value);
  return histogram;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> buckets_of(const Histogram& histogram) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> buckets;
  histogram.for_each(
      [&](std::uint64_t value, std::uint64_t count) { buckets.emplace_back(value, count); });
  return buckets;
}

TEST(Hdr, ComesBackBucketByBucket) {
  Prng prng(7);
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) histogram.record(prng.next() >> (24 + prng.next() % 40));
  histogram.record(0, 1'000'000'000'000);
  histogram.record(Histogram::kValueMax);
  auto again = from_hdr(to_hdr(histogram));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(buckets_of(*again), buckets_of(histogram));
  ASSERT_TRUE(again->restore(histogram.exact()));
  EXPECT_EQ(again->min(), histogram.min());
  EXPECT_EQ(again->max(), histogram.max());
  EXPECT_EQ(again->sum(), histogram.sum());
  for (const double percent : {0.0, 50.0, 99.0, 99.9, 100.0})
    EXPECT_EQ(again->percentile(percent), histogram.percentile(percent)) << percent;
}

TEST(Hdr, OfNothingIsNothing) {
  const auto again = from_hdr(to_hdr({}));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->count(), 0U);
}

// Made by HdrHistogram 2.1.11 for Java, with two and with three significant digits.
TEST(Hdr, ReadsWhatHdrHistogramWrites) {
  const auto two =
      from_hdr("HISTFAAAADF42pNpmSzMwMAgygABTFCaEYyAwP4DVILlJyMTUy8jUzYT00dmlte8TB8lmQCk3weQ");
  ASSERT_TRUE(two) << two.error().what;
  EXPECT_EQ(buckets_of(*two),
            buckets_of(of({0, 1, 1, 127, 128, 200, 255, 256, 1'000, 1'000, 123'456, 987'654'321})));
  const auto three = from_hdr(
      "HISTFAAAADh42pNpmSzMwMCeyQABzFCaEYyAwP4DRICXiXsUjkKKITsTKxPzKB7FFGMGMBylRqlhRQEAD7Mb4A==");
  ASSERT_TRUE(three) << three.error().what;
  EXPECT_EQ(three->count(), 1'000U);
  EXPECT_NEAR(static_cast<double>(three->percentile(50)), 3'500, 3'500.0 / 64);
}

TEST(Hdr, WritesWhatHdrHistogramReads) {
  EXPECT_EQ(to_hdr(of({1, 2, 3, 1'000})),
            "HISTFAAAACJ42pNpmSzMwMDAzgABTFCaEYyAwP4DTIaJ6S07EwBPcQN9")
      << "HdrHistogram 2.1.11 reads the same in this";
}

TEST(Hdr, RefusesWhatIsNoneOrDamaged) {
  for (const char* text : {"", "HISTF", "AAAA", "HISTFAAAACB42pNpmSzMwMA", "not base64 at all!",
                           "////////////////////////////////////////////"})
    EXPECT_FALSE(from_hdr(text)) << text;
  EXPECT_FALSE(from_hdr(std::string(1 << 20, 'A')));
}

TEST(Hdr, SurvivesAnyDamage) {
  Prng prng(11);
  const std::string whole = to_hdr(of({1, 5, 700, 80'000, 1'000'000'000}));
  for (int i = 0; i < 20'000; ++i) {
    std::string text = whole;
    for (std::uint64_t n = prng.next() % 4; n > 0; --n)
      text[prng.next() % text.size()] = static_cast<char>(prng.next());
    text.resize(prng.next() % (text.size() + 1));
    (void)from_hdr(text);
  }
}

TEST(Histogram, IsRestoredByItsOwnFiguresOnly) {
  Histogram histogram;
  histogram.record(1'023, 2);
  EXPECT_FALSE(histogram.restore({.min = 1, .max = 1'023, .sum = 2'040}));
  EXPECT_FALSE(histogram.restore({.min = 1'017, .max = 5'000, .sum = 2'039}));
  EXPECT_FALSE(histogram.restore({.min = 1'017, .max = 1'022, .sum = 5'000}));
  EXPECT_TRUE(histogram.restore({.min = 1'017, .max = 1'022, .sum = 2'039}));
  EXPECT_EQ(histogram.mean(), 1'019.5);
}

}  // namespace
}  // namespace mayfly::testing
