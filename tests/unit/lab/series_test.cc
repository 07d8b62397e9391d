// Samples as columns: Little's law in time, and fewer samples that show the same.
#include "lab/series.h"

#include <gmock/gmock.h>

#include "support/lab_example.h"

namespace mayfly::testing {
namespace {

using lab::ExperimentRun;

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;

ExperimentRun steady(double rate, int seconds) {
  ExperimentRun run{.settings = example_settings("run")};
  for (int t = 1; t <= seconds; ++t)
    run.samples.push_back({.t = static_cast<double>(t), .cps = rate, .server_hold = 1.5});
  return run;
}

TEST(Little, CountsWhatCompletedWithinTheHold) {
  EXPECT_THAT(little_entries(steady(100, 4)), ElementsAre(100, 200, 200, 200));
}

TEST(Little, CutsASampleThatTheHoldBeginsIn) {
  ExperimentRun run = steady(100, 4);
  run.settings.server.shard.time_wait.hold = 1'500_us * 1'000;
  EXPECT_THAT(little_entries(run), ElementsAre(100, 150, 150, 150));
}

TEST(Little, FollowsABalancedHold) {
  ExperimentRun run = steady(100, 3);
  run.settings.server.shard.time_wait.balance = true;
  EXPECT_THAT(little_entries(run), ElementsAre(100, 150, 150));
}

TEST(Little, SaysNothingWhereNobodyHolds) {
  ExperimentRun run = steady(100, 3);
  run.settings.server.shard.time_wait.hold = {};
  EXPECT_THAT(little_entries(run), IsEmpty());
}

TEST(Thinned, LeavesFewSamplesAsTheyAre) {
  EXPECT_THAT(thinned(steady(1, 3).samples, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(lab::thinned({}, 3), IsEmpty());
}

TEST(Thinned, KeepsTheExtremesInTheirOrder) {
  ExperimentRun run = steady(100, 1'000);
  run.samples[333].cps = 7;
  run.samples[777].cps = 900;
  const std::vector<std::size_t> kept = thinned(run.samples, 100);
  EXPECT_THAT(kept, ::testing::SizeIs(Le(100u)));
  EXPECT_TRUE(std::ranges::is_sorted(kept));
  EXPECT_THAT(kept, ::testing::IsSupersetOf({333u, 777u}));
}

TEST(ChartJson, HasColumnsOfOneLength) {
  ExperimentRun run = steady(100, 1'000);
  const auto chart = chart_json(run);
  EXPECT_LE(chart["t"].size(), 100u);
  for (const auto& column : chart) EXPECT_EQ(column.size(), chart["t"].size());
}

TEST(ExtentsJson, AreOfAllSamples) {
  ExperimentRun run = steady(100, 3);
  run.samples[1].cps = 400;
  const auto extents = extents_json(run);
  EXPECT_EQ(extents["cps"]["min"], 100);
  EXPECT_EQ(extents["cps"]["mean"], 200);
  EXPECT_EQ(extents["cps"]["max"], 400);
  EXPECT_TRUE(lab::extents_json({}).empty());
}

}  // namespace
}  // namespace mayfly::testing
