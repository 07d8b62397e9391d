// The JSON of serve: its keys, its totals, and the page that documents them.
#include "admin/stats_json.h"

#include <gmock/gmock.h>

#include "support/json_keys.h"

namespace mayfly::testing {
namespace {

using flow::ShardStats;

using Json = nlohmann::ordered_json;
using ::testing::IsEmpty;

/// One of everything.
ShardStats busy_core() {
  ShardStats stats;
  for (const Metric<ShardStats>& metric : flow::kShardMetrics) (stats.*metric.value).set(1);
  for (Counter& counter : stats.time_wait_evicted_age) counter.set(1);
  for (std::size_t i = 1; i < wire::kDropCount; ++i) stats.drops[i].set(1);
  for (Counter& counter : stats.closed) counter.set(1);
  for (Counter& counter : stats.stage_cycles) counter.set(1);
  return stats;
}

Json whole_json() {
  const std::vector<ShardStats> cores{busy_core(), busy_core()};
  Json json = admin::server_json(cores, 2_s);
  json["service"] = admin::service_json({});
  return json;
}

TEST(ServeJson, HasTheKeysThatOthersScriptAgainst) {
  const Json json = whole_json();
  for (const char* key : {"accepted", "completed", "reset", "refused", "cps", "connections",
                          "time_wait", "cycles_per_connection", "packets", "drops", "busy_ratio"}) {
    EXPECT_TRUE(json.contains(key)) << key;
    EXPECT_TRUE(json["cores"][1].contains(key)) << key;
  }
  for (const char* key :
       {"now", "peak", "opened", "expired", "evicted", "reopened", "restored", "killed"})
    EXPECT_TRUE(json["time_wait"].contains(key)) << key;
  EXPECT_EQ(json["packets"]["rx"], 2);
  EXPECT_EQ(json["packets"]["tx"], 2);
  EXPECT_EQ(json["completed"], 4);
  EXPECT_EQ(json["cps"], 2.0);
  EXPECT_EQ(json["time_wait"]["reopened"], 4);
  EXPECT_EQ(json["refused"]["table_full"], 2);
  EXPECT_EQ(json["drops"]["tcp_checksum"], 2);
}

TEST(ServeJson, GivesTheHoldInSeconds) {
  ShardStats stats;
  stats.time_wait_hold_us.set(2'500'000);
  EXPECT_EQ(admin::server_json(std::span(&stats, 1), 1_s)["time_wait"]["hold_s"], 2.5);
}

TEST(ServeJson, HasNoStagesIfNobodyCountsThem) {
  const ShardStats stats;
  EXPECT_FALSE(admin::server_json(std::span(&stats, 1), 1_s)["cycles"].contains("by_stage"));
}

TEST(ServeJson, LeavesOutReasonsThatDroppedNothing) {
  ShardStats stats;
  stats.drop(Drop::ring_full);
  EXPECT_EQ(admin::server_json(std::span(&stats, 1), 1_s)["drops"], (Json{{"ring_full", 1}}));
}

TEST(ServeJson, IsWholeWhenNothingHappened) {
  const Json json = admin::server_json({}, {});
  EXPECT_EQ(json["cps"], 0.0);
  EXPECT_EQ(json["packets_per_connection"], 0.0);
  EXPECT_EQ(json["drops"], Json::object());
}

TEST(ServeJson, WritesEveryDocumentedKeyAndNoOther) {
  const std::vector<JsonKey> keys = admin::serve_json_keys();
  EXPECT_THAT(undocumented(whole_json(), keys), IsEmpty());
  EXPECT_THAT(unwritten(whole_json(), keys), IsEmpty());
}

TEST(ServeJson, HasItsTableInTheDocumentation) {
  EXPECT_EQ(documented_rows("serve"), rows_of(admin::serve_json_keys()));
}

}  // namespace
}  // namespace mayfly::testing
