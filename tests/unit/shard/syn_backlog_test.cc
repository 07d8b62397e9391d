// When a core counts as behind, and how many SYNs wait and are let in.
#include "shard/syn_backlog.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using shard::SynBacklog;

class SynBacklogTest : public ::testing::Test {
 protected:
  void bursts(std::size_t link, std::uint32_t n, std::size_t frames = kBurstMax) {
    for (std::uint32_t i = 0; i < n; ++i) backlog.note_burst(link, frames);
  }
  void push(std::uint32_t hash) { backlog.push({.hash = hash, .since = now}); }

  SynBacklog backlog{2};
  Instant now = Instant{} + 1_s;
};

TEST_F(SynBacklogTest, SeesALinkBehindAfterManyFullBurstsInARow) {
  bursts(0, SynBacklog::kBehind - 1);
  EXPECT_FALSE(backlog.is_behind(0));
  bursts(0, 1);
  EXPECT_TRUE(backlog.is_behind(0));
  EXPECT_FALSE(backlog.is_behind(1)) << "each link for itself";
  bursts(0, 1, kBurstMax - 1);
  EXPECT_FALSE(backlog.is_behind(0));
}

TEST_F(SynBacklogTest, LetsThemInInTheOrderInWhichTheyCame) {
  for (std::uint32_t i = 0; i < 3 * SynBacklog::kCapacity; ++i) {
    push(i);
    push(i + 1'000'000);
    EXPECT_EQ(backlog.front().hash, i);
    backlog.pop();
    EXPECT_EQ(backlog.front().hash, i + 1'000'000);
    backlog.pop();
  }
  EXPECT_EQ(backlog.size(), 0u);
}

TEST_F(SynBacklogTest, IsSaturatedWhenItIsFull) {
  for (std::uint32_t i = 0; i < SynBacklog::kCapacity; ++i) {
    EXPECT_FALSE(backlog.is_saturated(now));
    push(i);
  }
  EXPECT_TRUE(backlog.is_saturated(now));
  backlog.pop();
  EXPECT_FALSE(backlog.is_saturated(now));
}

TEST_F(SynBacklogTest, IsSaturatedWhenTheOldestHasWaitedForLong) {
  push(1);
  EXPECT_FALSE(backlog.is_saturated(now + SynBacklog::kPatience));
  EXPECT_TRUE(backlog.is_saturated(now + SynBacklog::kPatience + 1_us));
  backlog.pop();
  EXPECT_FALSE(backlog.is_saturated(now + 1_s)) << "nobody waits";
}

TEST_F(SynBacklogTest, AllowsFewWhileTheCoreIsBehindAndABurstOtherwise) {
  for (std::uint32_t i = 0; i < 100; ++i) push(i);
  EXPECT_EQ(backlog.allowance(true, 0), 1u) << "never none: SYNs alone must not stop everything";
  EXPECT_EQ(backlog.allowance(true, 32), 9u);
  EXPECT_EQ(backlog.allowance(false, 32), kBurstMax);
  while (backlog.size() > 3) backlog.pop();
  EXPECT_EQ(backlog.allowance(false, 0), 3u);
}

}  // namespace
}  // namespace mayfly::testing
