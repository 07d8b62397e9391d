// Where a poll's cycles are said to have gone.
#include "shard/stage_clock.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using flow::ShardStats;
using flow::Stage;

struct Hands {  // of a clock that a test moves
  const std::uint64_t* at;
  std::uint64_t operator()() const noexcept { return *at; }
};

std::uint64_t of(const ShardStats& stats, Stage stage) {
  return stats.stage_cycles[static_cast<std::size_t>(stage)].get();
}

TEST(StageClock, GivesEachStageWhatHasPassedSinceTheOneBefore) {
  std::uint64_t at = 1'000;
  shard::StageClock clock(Hands{&at});
  clock.begin();
  at += 7;
  clock.end(Stage::receive);
  at += 30;
  clock.end(Stage::parse);
  at += 5;
  clock.end(Stage::receive);  // of another link
  ShardStats stats;
  clock.count(stats);
  EXPECT_EQ(of(stats, Stage::receive), 12u);
  EXPECT_EQ(of(stats, Stage::parse), 30u);
  EXPECT_EQ(of(stats, Stage::handle), 0u);
}

TEST(StageClock, APollThatDidNoWorkCountsNothing) {
  std::uint64_t at = 0;
  shard::StageClock clock(Hands{&at});
  ShardStats stats;
  clock.begin();
  at += 100;
  clock.end(Stage::receive);  // and nothing came
  clock.begin();
  at += 3;
  clock.end(Stage::receive);
  clock.count(stats);
  EXPECT_EQ(of(stats, Stage::receive), 3u);
}

TEST(StageClock, TotalsOverCoresAreSums) {
  std::array<ShardStats, 2> cores;
  cores[0].stage_cycles[static_cast<std::size_t>(Stage::parse)].set(3);
  cores[1].stage_cycles[static_cast<std::size_t>(Stage::parse)].set(4);
  EXPECT_EQ(of(total_of(cores), Stage::parse), 7u);
}

}  // namespace
}  // namespace mayfly::testing
