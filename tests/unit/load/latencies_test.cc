#include "load/latencies.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using load::Latencies;

TEST(Latencies, OfNothingAnsweredAreNone) {
  Latencies l;
  EXPECT_EQ(l.percentile(50), std::nullopt);
  l.failed(100);
  l.unmade(5, 1'000);
  EXPECT_EQ(l.percentile(50), std::nullopt) << "there is no bound below which anything was";
  EXPECT_EQ(l.max(), std::nullopt);
  EXPECT_EQ(l.count(), 6U);
}

TEST(Latencies, CountAFailureAsLongerThanAllThatWasAnswered) {
  Latencies l;
  for (std::uint64_t us = 1; us <= 90; ++us) l.answered(us);
  for (int i = 0; i < 10; ++i) l.failed(5);  // refused at once: that was not fast, it was nothing
  EXPECT_EQ(l.percentile(50), 50U);
  EXPECT_EQ(l.percentile(90), 90U);
  EXPECT_EQ(l.percentile(99), 90U);
  EXPECT_EQ(l.max(), 90U);
}

TEST(Latencies, CountAFailureAsAtLeastWhatItWaited) {
  Latencies l;
  for (int i = 0; i < 98; ++i) l.answered(10);
  l.failed(1'000'000);
  l.failed(2'000'000);
  EXPECT_EQ(l.percentile(98), 10U);
  EXPECT_NEAR(static_cast<double>(*l.percentile(99)), 1e6, 1e6 / 64);
  EXPECT_EQ(l.percentile(100), 2'000'000U);
}

TEST(Latencies, HoldWhatWasNotEvenBegun) {
  Latencies l;
  l.answered(10);
  l.answered(20);
  l.unmade(2, 3'000);
  EXPECT_EQ(l.percentile(50), 20U);
  EXPECT_EQ(l.percentile(75), 3'000U);
  l.unmade(0, 0);
  EXPECT_EQ(l.percentile(75), 20U);
}

TEST(Latencies, OfSeveralCoresAreThoseOfAll) {
  Latencies a, b;
  a.answered(10);
  a.failed(500);
  b.answered(30);
  b.unmade(1, 700);
  a.merge(b);
  EXPECT_EQ(a.count(), 4U);
  EXPECT_EQ(a.percentile(50), 30U);
  EXPECT_EQ(a.max(), 700U);
}

TEST(Latencies, SinceAnEarlierStateAreThoseThatCameAfterIt) {
  Latencies l;
  l.answered(10);
  l.failed(10);
  l.unmade(7, 100);
  const Latencies before = l;
  EXPECT_EQ(l.since(before).percentile(50), std::nullopt);
  l.answered(20);
  l.unmade(3, 50);
  EXPECT_EQ(l.since(before).count(), 1U);
  EXPECT_EQ(l.since(before).max(), 20U);
}

}  // namespace
}  // namespace mayfly::testing
