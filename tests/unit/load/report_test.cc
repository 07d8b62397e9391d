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
  for (int i = 0; i < 900; ++i) c.fail(load::Cause::reset_in_fin_wait_2);
  for (int i = 0; i < 100; ++i) {
    c.fail(load::Cause::status);
    report.results.statuses.add(i < 60 ? 404 : 503);
  }
  c.requests = 33'000;
  c.responses = 32'400;
  for (std::uint64_t us = 1; us <= 1'000; ++us) report.results.latency.answered(us);
  report.results.ran = 10_s;
  report.stack.rx_packets.set(96'000);
  report.stack.tx_packets.set(128'000);
  report.stack.time_wait_now.set(10'000);
  report.stack.time_wait_peak.set(20'000);
  report.stack.cycles.set(64'000'000);
  report.stack.busy_cycles.set(32'000'000);
  for (Counter& cycles : report.stack.stage_cycles) cycles.set(3'000'000);
  report.stack.drop(Drop::tcp_checksum);
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
  EXPECT_TRUE(json["packets_per_connection"].is_null());
  EXPECT_TRUE(json["latency_us"]["p99"].is_null());
  EXPECT_FALSE(json["interrupted"]);
}

TEST(LoadJson, HasNullWhereNothingWasAnswered) {
  CoreReport report;
  report.results.counters.fail(load::Cause::refused);
  report.results.latency.failed(50);
  report.results.connect_latency.failed(50);
  const auto json = load_json(settings(), std::vector{report});
  for (const char* key : {"latency_us", "connect_latency_us", "request_latency_us"})
    for (const char* rank : {"p50", "p90", "p99", "p999", "max"})
      EXPECT_TRUE(json[key][rank].is_null()) << key << "." << rank;
  const std::string table = load_table(facts_of(settings()), std::vector{report});
  EXPECT_NE(table.find("p50         -   p90         -"), std::string::npos) << table;
  EXPECT_NE(table.find("  stack      - packets and - busy cycles"), std::string::npos) << table;
}

TEST(LoadJson, SaysWhyConnectionsFailed) {
  const auto json = load_json(settings(), std::vector{core_report(1), core_report(2)});
  EXPECT_EQ(json["failed_because"]["reset_in_fin_wait_2"], 1'800);
  EXPECT_EQ(json["failed_because"]["status"], 200);
  EXPECT_EQ(json["failed_because"]["refused"], 0);
  EXPECT_EQ(json["failed_status"]["404"], 120);
  EXPECT_EQ(json["failed_status"]["503"], 80);
  EXPECT_EQ(json["failed_status"].size(), 2U);
  std::uint64_t sum = 0;
  for (const auto& [cause, count] : json["failed_because"].items())
    sum += count.get<std::uint64_t>();
  EXPECT_EQ(json["failed_total"], sum) << "each failure has one cause";
  EXPECT_EQ(json["requests_per_s"], 6'480.0);
}

TEST(LoadTable, SaysWhyConnectionsFailed) {
  CoreReport report = core_report(1);
  report.results.counters.fail(load::Cause::no_arp_answer);
  report.results.silent.four = {0xc6120009};
  const std::string table = load_table(facts_of(settings()), std::vector{report});
  for (const char* row :
       {"  failed               900   reset by the target in FIN-WAIT-2\n",
        "  failed                60   status 404\n", "  failed                40   status 503\n",
        "  failed                 1   no ARP answer from 198.18.0.9\n",
        "  requests          33,000   32,400 answered, 3,240/s\n"})
    EXPECT_NE(table.find(row), std::string::npos) << row << table;
}

TEST(LoadTable, NamesANeighbourOfIpv6ThatDoesNotAnswer) {
  CoreReport report = core_report(1);
  report.results.counters.fail(load::Cause::no_arp_answer);
  report.results.silent.six = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 9});
  const std::string table = load_table(facts_of(settings()), std::vector{report});
  EXPECT_NE(table.find("no answer to neighbour discovery from 2001:db8::9\n"), std::string::npos)
      << table;
}

TEST(LoadTable, SaysThatSourcePairsWereStillInTimeWaitAtTheTarget) {
  CoreReport report = core_report(1);
  EXPECT_EQ(load_table(facts_of(settings()), std::vector{report}).find("still in TIME_WAIT"),
            std::string::npos);
  report.results.counters.challenged_sources = 128;
  const std::string table = load_table(facts_of(settings()), std::vector{report});
  EXPECT_NE(table.find("  128 source pairs were still in TIME_WAIT at the target"),
            std::string::npos)
      << table;
  EXPECT_EQ(load_json(settings(), std::vector{report})["challenged_sources"], 128);
}

TEST(LoadTable, SaysWhatAClosedLoopLeavesOut) {
  load::ClientSettings closed = settings();
  closed.load.rate = 0;
  closed.load.concurrency = 64;
  EXPECT_NE(load_table(facts_of(closed), {}).find("coordinated omission"), std::string::npos);
  EXPECT_EQ(load_table(facts_of(settings()), {}).find("coordinated omission"), std::string::npos);
  EXPECT_EQ(load_json(closed, {})["loop"], "closed");
  EXPECT_EQ(load_json(settings(), {})["left_out"], "");
}

TEST(LoadTable, SaysThatTheRunWasInterrupted) {
  const std::vector<CoreReport> cores{core_report(1)};
  const load::RunEnd end{.interrupted = true};
  EXPECT_TRUE(
      load_table(facts_of(settings()), cores, end).starts_with("  interrupted after 10.00 s"));
  EXPECT_EQ(load_table(facts_of(settings()), cores).find("interrupted"), std::string::npos);
  EXPECT_EQ(load_json(settings(), cores, end)["interrupted"], true);
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
  const std::string table = load_table(facts_of(settings()), cores);
  EXPECT_NE(table.find("64,512 ports x 1 address = 64,512 sources; held 60 s each: at most 1,075 "
                       "connections/s; offered 10,000/s; 17,000 connects found no free source"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("reset"), std::string::npos);
  EXPECT_EQ(table.find("refused"), std::string::npos) << table;
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
  EXPECT_EQ(json["drops"], 24);
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
