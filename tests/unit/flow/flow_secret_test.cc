// RFC 6528 and RFC 7323 7.1.
#include "flow/flow_secret.h"

#include <gtest/gtest.h>

#include <set>

namespace mayfly::testing {
namespace {

using flow::FlowSecret;

constexpr FlowKey4 kKey = FlowKey4::of({0xc612'0001}, 80, {0xc612'0101}, 40'000);
const FlowSecret kSecret({1, 2});

/// The four-tuples that differ from kKey in one number.
std::array<FlowKey4, 4> neighbours() {
  std::array<FlowKey4, 4> keys{kKey, kKey, kKey, kKey};
  keys[0].local_ip ^= 1, keys[1].remote_ip ^= 1, keys[2].local_port ^= 1, keys[3].remote_port ^= 1;
  return keys;
}

TEST(InitialSequence, OfOneFlowTellsNothingAboutAnotherOrAnotherSecret) {
  const Instant t{};
  std::set<std::uint32_t> seen{kSecret.initial_sequence(kKey, t).raw};
  for (const FlowKey4& key : neighbours())
    EXPECT_TRUE(seen.insert(kSecret.initial_sequence(key, t).raw).second);
  EXPECT_TRUE(seen.insert(FlowSecret({1, 3}).initial_sequence(kKey, t).raw).second);
  EXPECT_TRUE(seen.insert(FlowSecret({3, 2}).initial_sequence(kKey, t).raw).second);
  EXPECT_TRUE(seen.insert(kSecret.hash(kKey)).second) << "the table's hash is not shown to peers";
}

TEST(InitialSequence, GoesOnForAFlowWhereTheSameSecretIsReadAgain) {
  const Instant t{40'000'000};
  const Seq first = kSecret.initial_sequence(kKey, t);
  EXPECT_EQ(FlowSecret({1, 2}).initial_sequence(kKey, t + Duration::from_ms(1)) - first, 250);
}

TEST(InitialSequence, IsAnotherForEachHostBehindAnAddress) {
  EXPECT_NE(kSecret.initial_sequence(kKey, {}, 1), kSecret.initial_sequence(kKey, {}, 2));
  EXPECT_NE(kSecret.initial_sequence(kKey, {}, 1), kSecret.initial_sequence(kKey, {}));
}

TEST(TimestampOffset, IsFixedForAPairOfHostsAndDiffersBetweenPairs) {
  const std::uint32_t offset = kSecret.timestamp_offset(kKey);
  const auto [local, remote, local_port, remote_port] = neighbours();
  EXPECT_EQ(kSecret.timestamp_offset(local_port), offset);
  EXPECT_EQ(kSecret.timestamp_offset(remote_port), offset);
  EXPECT_NE(kSecret.timestamp_offset(local), offset);
  EXPECT_NE(kSecret.timestamp_offset(remote), offset);
  EXPECT_NE(kSecret.timestamp_offset(kKey, 1), offset);
  EXPECT_NE(FlowSecret({1, 3}).timestamp_offset(kKey), offset);
}

}  // namespace
}  // namespace mayfly::testing
