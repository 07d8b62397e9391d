// What the generator refuses to begin.
#include "load/plan.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using load::ClientSettings;
using shard::Closer;

ClientSettings load(double rate, Duration duration) {
  ClientSettings settings;
  settings.sources = {.first = {0xc6120101}, .last = {0xc6120101}};
  settings.load.rate = rate;
  settings.load.duration = duration;
  settings.close.first = Closer::client;
  settings.shard.time_wait.hold = 60_s;
  return settings;
}

TEST(Refusal, IsOfALoadWhoseSourcesRunOutBeforeItEnds) {
  EXPECT_EQ(check_sources(load(10'000, 30_s)).error().what,
            "too few sources: 64,512 ports x 1 address = 64,512 sources; held 60 s each: at "
            "most 1,075 connections/s; offered 10,000/s; they run out after 6.5 s. More sources, a "
            "shorter time_wait.hold or close.first: server helps; to run it all the same: "
            "load.overcommit: true");
}

TEST(Refusal, IsNotOfALoadThatEndsBefore) {
  EXPECT_TRUE(check_sources(load(10'000, 6_s)));
  ClientSettings few = load(10'000, 30_s);
  few.load.connections = 64'512;
  EXPECT_TRUE(check_sources(few));
  few.load.connections = 64'514;
  EXPECT_FALSE(check_sources(few));
}

TEST(Refusal, IsNotOfWhatTheSourcesAllowForEver) {
  EXPECT_TRUE(check_sources(load(1'075, Duration{3'600'000'000})));
  EXPECT_FALSE(check_sources(load(1'077, Duration{3'600'000'000})));
}

TEST(Refusal, IsOfMoreConnectionsAtOnceThanSources) {
  ClientSettings settings = load(0, 10_s);
  settings.load.concurrency = 64'513;
  settings.close.first = Closer::server;
  EXPECT_NE(check_sources(settings).error().what.find("64,513 at once"), std::string::npos);
  settings.load.concurrency = 64'512;
  EXPECT_TRUE(check_sources(settings));
}

TEST(Refusal, JudgesNothingOfTheServersSide) {
  ClientSettings settings = load(10'000, 30_s);
  settings.close.first = Closer::server;
  EXPECT_TRUE(check_sources(settings));
}

TEST(Refusal, CountsTheTimeWaitsThatAreTakenOver) {
  ClientSettings settings = load(10'000, 30_s);
  settings.close.first = Closer::server;
  settings.shard.time_wait.hand_over = true;
  EXPECT_FALSE(check_sources(settings));
  settings.close.first = Closer::reset;
  EXPECT_TRUE(check_sources(settings));
}

TEST(Refusal, GivesWayToWhoWantsToSeeTheShortage) {
  ClientSettings settings = load(10'000, 30_s);
  settings.load.overcommit = true;
  EXPECT_TRUE(check_sources(settings));
  EXPECT_NE(warning_of(plan_tuples(settings)), "") << "but it is told";
}

}  // namespace
}  // namespace mayfly::testing
