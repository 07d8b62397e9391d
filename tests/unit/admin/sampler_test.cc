#include "admin/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/metrics_text.h"
#include "admin/top_text.h"
#include "support/json_keys.h"

namespace mayfly::testing {
namespace {

using admin::Reading, admin::Sampler, admin::TimeWaitAges;
using Json = nlohmann::ordered_json;
using OnFull = flow::TimeWaitPolicy::OnFull;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A server of one core with room for 1,000 entries that are held for 10 s.
Reading server_at(double t) {
  Reading reading;
  reading.t = reading.epoch = t;
  reading.end.cores.resize(1);
  reading.end.time_wait.capacity = 1'000;
  reading.end.connections_max = 100;
  reading.end.cores[0].time_wait_hold_us.set(10'000'000);
  return reading;
}

void drop(Reading& reading, Drop why, std::uint64_t times) {
  reading.end.cores[0].drops[static_cast<std::size_t>(why)].set(times);
}

/// The first problem of the second of two samples that are a second apart.
Json problem_of(const Reading& now) {
  Sampler sampler;
  sampler.sample(server_at(now.t - 1));
  const Json sample = sampler.sample(now);
  return sample["problems"].empty() ? Json{{"key", ""}, {"what", ""}, {"do", ""}}
                                    : sample["problems"][0];
}

TEST(Sampler, GivesRatesOfTheTimeBetweenTwoReadings) {
  Sampler sampler;
  sampler.sample(server_at(5));
  Reading later = server_at(7);
  flow::ShardStats& core = later.end.cores[0];
  core.accepted.set(200);
  core.closed[static_cast<std::size_t>(flow::CloseReason::time_wait)].set(100);
  core.time_wait_opened.set(100);
  core.time_wait_now.set(100);
  core.connections.set(30);
  core.half_open.set(10);
  for (int i = 0; i < 20; ++i) core.moved(tcp::State::closed, tcp::State::established);
  for (int i = 0; i < 5; ++i) core.moved(tcp::State::established, tcp::State::fin_wait_2);
  core.orphans.set(5);
  core.cycles.set(1'000);
  core.busy_cycles.set(250);
  const Json sample = sampler.sample(later);
  EXPECT_EQ(sample["accepted_cps"], 100.0);
  EXPECT_EQ(sample["cps"], 50.0);
  EXPECT_EQ(sample["time_wait"]["little"], 500.0) << "50 a second x 10 s";
  EXPECT_EQ(sample["states"]["handshake"], 10);
  EXPECT_EQ(sample["states"]["open"], 15);
  EXPECT_EQ(sample["states"]["closing"], 5);
  EXPECT_EQ(sample["states"]["time_wait"], 100);
  EXPECT_EQ(sample["by_state"]["established"], 15);
  EXPECT_EQ(sample["by_state"]["fin_wait_2"], 5);
  EXPECT_THAT(sample["busy"], ElementsAre(0.25));
  EXPECT_THAT(sample["problems"], IsEmpty());
}

TEST(Sampler, TheFirstSampleHasNoRates) {
  Reading reading = server_at(5);
  reading.end.cores[0].accepted.set(1'000'000);
  EXPECT_EQ(Sampler().sample(reading)["accepted_cps"], 0.0);
}

TEST(Sampler, SaysThatAFullTableRefusesAndWhatBalancedWouldHold) {
  Reading now = server_at(1);
  now.end.time_wait.on_full = OnFull::refuse;
  now.end.cores[0].time_wait_opened.set(500);
  now.end.cores[0].time_wait_now.set(1'000);
  drop(now, Drop::time_wait_full, 300);
  const Json problem = problem_of(now);
  EXPECT_EQ(problem["level"], "bad");
  EXPECT_EQ(problem["policy"], "balanced");
  EXPECT_THAT(std::string(problem["what"]), HasSubstr("300 SYNs a second are refused"));
  EXPECT_THAT(std::string(problem["do"]), HasSubstr("balanced would hold 1.7 s"));
}

TEST(Sampler, SaysAtWhichAgeEntriesAreEvicted) {
  Reading now = server_at(1);
  for (int i = 0; i < 100; ++i) now.end.cores[0].evicted_at(Duration::from_ms(4'200));
  now.end.cores[0].time_wait_opened.set(500);
  const Json problem = problem_of(now);
  EXPECT_EQ(problem["key"], "time_wait_evicted");
  EXPECT_THAT(std::string(problem["what"]), HasSubstr("100 entries a second are evicted after"));
  EXPECT_THAT(std::string(problem["do"]), HasSubstr("a capacity of 5,000 holds them all"));
}

TEST(Sampler, TellsTheOtherTroublesByTheirKeys) {
  const auto key = [](const auto& make) {
    Reading now = server_at(1);
    make(now);
    return std::string(problem_of(now)["key"]);
  };
  EXPECT_EQ(key([](Reading& r) { drop(r, Drop::table_full, 1); }), "table_full");
  EXPECT_EQ(key([](Reading& r) { drop(r, Drop::overload, 1); }), "overload");
  EXPECT_EQ(key([](Reading& r) { r.end.cores[0].connections.set(80); }), "table_fills");
  EXPECT_EQ(key([](Reading& r) { drop(r, Drop::time_wait_recycle, 1); }), "recycled_away");
  EXPECT_EQ(key([](Reading& r) { r.end.cores[0].time_wait_skipped.set(1); }), "time_wait_skipped");
  EXPECT_EQ(key([](Reading& r) { r.end.cores[0].rst_to_last_ack.set(1); }), "harm");
  EXPECT_EQ(key([](Reading& r) { r.end.cores[0].time_wait_now.set(900); }), "time_wait_fills");
  EXPECT_EQ(key([](Reading& r) { r.end.cores[0].syn_cookies_sent.set(1); }), "cookies");
  EXPECT_EQ(key([](Reading& r) { r.is_draining = true; }), "draining");
  EXPECT_EQ(key([](Reading& r) {
              r.links = Json::array({{{"device", "a"}, {"state", "down"}, {"problem", "is down"}}});
            }),
            "link");
  EXPECT_EQ(key([](Reading& r) {
              r.end.cores[0].cycles.set(100);
              r.end.cores[0].busy_cycles.set(99);
            }),
            "busy");
  EXPECT_EQ(key([](Reading&) {}), "");
}

TEST(Sampler, SaysWhyConnectionsOfTheGeneratorFail) {
  Reading before = server_at(0), now = server_at(1);
  before.load.emplace();
  now.load.emplace();
  for (int i = 0; i < 30; ++i) now.load->counters.fail(load::Cause::syn_unanswered);
  for (int i = 0; i < 7; ++i) now.load->counters.fail(load::Cause::refused);
  Sampler sampler;
  sampler.sample(before);
  const Json problem = sampler.sample(now)["problems"][0];
  EXPECT_EQ(problem["what"], "37 connections a second fail: timed out 30, refused 7");
}

TEST(TimeWaitAgesTest, CountsEntriesByTheTimeSinceTheyWereMade) {
  TimeWaitAges ages;
  for (int t = 1; t <= 20; ++t) ages.at(t, std::uint64_t(t) * 10, 100);
  // Ten a second, of which those of the last ten seconds are held.
  EXPECT_THAT(ages.at(20, 200, 100), ElementsAre(10, 10, 20, 40, 20, 0, 0, 0, 0, 0));
}

TEST(TimeWaitAgesTest, HoldsNoMoreThanThereAre) {
  TimeWaitAges ages;
  ages.at(1, 1'000, 0);
  EXPECT_THAT(ages.at(2, 2'000, 3), ElementsAre(3, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

/// A reading with everything that a sample may show.
Reading whole_reading(double t) {
  Reading reading = server_at(t);
  reading.client = reading.end;
  reading.service.emplace();
  reading.load.emplace();
  const auto n = static_cast<std::uint64_t>(t) * 100;
  for (std::uint64_t i = 0; i < n; ++i) reading.load->latency.answered(100 * i);
  drop(reading, Drop::table_full, n);
  reading.links = Json::array({{{"device", "a"},
                                {"state", "up"},
                                {"mtu", 1500},
                                {"changes", 0},
                                {"last_change_s", 1.0},
                                {"problem", ""}}});
  return reading;
}

TEST(LiveJson, WritesEveryDocumentedKeyAndNoOther) {
  Sampler sampler;
  sampler.sample(whole_reading(1));
  Json sample = sampler.sample(whole_reading(2));
  // Described as a whole: a rate for each reason, and the keys of links.
  for (const char* whole : {"drops", "links", "client"}) sample[whole] = 0;
  sample["load"]["failed"] = 0;
  EXPECT_THAT(undocumented(sample, admin::live_json_keys()), IsEmpty());
  EXPECT_THAT(unwritten(sample, admin::live_json_keys()), IsEmpty());
}

TEST(LiveJson, HasItsTableInTheDocumentation) {
  EXPECT_EQ(documented_rows("live"), rows_of(admin::live_json_keys()));
}

TEST(TopText, ShowsTheFiguresInLinesOfTheTerminalsWidth) {
  Sampler sampler;
  std::vector<Json> samples{sampler.sample(whole_reading(1))};
  Reading full = whole_reading(2);
  full.policy = "strict-rfc9293";
  full.end.cores[0].time_wait_now.set(1'000);
  drop(full, Drop::time_wait_full, 5'000);
  samples.push_back(sampler.sample(full));
  std::string text;
  for (const auto& line : admin::top_lines(samples, 60, 40)) {
    EXPECT_LE(line.text.size(), 60u) << line.text;
    text += line.text + "\n";
  }
  EXPECT_THAT(text, HasSubstr("policy strict-rfc9293"));
  EXPECT_THAT(text, HasSubstr("TIME_WAIT is full"));
  EXPECT_THAT(text, HasSubstr("[####################] 1000 of 1000"));
}

TEST(TopText, FitsTheRowsThatThereAreAndKeepsWhatMatters) {
  Sampler sampler;
  const std::vector<Json> samples{sampler.sample(whole_reading(1)),
                                  sampler.sample(whole_reading(2))};
  for (const std::size_t height : {12u, 23u, 39u}) {
    std::string text;
    const auto lines = admin::top_lines(samples, 80, height);
    EXPECT_LE(lines.size(), height);
    for (const auto& line : lines) text += line.text + "\n";
    EXPECT_THAT(text, HasSubstr("the connection table is full")) << height;
    EXPECT_THAT(text, HasSubstr("connections/s")) << height;
    EXPECT_THAT(text, HasSubstr("rate x hold")) << height;
    EXPECT_EQ(text.find("link ") != text.npos, height > 12) << height;
  }
}

TEST(MetricsText, NamesAndHelpComeFromTheListOfCounters) {
  const std::string text = admin::metrics_text(whole_reading(3));
  EXPECT_THAT(text,
              HasSubstr("# HELP mayfly_packets_rx_total frames received\n# TYPE "
                        "mayfly_packets_rx_total counter\nmayfly_packets_rx_total{core=\"0\"} "
                        "0\n"));
  EXPECT_THAT(text, HasSubstr("mayfly_time_wait_hold_seconds{core=\"0\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("mayfly_drops_total{core=\"0\",reason=\"table_full\"} 300\n"));
  EXPECT_THAT(text, HasSubstr("mayfly_connections_by_state{core=\"0\",state=\"last_ack\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("mayfly_link_up{device=\"a\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("mayfly_client_time_wait_now"));
  for (const auto& metric : flow::kShardMetrics)
    EXPECT_THAT(text, HasSubstr(" " + std::string(metric.help) + "\n")) << metric.name;
}

TEST(MetricsText, ALatencyIsAHistogramWhoseBucketsAddUp) {
  const std::string text = admin::metrics_text(whole_reading(3));
  EXPECT_THAT(text, HasSubstr("# TYPE mayfly_load_latency_seconds histogram"));
  EXPECT_THAT(text, HasSubstr("mayfly_load_latency_seconds_bucket{le=\"+Inf\"} 300\n"));
  EXPECT_THAT(text, HasSubstr("mayfly_load_latency_seconds_count 300\n"));
  // 100 x i us below 1,024 us: i = 0 to 10.
  EXPECT_THAT(text, HasSubstr("mayfly_load_latency_seconds_bucket{le=\"0.001023\"} 11\n"));
}

TEST(MetricsText, NoNameIsGivenTwice) {
  const std::string text = admin::metrics_text(whole_reading(1));
  std::set<std::string> names;
  for (std::size_t at = 0; (at = text.find("# TYPE ", at)) != text.npos; at += 7) {
    const std::string name = text.substr(at + 7, text.find(' ', at + 7) - at - 7);
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_GT(names.size(), 60u);
}

}  // namespace
}  // namespace mayfly::testing
