#include "run/snapshots.h"

#include <gtest/gtest.h>

#include <memory>

namespace mayfly::testing {
namespace {

using Token = std::shared_ptr<int>;

TEST(Snapshots, AreNumberedFromOneOn) {
  run::Snapshots<int> snapshots;
  EXPECT_EQ(snapshots.newest(), 0u);
  EXPECT_EQ(snapshots.add({}, 7).number, 1u);
  EXPECT_EQ(snapshots.add({}, 8).number, 2u);
  EXPECT_EQ(snapshots.newest(), 2u);
}

TEST(Snapshots, StayWhereTheyAreUntilTheyAreFreed) {
  run::Snapshots<int> snapshots;
  const shard::Snapshot<int>& first = snapshots.add({}, 7);
  for (int i = 0; i < 1'000; ++i) snapshots.add({}, i);
  EXPECT_EQ(first.app, 7);
}

TEST(Snapshots, AreFreedWhenEveryCoreGoesByALaterOne) {
  run::Snapshots<Token> snapshots;
  const Token first = std::make_shared<int>(), second = std::make_shared<int>();
  snapshots.add({}, first);
  snapshots.add({}, second);
  snapshots.free_before(0);
  snapshots.free_before(1);
  EXPECT_EQ(snapshots.kept(), 2u) << "the first may still be gone by";
  snapshots.free_before(2);
  EXPECT_EQ(snapshots.kept(), 1u);
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(second.use_count(), 2);
}

TEST(SnapshotsDeathTest, AbortWhenACoreGoesByOneThatWasNeverMade) {
  run::Snapshots<int> snapshots;
  snapshots.add({}, 1);
  EXPECT_DEATH(snapshots.free_before(2), "a bug: expected number <= made_");
}

}  // namespace
}  // namespace mayfly::testing
