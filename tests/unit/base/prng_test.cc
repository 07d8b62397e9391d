#include "base/prng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace mayfly::testing {
namespace {

// Computed apart from this code, by one that gives the published sequences of both generators.
TEST(Prng, GivesTheKnownSequenceOfSeedZero) {
  Prng prng(0);
  EXPECT_EQ(prng.next(), 11091344671253066420U);
  EXPECT_EQ(prng.next(), 13793997310169335082U);
  EXPECT_EQ(prng.next(), 1900383378846508768U);
  EXPECT_EQ(prng.next(), 7684712102626143532U);
}

TEST(Prng, RepeatsItselfForTheSameSeedOnly) {
  Prng one(7), same(7), other(8);
  const std::uint64_t first = one.next();
  EXPECT_EQ(first, same.next());
  EXPECT_NE(first, other.next());
}

TEST(Prng, DrawsEveryNumberBelowNAboutEquallyOften) {
  constexpr std::uint64_t kSides = 7;
  constexpr int kDraws = 70'000;
  Prng prng(1);
  std::array<int, kSides> seen{};
  for (int i = 0; i < kDraws; ++i) ++seen.at(prng.below(kSides));
  for (int times : seen) EXPECT_NEAR(times, kDraws / int{kSides}, 500);
}

TEST(Prng, HasNoModuloBias) {
  // With n = 3 * 2^62, a plain modulo would draw the lowest third twice as often as the others.
  constexpr std::uint64_t kThird = std::uint64_t{1} << 62;
  Prng prng(2);
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += prng.below(3 * kThird) < kThird;
  EXPECT_NEAR(low, 10'000, 500);
}

TEST(Prng, BelowOneIsZero) {
  Prng prng(3);
  EXPECT_EQ(prng.below(1), 0U);
}

TEST(Prng, TakesAChanceAsOftenAsItsProbability) {
  Prng prng(4);
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) taken += prng.chance(0.01);
  EXPECT_NEAR(taken, 1'000, 150);
}

TEST(Prng, NeverTakesNoChanceAndAlwaysACertainty) {
  Prng prng(5);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_FALSE(prng.chance(0));
    EXPECT_TRUE(prng.chance(1));
  }
}

TEST(Prng, FillsAllBytesOfAnyLength) {
  Prng prng(6);
  std::vector<std::byte> ever(13);
  for (int i = 0; i < 20; ++i) {
    std::vector<std::byte> bytes(ever.size());
    prng.fill(bytes);
    for (std::size_t at = 0; at < ever.size(); ++at) ever[at] |= bytes[at];
  }
  EXPECT_EQ(std::ranges::count(ever, std::byte{0xff}), 13);
}

}  // namespace
}  // namespace mayfly::testing
