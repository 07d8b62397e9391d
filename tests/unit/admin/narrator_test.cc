// What an operator hears of a running server, and how a line of the log looks.
#include "admin/narrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using admin::LogLevel, admin::Narrator, admin::News;
using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Json quiet_sample(double t) {
  return {{"t", t},
          {"interval_s", 1.0},
          {"cps", 1'000.0},
          {"connections", 12},
          {"busy", {0.25}},
          {"drops", Json::object()},
          {"time_wait", {{"now", 500}, {"capacity", 1'000}}},
          {"problems", Json::array()}};
}

Json sample_with(double t, const char* level, const char* key, const char* what,
                 const char* remedy) {
  Json sample = quiet_sample(t);
  sample["problems"] = Json::array(
      {{{"level", level}, {"key", key}, {"what", what}, {"do", remedy}, {"policy", nullptr}}});
  return sample;
}

TEST(Narrator, TellsAProblemOnceWithItsRemedyAndThatItIsOver) {
  Narrator narrator;
  EXPECT_THAT(narrator.hear(quiet_sample(0)), IsEmpty());
  const std::vector<News> begun =
      narrator.hear(sample_with(1, "bad", "time_wait_full", "TIME_WAIT is full", "use balanced"));
  ASSERT_THAT(begun, SizeIs(1));
  EXPECT_EQ(begun[0].level, LogLevel::error);
  EXPECT_EQ(begun[0].event, "time_wait_full");
  EXPECT_EQ(begun[0].words, "TIME_WAIT is full. use balanced");
  EXPECT_THAT(narrator.hear(sample_with(2, "bad", "time_wait_full", "TIME_WAIT is full", "")),
              IsEmpty());
  for (int t = 3; t < 12; ++t) EXPECT_THAT(narrator.hear(quiet_sample(t)), IsEmpty()) << t;
  const std::vector<News> over = narrator.hear(quiet_sample(12));
  ASSERT_THAT(over, SizeIs(1));
  EXPECT_EQ(over[0].level, LogLevel::info);
  EXPECT_EQ(over[0].words, "over after 1 s: TIME_WAIT is full");
}

TEST(Narrator, AProblemThatComesAndGoesIsToldOnce) {
  Narrator narrator;
  std::size_t told = 0;
  for (int t = 0; t < 50; t += 2) {
    told += narrator.hear(sample_with(t, "warn", "overload", "overload", "")).size();
    told += narrator.hear(quiet_sample(t + 1)).size();
  }
  EXPECT_EQ(told, 1u);
}

TEST(Narrator, SaysWhenCookiesAreOnAndWhenTheyAreOff) {
  Narrator narrator;
  const std::vector<News> on =
      narrator.hear(sample_with(0, "note", "cookies", "3 SYNs a second", ""));
  ASSERT_THAT(on, SizeIs(1));
  EXPECT_THAT(on[0].words, HasSubstr("SYN cookies are on"));
  const std::vector<News> off = narrator.hear(quiet_sample(10));
  ASSERT_THAT(off, SizeIs(1));
  EXPECT_THAT(off[0].words, HasSubstr("SYN cookies are off"));
}

TEST(Narrator, LinksAndDrainAreToldElsewhere) {
  Narrator narrator;
  EXPECT_THAT(narrator.hear(sample_with(0, "bad", "link", "down", "")), IsEmpty());
  EXPECT_THAT(narrator.hear(sample_with(1, "warn", "draining", "draining", "")), IsEmpty());
}

TEST(Narrator, SumsUpEachMinute) {
  Narrator narrator;
  std::vector<News> news;
  for (int t = 0; t <= 120; ++t) {
    Json sample = quiet_sample(t);
    sample["drops"]["overload"] = 2.0;
    for (News& one : narrator.hear(sample)) news.push_back(std::move(one));
  }
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_EQ(news[1].event, "summary");
  EXPECT_EQ(news[1].words,
            "1,000 connections/s, 12 open, TIME_WAIT 500 of 1,000 (50 %), busiest core 25 %; "
            "dropped: overload 120");
  EXPECT_EQ(news[1].facts["drops"]["overload"], 120);
}

TEST(JsonLine, IsOneObjectWithTimeLevelEventAndFacts) {
  const News news{.level = LogLevel::warn,
                  .event = "request",
                  .words = "\"GET /\xff\"\n",
                  .facts = {{"status", 404}}};
  const std::string line = admin::json_line(news, 1'767'225'600'007);
  EXPECT_EQ(line.find('\n'), line.npos);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["t"], "2026-01-01T00:00:00.007Z");
  EXPECT_EQ(json["level"], "warn");
  EXPECT_EQ(json["event"], "request");
  EXPECT_EQ(json["status"], 404);
}

}  // namespace
}  // namespace mayfly::testing
