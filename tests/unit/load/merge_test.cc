#include "load/merge.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"
#include "load/figures.h"

namespace mayfly::testing {
namespace {

using load::Share;
using Json = nlohmann::ordered_json;

load::ClientSettings settings(Share part) {
  load::ClientSettings s;
  s.target.address = {0xc6120001};
  s.sources = {.first = {0xc6120101}, .last = {0xc6120164}};
  s.load.rate = 1'000;
  s.load.part = part;
  return s;
}

/// What a part counted: latencies that differ from part to part.
load::CoreReport results_of(std::uint64_t seed, load::Latencies& all) {
  Prng prng(seed);
  load::CoreReport report;
  load::LoadCounters& c = report.results.counters;
  c.offered = c.opened = c.established = 1'000;
  c.completed = 990;
  for (int i = 0; i < 10; ++i) c.fail(load::Cause::no_answer);
  report.results.statuses.add(404, seed);
  for (int i = 0; i < 990; ++i) {
    const std::uint64_t us = 1 + (prng.next() >> (40 + 3 * (seed % 4)));
    report.results.latency.answered(us);
    all.answered(us);
  }
  for (int i = 0; i < 10; ++i) {
    report.results.latency.failed(30'000'000);
    all.failed(30'000'000);
  }
  report.results.ran = 10_s;
  report.stack.rx_packets.set(3'000);
  report.stack.busy_cycles.set(1'000'000);
  report.stack.drop(Drop::tcp_checksum);
  return report;
}

Json json_of(Share part, const load::CoreReport& report, Duration began = 100_s) {
  return load_json(settings(part), std::vector{report}, {.plan = "plan", .began = began});
}

load::NamedPart read(const std::string& name, const Json& json) {
  auto report = load::read_report(json);
  EXPECT_TRUE(report) << report.error().what;
  return {name, report ? *report : load::PartReport{}};
}

TEST(Merge, IsTheReportOfOneGeneratorThatDidItAll) {
  load::Latencies all;
  std::vector<load::NamedPart> parts;
  for (std::uint32_t i : {2U, 0U, 1U})
    parts.push_back(read("part", json_of({i, 3}, results_of(i, all))));
  const auto gathered = load::gather(parts);
  ASSERT_TRUE(gathered) << gathered.error().what;
  EXPECT_EQ(missing_in_words(*gathered), "");
  const Json json = load::merged_json(gathered->parts);
  EXPECT_EQ(json["completed"], 2'970);
  EXPECT_EQ(json["completed_cps"], 297.0);
  EXPECT_EQ(json["failed"]["timed_out"], 30);
  EXPECT_EQ(json["failed_because"]["no_answer"], 30);
  EXPECT_EQ(json["failed_status"]["404"], 3);
  EXPECT_EQ(json["drops"], 3);
  EXPECT_EQ(json["cycles_per_connection"], 3'000'000.0 / 2'970);
  for (const auto& [key, percent] : {std::pair("p50", 50.0), {"p90", 90.0}, {"p99", 99.0}})
    EXPECT_EQ(json["latency_us"][key], *all.percentile(percent)) << key;
  EXPECT_EQ(json["latency_us"]["max"], 30'000'000);
  ASSERT_EQ(json["parts"].size(), 3U);
  EXPECT_EQ(json["parts"][2]["index"], 3);
}

TEST(Merge, SaysWhichPartsAreMissing) {
  load::Latencies all;
  const auto one = load::gather({read("b", json_of({1, 3}, results_of(1, all))),
                                 read("a", json_of({0, 3}, results_of(2, all)))});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->missing, std::vector<std::uint32_t>{3});
  EXPECT_TRUE(missing_in_words(*one).starts_with("part 3 of 3 is missing"));
  const auto two = load::gather({read("b", json_of({1, 3}, results_of(1, all)))});
  ASSERT_TRUE(two);
  EXPECT_TRUE(missing_in_words(*two).starts_with("parts 1, 3 of 3 are missing"));
}

TEST(Merge, RefusesWhatDoesNotBelongTogether) {
  load::Latencies all;
  const load::CoreReport results = results_of(1, all);
  const Json first = json_of({0, 2}, results);
  Json other_plan = json_of({1, 2}, results);
  other_plan["part"]["plan"] = "another";
  for (const auto& [second, why] :
       {std::pair(first, "both part 1 of 2"), std::pair(other_plan, "parts of different plans"),
        std::pair(json_of({1, 3}, results), "parts of different plans"),
        std::pair(json_of({1, 2}, results, 111_s), "not under way at the same time")}) {
    const auto gathered = load::gather({read("a.json", first), read("b.json", second)});
    ASSERT_FALSE(gathered) << why;
    EXPECT_NE(gathered.error().what.find(why), std::string::npos) << gathered.error().what;
    EXPECT_EQ(gathered.error().kind, ErrorKind::usage);
  }
  EXPECT_TRUE(load::gather({read("a", first), read("b", json_of({1, 2}, results, 109_s))}));
}

TEST(ReadReport, RefusesWhatLoadDidNotWrite) {
  load::Latencies all;
  const Json good = json_of({0, 2}, results_of(1, all));
  EXPECT_TRUE(load::read_report(good));
  EXPECT_FALSE(load::read_report(Json::object()));
  EXPECT_FALSE(load::read_report(Json::array()));
  for (const char* pointer : {"/completed", "/part", "/part/of", "/histograms/latency_us",
                              "/failed_because/no_answer", "/time_wait/now", "/loop"}) {
    Json less = good;
    less[Json::json_pointer(pointer)] = Json::array();
    const auto report = load::read_report(less);
    if (std::string_view(pointer) == "/loop") continue;  // anything but "closed" is open
    EXPECT_FALSE(report) << pointer;
  }
  Json outside = good;
  outside["part"]["index"] = 3;
  EXPECT_FALSE(load::read_report(outside));
  Json damaged = good;
  damaged["histograms"]["latency_us"]["answered"]["max"] = 5;
  EXPECT_FALSE(load::read_report(damaged));
}

}  // namespace
}  // namespace mayfly::testing
