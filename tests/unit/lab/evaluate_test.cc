// Figures from samples, the arithmetic's bound, and the verdict on an experiment.
#include "lab/evaluate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "lab/summary.h"
#include "support/lab_example.h"

namespace mayfly::testing {
namespace {

using lab::Expectation;
using lab::ExperimentRun;
using lab::ExperimentSettings;
using lab::LabFigures;

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// One sample a second with these rates, and no warm-up.
ExperimentRun run_of(std::initializer_list<double> rates, double offered = 1'000) {
  ExperimentRun run{.settings = example_settings("run")};
  run.settings.warm_up = {};
  run.settings.client.load.rate = offered;
  run.settings.client.load.duration = Duration::from_s(60);
  double t = 0;
  for (const double rate : rates) run.samples.push_back({.t = t += 1, .cps = rate});
  return run;
}

TEST(LabFigures, AreOfTheSamplesAfterTheWarmUpAndBeforeTheLoadEnds) {
  ExperimentRun run = run_of({10, 20, 30, 40, 50});
  run.settings.warm_up = Duration::from_s(2);
  run.settings.client.load.duration = Duration::from_s(4);
  EXPECT_EQ(figures_of(run).judged, 2u) << "a sample tells of the time before it";
  EXPECT_DOUBLE_EQ(figures_of(run).sustained, 35);
}

TEST(LabFigures, CountTheRampAsWarmUp) {
  ExperimentRun run = run_of({10, 20, 30, 40, 50});
  run.settings.client.load.ramp = Duration::from_s(4);
  EXPECT_DOUBLE_EQ(figures_of(run).sustained, 50);
}

TEST(LabFigures, EndWithTheLastStartWhenTheConnectionsAreCounted) {
  ExperimentRun run = run_of({1'000, 1'000, 1'000, 0, 0});
  run.settings.client.load.connections = 3'000;
  EXPECT_DOUBLE_EQ(figures_of(run).sustained, 1'000);
}

TEST(LabFigures, GiveTheSwingAsTheDeviationOverTheMean) {
  EXPECT_DOUBLE_EQ(figures_of(run_of({100, 300})).swing, 0.5);
  EXPECT_DOUBLE_EQ(figures_of(run_of({200, 200})).swing, 0);
  EXPECT_DOUBLE_EQ(figures_of(run_of({0, 0})).swing, 0);
}

TEST(LabFigures, TakeThePeakFromTheEndThatHeldMore) {
  ExperimentRun run = run_of({1, 1});
  run.samples[0].client_time_wait = 70;
  run.samples[1].server_time_wait = 50;
  EXPECT_EQ(figures_of(run).peak_time_wait, 70u);
  run.server["time_wait"]["peak"] = 90;
  EXPECT_EQ(figures_of(run).peak_time_wait, 90u);
  EXPECT_EQ(figures_of(run).peak_time_wait_bytes, 90 * plan::kTimeWaitBytes);
}

TEST(LabFigures, TakeTheLatencyFromTheClientsResult) {
  ExperimentRun run = run_of({1, 1});
  run.client["latency_us"] = {{"p50", 21}, {"p99", 77}};
  EXPECT_EQ(figures_of(run).p50_us, 21);
  EXPECT_EQ(figures_of(run).p99_us, 77);
}

TEST(LabFigures, OfARunWithoutSamplesAreNothing) {
  const LabFigures figures = lab::figures_of({.settings = example_settings("run")});
  EXPECT_EQ(figures.judged, 0u);
  EXPECT_EQ(figures.sustained, 0);
  EXPECT_FALSE(figures.is_flat());
}

TEST(LabRefusal, TellsThatATableWhichRefusesWillFillUp) {
  ExperimentSettings s = example_settings("x");
  s.client.load.overcommit = false;
  s.client.load.duration = Duration::from_s(8);
  EXPECT_THAT(check_lasts(s).error().what, HasSubstr("full after 0.5 s, then 25,000/s"));
  EXPECT_THAT(check_lasts(s).error().what, HasSubstr("load.overcommit: true"));
  s.client.load.overcommit = true;
  EXPECT_TRUE(check_lasts(s));
}

TEST(LabRefusal, IsNotForARunThatEndsBeforeTheTableIsFull) {
  ExperimentSettings s = example_settings("x");
  s.client.load.overcommit = false;
  s.client.load.duration = Duration::from_ms(400);
  EXPECT_TRUE(check_lasts(s));
}

TEST(LabRefusal, IsNotForATableThatMakesRoom) {
  ExperimentSettings s = example_settings("x");
  s.client.load.overcommit = false;
  s.client.load.duration = Duration::from_s(8);
  s.server.shard.time_wait.on_full = OnFull::evict_oldest;
  EXPECT_TRUE(check_lasts(s));
}

TEST(LabBound, IsTheCapacityOverTheHoldWhereAFullTableRefuses) {
  const lab::Bound bound = bound_of(example_settings("x"));
  EXPECT_DOUBLE_EQ(bound.cps, 25'000);
  EXPECT_EQ(bound.because, "50,000 entries / 2 s = 25,000/s");
}

TEST(LabBound, IsNoneOfATableThatTheRunDoesNotFill) {
  ExperimentSettings s = example_settings("x");
  s.client.load.duration = Duration::from_ms(400);  // 40,000 connections, 50,000 entries
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 100'000);
  EXPECT_EQ(bound_of(s).because, "100,000/s offered");
}

TEST(Calibration, IsTheMedianOfTheSamplesSoThatADisturbanceDoesNotMoveIt) {
  lab::ExperimentRun run = run_of({100, 300, 300, 310, 290});
  run.settings.name = "free";
  EXPECT_EQ(calibration_of(run).experiment, "free");
  EXPECT_DOUBLE_EQ(calibration_of(run).cps, 300);
}

TEST(Calibration, IsNoneWhereConnectionsFailed) {
  lab::ExperimentRun run = run_of({300, 300});
  run.samples.back().failed = 1;
  EXPECT_EQ(calibration_of(run).cps, 0);
  run = run_of({300, 300});
  run.interrupted = true;
  EXPECT_EQ(calibration_of(run).cps, 0);
}

TEST(Calibration, InWhichConnectionsFailedIsRunAgainUpToTwice) {
  for (const int spoilt : {0, 1, 2, 3}) {
    int runs = 0;
    const auto run = lab::run_as_expected([&]() -> Result<lab::ExperimentRun> {
      lab::ExperimentRun once = run_of({300, 300});
      once.settings.calibrates = true;
      once.samples.back().failed = runs++ < spoilt ? 1 : 0;
      return once;
    });
    EXPECT_EQ(runs, std::min(spoilt + 1, 3));
    ASSERT_TRUE(run);
    EXPECT_EQ(calibration_of(*run).cps, spoilt < 3 ? 300 : 0);
  }
}

TEST(Experiment, ThatDidNotDoWhatWasExpectedIsRunAgainUpToTwiceAndSaysSo) {
  for (const int disturbed : {0, 1, 2, 3}) {
    int runs = 0;
    const auto run = lab::run_as_expected([&]() -> Result<lab::ExperimentRun> {
      const double first = runs++ < disturbed ? 600 : 1'000;  // a swing of 0.25, or none
      lab::ExperimentRun once = run_of({first, 1'000});
      once.settings.expect = Expectation::flat;
      return once;
    });
    ASSERT_TRUE(run);
    EXPECT_EQ(runs, std::min(disturbed + 1, 3));
    EXPECT_EQ(run->runs, runs);
    lab::LabResult result;
    result.experiments.push_back(*run);
    const lab::Judged judged = judge(result).front();
    EXPECT_EQ(judged.holds, disturbed < 3);
    EXPECT_EQ(judged.verdict.ends_with(fmt::format(", in run {} of it", runs)), runs > 1);
  }
}

TEST(Experiment, OfWhichNothingIsExpectedIsRunOnce) {
  const auto run = lab::run_as_expected([]() -> Result<lab::ExperimentRun> {
    return run_of({1, 1'000});
  });
  ASSERT_TRUE(run);
  EXPECT_EQ(run->runs, 1);
}

TEST(Experiment, ThatWasInterruptedOrCouldNotRunIsNotRunAgain) {
  int runs = 0;
  const auto interrupted = lab::run_as_expected([&]() -> Result<lab::ExperimentRun> {
    lab::ExperimentRun once = run_of({300});
    once.settings.calibrates = true;
    once.interrupted = true;
    ++runs;
    return once;
  });
  EXPECT_EQ(runs, 1);
  const auto failed = lab::run_as_expected([&]() -> Result<lab::ExperimentRun> {
    ++runs;
    return Error{"no core"};
  });
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(failed);
}

TEST(LabBound, AddsUpTheTablesOfTheServersCores) {
  ExperimentSettings s = example_settings("x");
  s.server.cores = {0, 1};
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 50'000);
}

TEST(LabBound, IsTheOfferedRateWhereNothingElseLimits) {
  for (const OnFull on_full : {OnFull::evict_oldest, OnFull::close}) {
    ExperimentSettings s = example_settings("x");
    s.server.shard.time_wait.on_full = on_full;
    EXPECT_DOUBLE_EQ(bound_of(s).cps, 100'000);
    EXPECT_EQ(bound_of(s).because, "100,000/s offered");
  }
}

TEST(LabBound, IsUnknownForAClosedLoopThatNothingLimits) {
  ExperimentSettings s = example_settings("x", shard::Closer::reset);
  s.client.load.rate = 0;
  s.client.load.concurrency = 64;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 0);
  EXPECT_THAT(bound_of(s).because, IsEmpty());
}

TEST(LabBound, OfAServerThatHoldsNothingIsTheOfferedRate) {
  ExperimentSettings s = example_settings("x");
  s.server.shard.time_wait.hold = {};
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 100'000);
}

TEST(LabBound, TakesTheFloorOfABalancedHold) {
  ExperimentSettings s = example_settings("x");
  s.server.shard.time_wait.balance = true;
  s.server.shard.time_wait.floor = Duration::from_s(1);
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 50'000);
}

TEST(LabBound, TakesTheHoldOfThePrefixThatTheClientsAreIn) {
  ExperimentSettings s = example_settings("x");
  s.server.shard.time_wait.nearness = {{Prefix::of({0x0a000000}, 8), 9_s},
                                       {Prefix::of({0xc6120000}, 15), 1_s},
                                       {Prefix::of({}, 0), 5_s}};
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 50'000);
}

TEST(LabBound, TakesTheShortHoldOfRecycleWithTimestampsOnly) {
  ExperimentSettings s = example_settings("x");
  s.server.shard.time_wait.recycle = true;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 50'000 / 0.7);  // 3.5 x 200 ms
  s.server.shard.tcp.timestamps = false;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 25'000);
}

TEST(LabBound, DoesNotCountATableThatHasRoomForEveryPair) {
  ExperimentSettings s = example_settings("x");
  s.client.sources = {.first = {1}, .last = {1}, .port_first = 1'001, .port_last = 2'000};
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 100'000);
  s.server.shard.time_wait.rules.reopen = tcp::TimeWaitRules::Reopen::off;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 25'000);
}

ExperimentSettings one_address() {
  ExperimentSettings s = example_settings("x", shard::Closer::client);
  s.client.sources = {.first = {1}, .last = {1}, .port_first = 1'001, .port_last = 5'000};
  return s;
}

TEST(LabBound, IsThePairsOverTheHoldWhenTheClientClosesFirst) {
  const lab::Bound bound = bound_of(one_address());
  EXPECT_DOUBLE_EQ(bound.cps, 2'000);
  EXPECT_EQ(bound.because, "4,000 sources / 2 s = 2,000/s");
}

TEST(LabBound, TakesTheDelayOfReuseWhichNeedsTimestamps) {
  ExperimentSettings s = one_address();
  s.client.shard.time_wait.reuse = 1;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 4'000);
  s.client.shard.tcp.timestamps = false;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 2'000);
}

TEST(LabBound, OfAClientThatHoldsNothingIsTheOfferedRate) {
  ExperimentSettings s = one_address();
  s.client.shard.time_wait.hold = {};
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 100'000);
}

TEST(LabBound, FollowsTheTimeWaitThatTheClientTakesOver) {
  ExperimentSettings s = one_address();
  s.client.close.first = s.server.close.first = shard::Closer::server;
  s.client.shard.time_wait.hand_over = true;
  s.server.shard.time_wait.rules.reopen = tcp::TimeWaitRules::Reopen::off;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 25'000) << "a server that ignores RST keeps its entry";
  s.server.shard.time_wait.rules.rst = tcp::TimeWaitRules::OnRst::accept;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 2'000);
}

TEST(LabBound, IsTheOfferedRateWhereEitherEndResets) {
  EXPECT_DOUBLE_EQ(bound_of(example_settings("x", shard::Closer::reset)).cps, 100'000);
  ExperimentSettings s = one_address();
  s.server.close.abort = true;
  EXPECT_DOUBLE_EQ(bound_of(s).cps, 100'000);
}

lab::LabVerdict verdict(Expectation expect, const LabFigures& figures) {
  ExperimentSettings s = example_settings("x");
  s.expect = expect;
  return verdict_on(s, figures).value();
}

TEST(LabVerdict, IsNotGivenWhereNothingIsExpected) {
  EXPECT_FALSE(verdict_on(example_settings("x"), {.judged = 9}));
}

TEST(LabVerdict, CallsFlatWhatKeepsUpEvenlyAndTurnsNobodyAway) {
  const LabFigures good{.offered = 1'000, .judged = 9, .sustained = 970, .swing = 0.09};
  EXPECT_TRUE(verdict(Expectation::flat, good).holds);
  LabFigures bad = good;
  bad.sustained = 969;
  EXPECT_FALSE(verdict(Expectation::flat, bad).holds);
  bad = good;
  bad.swing = 0.1;
  EXPECT_FALSE(verdict(Expectation::flat, bad).holds);
  bad = good;
  bad.refused = 0.1;
  EXPECT_FALSE(verdict(Expectation::flat, bad).holds);
  EXPECT_THAT(verdict(Expectation::flat, bad).words, HasSubstr("0.10/s refused"));
}

TEST(LabVerdict, HoldsABoundAgainstTheArithmetic) {
  LabFigures f{.expected = 1'000, .judged = 9, .sustained = 950};
  EXPECT_TRUE(verdict(Expectation::bound, f).holds);
  f.sustained = 1'051;
  EXPECT_FALSE(verdict(Expectation::bound, f).holds);
  EXPECT_EQ(verdict(Expectation::bound, f).words,
            "1,051/s where the arithmetic allows 1,000/s (+5.1 %)");
  f.expected = 0;
  EXPECT_FALSE(verdict(Expectation::bound, f).holds);
}

TEST(LabVerdict, CallsCollapseWhatIsHalvedAndSwings) {
  LabFigures f{.offered = 1'000, .judged = 9, .sustained = 500, .swing = 0.31};
  EXPECT_TRUE(verdict(Expectation::collapse, f).holds);
  f.swing = 0.3;
  EXPECT_FALSE(verdict(Expectation::collapse, f).holds);
  f.swing = 1;
  f.sustained = 501;
  EXPECT_FALSE(verdict(Expectation::collapse, f).holds);
}

TEST(LabVerdict, NeverHoldsWithoutASample) {
  for (const Expectation expect : {Expectation::flat, Expectation::bound, Expectation::collapse}) {
    const lab::LabVerdict none = verdict(expect, {});
    EXPECT_FALSE(none.holds);
    EXPECT_THAT(none.words, HasSubstr("no sample"));
  }
}

}  // namespace
}  // namespace mayfly::testing
