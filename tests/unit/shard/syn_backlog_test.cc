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
  bursts(0, 1, SynBacklog::kCalm);
  EXPECT_TRUE(backlog.is_behind(0));
  bursts(0, 1, SynBacklog::kCalm - 1);
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

TEST_F(SynBacklogTest, LetsInAsManyAsAreFinishedWhileTheCoreIsBehind) {
  for (std::uint32_t i = 0; i < 100; ++i) push(i);
  EXPECT_EQ(backlog.admit(true), 0u);
  backlog.earn(0);
  EXPECT_EQ(backlog.admit(true), 1u) << "SYNs alone must not stop everything";
  backlog.earn(32);
  EXPECT_EQ(backlog.admit(true), 9u);
  EXPECT_EQ(backlog.admit(true), 0u) << "they are paid for";
}

TEST_F(SynBacklogTest, LetsInABurstWhenTheCoreKeepsUp) {
  for (std::uint32_t i = 0; i < 100; ++i) push(i);
  EXPECT_EQ(backlog.admit(false), kBurstMax);
  while (backlog.size() > 3) backlog.pop();
  EXPECT_EQ(backlog.admit(false), 3u);
}

TEST_F(SynBacklogTest, LetsPassWhoeverArrivesWhileNobodyWaits) {
  EXPECT_FALSE(backlog.lets_pass()) << "nothing has been finished";
  backlog.earn(4);
  EXPECT_TRUE(backlog.lets_pass());
  EXPECT_TRUE(backlog.lets_pass());
  EXPECT_FALSE(backlog.lets_pass());
  backlog.earn(300);
  push(1);
  EXPECT_FALSE(backlog.lets_pass()) << "first come, first served";
}

TEST_F(SynBacklogTest, SavesUpForSoManyOnly) {
  for (int i = 0; i < 1'000; ++i) backlog.earn(kBurstMax);
  std::size_t passed = 0;
  while (backlog.lets_pass()) ++passed;
  EXPECT_EQ(passed, 512u);
}

}  // namespace
}  // namespace mayfly::testing
