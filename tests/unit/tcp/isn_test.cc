// RFC 6528 and RFC 7323 7.1.
#include "tcp/isn.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using tcp::initial_sequence;
using tcp::timestamp_offset;

constexpr std::array<std::byte, 12> kKey{std::byte{1}};
constexpr std::array<std::byte, 12> kOtherKey{std::byte{2}};
constexpr tcp::Secret kSecret{1, 2};

TEST(Isn, RisesByOneEveryFourMicrosecondsForAFlow) {
  const Instant t{40'000'000};
  const Seq first = initial_sequence(kKey, kSecret, t);
  EXPECT_EQ(initial_sequence(kKey, kSecret, t + Duration::from_ms(1)) - first, 250);
  EXPECT_EQ(initial_sequence(kKey, kSecret, t + Duration{3}) - first, 0);
}

TEST(Isn, OfOneFlowTellsNothingAboutAnotherOrAnotherSecret) {
  const Instant t{};
  EXPECT_NE(initial_sequence(kKey, kSecret, t), initial_sequence(kOtherKey, kSecret, t));
  EXPECT_NE(initial_sequence(kKey, kSecret, t), initial_sequence(kKey, {1, 3}, t));
}

TEST(TimestampOffset, IsFixedForAPairOfHostsAndDiffersBetweenPairs) {
  EXPECT_EQ(timestamp_offset(kKey, kSecret), timestamp_offset(kKey, kSecret));
  EXPECT_NE(timestamp_offset(kKey, kSecret), timestamp_offset(kOtherKey, kSecret));
  EXPECT_NE(timestamp_offset(kKey, kSecret), initial_sequence(kKey, kSecret, {}).raw);
}

}  // namespace
}  // namespace mayfly::testing
