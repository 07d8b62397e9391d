// RFC 6528 and RFC 7323 7.1.
#include "tcp/isn.h"

#include <gtest/gtest.h>

namespace mayfly {
namespace {

constexpr std::array<std::byte, 12> kKey{std::byte{1}};
constexpr std::array<std::byte, 12> kOtherKey{std::byte{2}};
constexpr Secret kSecret{1, 2};

TEST(Isn, rises_by_one_every_four_microseconds_for_a_flow) {
  const Instant t{40'000'000};
  const Seq first = initial_sequence(kKey, kSecret, t);
  EXPECT_EQ(initial_sequence(kKey, kSecret, t + Duration::from_ms(1)) - first, 250);
  EXPECT_EQ(initial_sequence(kKey, kSecret, t + Duration{3}) - first, 0);
}

TEST(Isn, of_one_flow_tells_nothing_about_another_or_another_secret) {
  const Instant t{};
  EXPECT_NE(initial_sequence(kKey, kSecret, t), initial_sequence(kOtherKey, kSecret, t));
  EXPECT_NE(initial_sequence(kKey, kSecret, t), initial_sequence(kKey, {1, 3}, t));
}

TEST(TimestampOffset, is_fixed_for_a_pair_of_hosts_and_differs_between_pairs) {
  EXPECT_EQ(timestamp_offset(kKey, kSecret), timestamp_offset(kKey, kSecret));
  EXPECT_NE(timestamp_offset(kKey, kSecret), timestamp_offset(kOtherKey, kSecret));
  EXPECT_NE(timestamp_offset(kKey, kSecret), initial_sequence(kKey, kSecret, {}).raw);
}

}  // namespace
}  // namespace mayfly
