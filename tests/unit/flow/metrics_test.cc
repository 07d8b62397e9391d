// The list of a shard's numbers, and their totals over cores.
#include "flow/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace mayfly::testing {
namespace {

using flow::kShardMetrics;
using flow::ShardStats;

TEST(ShardMetrics, HaveNamesAndKeysOfTheirOwnAndAHelpText) {
  std::set<std::string_view> names, paths, helps;
  for (const Metric<ShardStats>& metric : kShardMetrics) {
    names.insert(metric.name);
    paths.insert(metric.path);
    helps.insert(metric.help);
    EXPECT_NE(metric.help, "");
    EXPECT_NE(metric.unit, "");
  }
  EXPECT_EQ(names.size(), kShardMetrics.size());
  EXPECT_EQ(paths.size(), kShardMetrics.size());
  EXPECT_EQ(helps.size(), kShardMetrics.size());
}

TEST(ShardMetrics, ArePointedToByTheirRows) {
  ShardStats stats;
  stats.rst_sent.set(7);
  for (const Metric<ShardStats>& metric : kShardMetrics)
    EXPECT_EQ((stats.*metric.value).get(), metric.name == "rst_sent" ? 7u : 0u) << metric.name;
}

TEST(TotalOverCores, SumsCountersAndGauges) {
  std::vector<ShardStats> cores(2);
  cores[0].rx_packets.set(3);
  cores[1].rx_packets.set(4);
  cores[0].connections.set(5);
  cores[1].connections.set(6);
  const ShardStats total = total_of(cores);
  EXPECT_EQ(total.rx_packets.get(), 7u);
  EXPECT_EQ(total.connections.get(), 11u);
}

TEST(TotalOverCores, AddsNoPeaksThatMayHaveBeenAtOtherTimes) {
  std::vector<ShardStats> cores(2);
  cores[0].time_wait_peak.set(100);
  cores[1].time_wait_peak.set(80);
  EXPECT_EQ(total_of(cores).time_wait_peak.get(), 100u);
}

TEST(TotalOverCores, HasNoPeakBelowWhatIsThereNow) {
  std::vector<ShardStats> cores(2);
  for (ShardStats& core : cores) {
    core.time_wait_now.set(70);
    core.time_wait_peak.set(80);
  }
  EXPECT_EQ(total_of(cores).time_wait_peak.get(), 140u);
}

TEST(TotalOverCores, TakesTheHighestOfALevel) {
  std::vector<ShardStats> cores(2);
  cores[0].time_wait_hold_us.set(60);
  cores[1].time_wait_hold_us.set(50);
  EXPECT_EQ(total_of(cores).time_wait_hold_us.get(), 60u);
}

TEST(TotalOverCores, SumsDropsEndsAndAges) {
  std::vector<ShardStats> cores(2);
  for (ShardStats& core : cores) {
    core.drop(Drop::ring_full);
    core.closed[0].add();
    core.evicted_at(3_ms);
  }
  const ShardStats total = total_of(cores);
  EXPECT_EQ(total.drops[static_cast<std::size_t>(Drop::ring_full)].get(), 2u);
  EXPECT_EQ(total.closed[0].get(), 2u);
  EXPECT_EQ(total.time_wait_evicted.get(), 2u);
  EXPECT_EQ(total.time_wait_evicted_age[2].get(), 2u);
}

TEST(TotalOverCores, OfNoneIsZero) { EXPECT_EQ(flow::total_of({}).rx_packets.get(), 0u); }

}  // namespace
}  // namespace mayfly::testing
