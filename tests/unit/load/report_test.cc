#include "load/report.h"

#include <gtest/gtest.h>

#include <vector>

#include "load/words.h"
#include "support/json_keys.h"

namespace mayfly::testing {
namespace {

using load::CoreReport;
using load::grouped;

load::ClientSettings settings() {
  load::ClientSettings s;
  s.sources = {.first = {0xc6120101}, .last = {0xc6120101}};
  s.load.rate = 10'000;
  s.load.duration = 10_s;
  s.close.first = shard::Closer::client;
  return s;
}

CoreReport core_report(std::uint32_t core) {
  CoreReport report{.core = core};
  load::LoadCounters& c = report.results.counters;
  c.offered = 50'000;
  c.opened = 33'000;
  c.established = 32'500;
  c.completed = 32'000;
  c.port_exhausted = 17'000;
  c.failures(load::Failure::reset) = 900;
  c.failures(load::Failure::bad_status) = 100;
  for (std::uint64_t us = 1; us <= 1'000; ++us) report.results.latency.record(us);
  report.results.ran = 10_s;
  report.stack.rx_packets.set(96'000);
  report.stack.tx_packets.set(128'000);
  report.stack.time_wait_now.set(10'000);
  report.stack.time_wait_peak.set(20'000);
  report.stack.cycles.set(64'000'000);
  report.stack.busy_cycles.set(32'000'000);
  return report;
}

TEST(Words, GroupDigitsInThrees) {
  EXPECT_EQ(grouped(std::uint64_t{0}), "0");
  EXPECT_EQ(grouped(std::uint64_t{999}), "999");
  EXPECT_EQ(grouped(std::uint64_t{1'000}), "1,000");
  EXPECT_EQ(grouped(std::uint64_t{1'234'567}), "1,234,567");
  EXPECT_EQ(grouped(1'075.9), "1,075");
}

TEST(LoadJson, HasTheKeysThatOthersScriptAgainst) {
  const std::vector<CoreReport> cores{core_report(1), core_report(2)};
  const auto json = load_json(settings(), cores);
  EXPECT_EQ(json["offered_cps"], 10'000.0);
  EXPECT_EQ(json["opened"], 66'000);
  EXPECT_EQ(json["completed"], 64'000);
  EXPECT_EQ(json["completed_cps"], 6'400.0);
  EXPECT_EQ(json["failed"]["reset"], 1'800);
  EXPECT_EQ(json["failed"]["bad_status"], 200);
  EXPECT_EQ(json["failed"]["table_full"], 0);
  EXPECT_FALSE(json["failed"].contains("none"));
  for (const char* key : {"p50", "p90", "p99", "p999", "max"})
    EXPECT_TRUE(json["latency_us"].contains(key)) << key;
  EXPECT_EQ(json["latency_us"]["max"], 1'000);
  EXPECT_EQ(json["packets_per_connection"], 7.0);
  EXPECT_EQ(json["time_wait"]["peak"], 20'000);
  EXPECT_EQ(json["time_wait"]["now"], 20'000);
  EXPECT_EQ(json["port_exhausted"], 34'000);
  EXPECT_EQ(json["cycles_per_connection"], 1'000.0);
  EXPECT_EQ(json["duration_s"], 10.0);
  ASSERT_EQ(json["cores"].size(), 2U);
  EXPECT_EQ(json["cores"][1]["core"], 2);
  EXPECT_EQ(json["cores"][1]["completed"], 32'000);
}

TEST(LoadJson, IsWholeWhenNothingHappened) {
  const auto json = load_json(settings(), {});
  EXPECT_EQ(json["completed_cps"], 0.0);
  EXPECT_EQ(json["packets_per_connection"], 0.0);
  EXPECT_EQ(json["latency_us"]["p99"], 0);
}

TEST(LoadJson, WritesEveryDocumentedKeyAndNoOther) {
  const auto json = load_json(settings(), std::vector{core_report(1)});
  EXPECT_EQ(undocumented(json, load::load_json_keys()), std::set<std::string>{});
  EXPECT_EQ(unwritten(json, load::load_json_keys()), std::set<std::string>{});
}

TEST(LoadJson, HasItsTableInTheDocumentation) {
  EXPECT_EQ(documented_rows("load"), rows_of(load::load_json_keys()));
}

TEST(LoadTable, TellsWhyTheSourcesRanOut) {
  const std::vector<CoreReport> cores{core_report(1)};
  const std::string table = load_table(settings(), cores);
  EXPECT_NE(table.find("64,512 ports x 1 address = 64,512 sources; held 60 s each: at most 1,075 "
                       "connections/s; offered 10,000/s; 17,000 connects found no free source"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("reset"), std::string::npos);
  EXPECT_EQ(table.find("refused"), std::string::npos);
}

TEST(LoadJson, HasWhatTheStackCounted) {
  CoreReport report = core_report(1);
  report.stack.retransmitted.add(1);
  report.stack.drops[1].add(5);
  report.stack.drops[2].add(6);
  const auto json = load_json(settings(), std::vector{report, report});
  EXPECT_EQ(json["packets"]["rx"], 192'000);
  EXPECT_EQ(json["packets"]["tx"], 256'000);
  EXPECT_EQ(json["retransmissions"], 2);
  EXPECT_EQ(json["drops"], 22);
}

TEST(LoadJson, AddsNoPeaksOfCoresThatMayHaveBeenAtOtherTimes) {
  std::vector<CoreReport> cores{core_report(1), core_report(2)};
  EXPECT_EQ(load_json(settings(), cores)["time_wait"]["peak"], 20'000);
  cores[1].stack.time_wait_now.set(15'000);
  EXPECT_EQ(load_json(settings(), cores)["time_wait"]["peak"], 25'000) << "as many are there now";
}

TEST(LiveLine, ShowsTheRateSinceTheLastLine) {
  load::LiveLine live(settings().load, false);
  CoreReport report = core_report(1);
  live.next(report.results, report.stack, 4_s);
  report.results.counters.completed += 5'000;
  EXPECT_EQ(live.next(report.results, report.stack, 5_s),
            "[==========>         ]  50%  5,000 conn/s  p50 503 us  p99 991 us  open 0  "
            "time_wait 10,000  failed 1,000  no free source 17,000\n");
  EXPECT_EQ(live.end(), "");
}

TEST(LiveLine, IsWrittenOverOnATerminal) {
  load::LiveLine live(settings().load, true);
  const std::string line = live.next({}, {}, 10_s);
  EXPECT_TRUE(line.starts_with("\r[====================] 100%")) << line;
  EXPECT_TRUE(line.ends_with("\x1b[K")) << line;
  EXPECT_EQ(live.end(), "\n");
}

TEST(LiveLine, HasNoBarForARunWithoutAnEnd) {
  load::LoadShape endless = settings().load;
  endless.duration = Duration{};
  EXPECT_TRUE(load::LiveLine(endless, false).next({}, {}, 1_s).starts_with("0 conn/s"));
}

TEST(LiveLine, GoesByTheNumberOfConnectionsIfThatIsFarther) {
  load::LoadShape shape = settings().load;
  shape.connections = 132'000;
  CoreReport report = core_report(1);
  const std::string line = load::LiveLine(shape, false).next(report.results, report.stack, 1_s);
  EXPECT_NE(line.find(" 38%"), std::string::npos) << line;
}

}  // namespace
}  // namespace mayfly::testing
