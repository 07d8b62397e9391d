#include "base/slab.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

struct Block {
  std::uint32_t next_free;
  std::uint32_t owner;
};

TEST(Slab, HandsOutBlocksInOrderUntilItIsFull) {
  std::vector<Block> memory(3);
  Slab<Block> slab(memory);
  for (std::uint32_t index = 0; index < 3; ++index) EXPECT_EQ(slab.take(), index);
  EXPECT_TRUE(slab.full());
  EXPECT_EQ(slab.take(), kNoIndex);
  EXPECT_EQ(slab.used(), 3U);
}

TEST(Slab, HandsOutTheHottestBlockFirst) {
  std::vector<Block> memory(3);
  Slab<Block> slab(memory);
  for (int i = 0; i < 3; ++i) slab.take();
  slab.give_back(0);
  slab.give_back(2);
  EXPECT_EQ(slab.take(), 2U);
  EXPECT_EQ(slab.take(), 0U);
}

TEST(Slab, LeavesBlocksAloneThatWereNeverTaken) {
  std::vector<Block> memory(3, Block{42, 42});
  Slab<Block> slab(memory);
  slab.give_back(slab.take());
  EXPECT_EQ(memory[1].next_free, 42U);
  EXPECT_EQ(memory[2].next_free, 42U);
}

TEST(Slab, OfNothingIsFull) {
  Slab<Block> slab;
  EXPECT_TRUE(slab.full());
  EXPECT_EQ(slab.take(), kNoIndex);
}

TEST(Slab, NeverHandsOutABlockTwice) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    std::vector<Block> memory(50);
    Slab<Block> slab(memory);
    std::set<std::uint32_t> taken;
    for (int step = 0; step < 2'000; ++step) {
      if (prng.chance(0.55)) {
        const std::uint32_t index = slab.take();
        ASSERT_EQ(index == kNoIndex, taken.size() == memory.size());
        if (index == kNoIndex) continue;
        ASSERT_TRUE(taken.insert(index).second) << index;
        slab[index].owner = index;
      } else if (!taken.empty()) {
        const auto given = std::next(taken.begin(), static_cast<int>(prng.below(taken.size())));
        ASSERT_EQ(slab[*given].owner, *given);
        slab.give_back(*given);
        taken.erase(given);
      }
      ASSERT_EQ(slab.used(), taken.size());
    }
  }
}

TEST(Slab, HandsOutWhatAStackWouldHandOut) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    std::vector<Block> memory(50);
    Slab<Block> slab(memory);
    std::vector<std::uint32_t> free(memory.size()), taken;
    std::iota(free.rbegin(), free.rend(), 0U);  // the first block on top
    for (int step = 0; step < 2'000; ++step) {
      if (prng.chance(0.55)) {
        const std::uint32_t expected = free.empty() ? kNoIndex : free.back();
        ASSERT_EQ(slab.take(), expected);
        if (free.empty()) continue;
        free.pop_back();
        taken.push_back(expected);
      } else if (!taken.empty()) {
        std::swap(taken[prng.below(taken.size())], taken.back());
        slab.give_back(taken.back());
        free.push_back(taken.back());
        taken.pop_back();
      }
      ASSERT_EQ(slab.full(), free.empty());
    }
  }
}

TEST(SlabDeathTest, RefusesABlockThatWasNeverTaken) {
  std::vector<Block> memory(3);
  Slab<Block> slab(memory);
  EXPECT_DEATH(slab.give_back(1), "a bug: expected index < fresh_");
}

TEST(SlabDeathTest, RefusesABlockGivenBackTwice) {
  std::vector<Block> memory(3);
  Slab<Block> slab(memory);
  const std::uint32_t index = slab.take();
  static_cast<void>(slab.take());
  slab.give_back(index);
  EXPECT_DEATH(slab.give_back(index), "a bug: expected index != free_");
}

}  // namespace
}  // namespace mayfly::testing
