// Nobody's first unit can be taken away by others, and many units go to few only while they are
// free.
#include "flow/pool_share.h"

#include <gtest/gtest.h>

#include <vector>

namespace mayfly::testing {
namespace {

using flow::PoolShare;

/// A pool and what each of its holders has.
struct Pool {
  Pool(std::uint32_t capacity, std::uint32_t holders)
      : share(capacity, holders), free(capacity), held(holders) {}
  bool take(std::size_t who) {
    if (free == 0 || !share.allows(held[who])) return false;
    share.took(held[who]++);
    --free;
    return true;
  }
  void give(std::size_t who) {
    share.gave(--held[who]);
    ++free;
  }
  void take_all(std::size_t who) {
    while (take(who)) {
    }
  }
  PoolShare share;
  std::uint32_t free;
  std::vector<std::uint32_t> held;
};

TEST(PoolShare, KeepsAFirstUnitForEachHolder) {
  Pool pool(200, 100);
  for (std::size_t greedy = 0; greedy < 99; ++greedy) pool.take_all(greedy);
  EXPECT_TRUE(pool.take(99));
}

TEST(PoolShare, KeepsHalfForFirstUnitsWhereThereAreTooFew) {
  Pool pool(64, 1'000);
  for (std::size_t greedy = 0; greedy < 4; ++greedy) pool.take_all(greedy);
  std::size_t served = 0;
  while (pool.take(4 + served)) ++served;
  EXPECT_GE(served, 64u / 2 - 4);
}

TEST(PoolShare, OfOneAloneIsAThirdOfWhatIsShared) {  // as much as half of what is free then
  Pool pool(1'600, 800);
  pool.take_all(0);
  EXPECT_GE(pool.held[0], 800u / 3);
  EXPECT_LE(pool.held[0], 800u / 3 + 2);
}

TEST(PoolShare, ShrinksAsThePoolEmptiesAndGrowsAgain) {
  Pool pool(1'600, 800);
  for (std::size_t greedy = 0; greedy < 40; ++greedy) pool.take_all(greedy);
  pool.take_all(40);
  const std::uint32_t late = pool.held[40];
  EXPECT_LT(late, pool.held[0]);
  EXPECT_GE(late, 1u);
  for (std::size_t greedy = 0; greedy < 40; ++greedy)
    while (pool.held[greedy] > 0) pool.give(greedy);
  pool.take_all(40);
  EXPECT_GT(pool.held[40], 2 * late);
}

TEST(PoolShare, OfASingleUnitGoesToOne) {
  Pool pool(1, 10);
  EXPECT_TRUE(pool.take(3));
  EXPECT_FALSE(pool.take(3));
  pool.give(3);
  EXPECT_TRUE(pool.take(4));
}

TEST(PoolShare, HasNoLimitUnlessItIsTold) {
  PoolShare share;
  for (std::uint32_t held = 0; held < 10'000; ++held) {
    ASSERT_TRUE(share.allows(held));
    share.took(held);
  }
}

}  // namespace
}  // namespace mayfly::testing
