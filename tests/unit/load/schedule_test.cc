#include "load/schedule.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace mayfly::testing {
namespace {

using load::LoadShape;
using load::Schedule;

LoadShape open_loop(double rate, Duration duration, Duration ramp = {}) {
  LoadShape shape;
  shape.rate = rate;
  shape.duration = duration;
  shape.ramp = ramp;
  return shape;
}

LoadShape closed_loop(std::uint32_t concurrency, Duration duration, Duration ramp = {}) {
  LoadShape shape;
  shape.concurrency = concurrency;
  shape.duration = duration;
  shape.ramp = ramp;
  return shape;
}

/// Takes all starts that are due when polled every `step`; returns their intended instants.
std::vector<Instant> run(Schedule& schedule, Instant from, Instant to, Duration step) {
  std::vector<Instant> starts;
  schedule.begin(from);
  for (Instant now = from; now <= to; now = now + step)
    for (; schedule.due(now, 0); schedule.take()) starts.push_back(schedule.intended(now));
  return starts;
}

TEST(OpenLoop, SpacesStartsEvenlyAtAConstantRate) {
  Schedule schedule(open_loop(1'000, 1_s), {});
  const auto starts = run(schedule, {5'000'000}, {6'100'000}, 100_us);
  ASSERT_EQ(starts.size(), 1'000U);
  EXPECT_EQ(starts[0], Instant{5'000'000});
  EXPECT_EQ(starts[1], Instant{5'001'000});
  EXPECT_EQ(starts[999], Instant{5'999'000});
}

TEST(OpenLoop, RampsUpLinearly) {
  const LoadShape shape = open_loop(1'000, 4_s, 2_s);
  // The area of the triangle: 2 s x 1,000/s / 2; half the time gives a quarter of it.
  EXPECT_EQ(starts_before(shape, 1_s), 250U);
  EXPECT_EQ(starts_before(shape, 2_s), 1'000U);
  EXPECT_EQ(starts_before(shape, 4_s), 3'000U);
  EXPECT_EQ(intended_start(shape, 250), 1_s);
  EXPECT_EQ(intended_start(shape, 1'000), 2_s);
  EXPECT_EQ(intended_start(shape, 2'000), 3_s);
}

TEST(OpenLoop, NeverGoesBackInTime) {
  const LoadShape shape = open_loop(77'777, 3_s, 1_s);
  Duration last{};
  for (std::uint64_t n = 0; n < 200'000; ++n) {
    const Duration at = intended_start(shape, n);
    ASSERT_GE(at, last) << "start " << n;
    last = at;
  }
}

TEST(OpenLoop, KeepsTheIntendedInstantsWhenItFallsBehind) {
  Schedule schedule(open_loop(1'000, 1_s), {});
  schedule.begin({0});
  const Instant late{500'000};
  EXPECT_EQ(schedule.behind(late), 500U);
  ASSERT_TRUE(schedule.due(late, 1'000'000));
  EXPECT_EQ(schedule.intended(late), Instant{0});
  schedule.take();
  EXPECT_EQ(schedule.intended(late), Instant{1'000});
  EXPECT_EQ(schedule.behind(late), 499U);
}

TEST(OpenLoop, GivesUpWhatIsLongOverdueWhenTheRunEnds) {
  Schedule schedule(open_loop(1'000, 1_s), {});
  schedule.begin({0});
  EXPECT_TRUE(schedule.due(Instant{1'000'000} + Schedule::kLate - 1_us, 0));
  EXPECT_FALSE(schedule.over(Instant{1'000'000} + Schedule::kLate - 1_us));
  EXPECT_FALSE(schedule.due(Instant{1'000'000} + Schedule::kLate, 0));
  EXPECT_TRUE(schedule.over(Instant{1'000'000} + Schedule::kLate));
  EXPECT_EQ(schedule.behind({2'000'000}), 1'000U);
}

TEST(OpenLoop, IsOverAtItsEndWhenNothingIsOverdue) {
  Schedule schedule(open_loop(1'000, 1_s), {});
  run(schedule, {0}, {999'900}, 100_us);
  EXPECT_FALSE(schedule.over({999'999}));
  EXPECT_TRUE(schedule.over({1'000'000}));
  EXPECT_EQ(schedule.behind({5'000'000}), 0U);
}

TEST(OpenLoop, EndsWithTheNumberOfConnections) {
  LoadShape shape = open_loop(1'000, Duration{});
  shape.connections = 10;
  Schedule schedule(shape, {});
  EXPECT_EQ(run(schedule, {0}, {1'000'000}, 1_ms).size(), 10U);
  EXPECT_TRUE(schedule.spent());
}

TEST(OpenLoop, IsDividedAmongCoresWithoutGapOrOverlap) {
  LoadShape shape = open_loop(1'000, 1_s, 500_ms);
  shape.connections = 400;
  std::multiset<Instant> all, whole;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Schedule part(shape, {i, 3});
    for (const Instant at : run(part, {0}, {1'000'000}, 1_ms)) all.insert(at);
  }
  Schedule one(shape, {});
  for (const Instant at : run(one, {0}, {1'000'000}, 1_ms)) whole.insert(at);
  EXPECT_EQ(whole.size(), 400U);
  EXPECT_EQ(all, whole);
}

TEST(OpenLoop, StopsWhenItIsTold) {
  Schedule schedule(open_loop(1'000, 10_s), {});
  run(schedule, {0}, {99'900}, 100_us);
  schedule.stop({100'000});
  EXPECT_FALSE(schedule.due({100'000}, 0));
  EXPECT_TRUE(schedule.over({100'000}));
  EXPECT_EQ(schedule.behind({1'000'000}), 0U);
}

TEST(ClosedLoop, StartsTheNextWhenOneHasEnded) {
  Schedule schedule(closed_loop(3, 1_s), {});
  schedule.begin({0});
  EXPECT_TRUE(schedule.due({0}, 2));
  EXPECT_FALSE(schedule.due({0}, 3));
  EXPECT_TRUE(schedule.due({999'999}, 2));
  EXPECT_FALSE(schedule.due({1'000'000}, 2));
  EXPECT_TRUE(schedule.over({1'000'000}));
  EXPECT_EQ(schedule.intended({700}), Instant{700});
}

TEST(ClosedLoop, RampsItsConcurrency) {
  const LoadShape shape = closed_loop(100, 10_s, 2_s);
  EXPECT_EQ(concurrency_at(shape, Duration{}), 1U);
  EXPECT_EQ(concurrency_at(shape, 1_s), 50U);
  EXPECT_EQ(concurrency_at(shape, 2_s), 100U);
  EXPECT_EQ(concurrency_at(shape, 9_s), 100U);
}

TEST(ClosedLoop, IsDividedAmongCores) {
  Schedule first(closed_loop(5, 1_s), {0, 2}), second(closed_loop(5, 1_s), {1, 2});
  first.begin({0});
  second.begin({0});
  EXPECT_TRUE(first.due({0}, 2));
  EXPECT_FALSE(first.due({0}, 3));
  EXPECT_TRUE(second.due({0}, 1));
  EXPECT_FALSE(second.due({0}, 2));
}

TEST(ClosedLoop, PausesAfterARefusal) {
  Schedule schedule(closed_loop(5, 1_s), {});
  schedule.begin({0});
  schedule.pause({1'000});
  EXPECT_FALSE(schedule.due({999}, 0));
  EXPECT_TRUE(schedule.due({1'000}, 0));
}

TEST(Parts, TogetherMakeTheStartsOfThePlan) {
  LoadShape whole = open_loop(10'000, 1_s, 200_ms);
  Schedule all(whole, {});
  const auto expected = run(all, {0}, {1'100'000}, 100_us);
  std::multiset<Instant> starts;
  for (std::uint32_t part = 0; part < 3; ++part) {
    whole.part = {part, 3};
    const std::uint32_t cores = part + 1;  // hosts need not be alike
    for (std::uint32_t core = 0; core < cores; ++core) {
      Schedule schedule(whole, {core, cores});
      for (const Instant start : run(schedule, {0}, {1'100'000}, 100_us)) starts.insert(start);
      EXPECT_EQ(schedule.behind({1'000'000}), 0U);
    }
  }
  EXPECT_EQ(std::multiset<Instant>(expected.begin(), expected.end()), starts);
}

TEST(Parts, TogetherKeepTheConcurrencyAndTheNumberOfConnections) {
  LoadShape whole = closed_loop(10, 1_s);
  whole.connections = 101;
  std::uint64_t open_at_once = 0, connections = 0;
  for (std::uint32_t part = 0; part < 3; ++part) {
    whole.part = {part, 3};
    const std::uint32_t cores = 3 - part;
    for (std::uint32_t core = 0; core < cores; ++core) {
      Schedule schedule(whole, {core, cores});
      schedule.begin({0});
      std::uint64_t open = 0;
      while (schedule.due({0}, open)) ++open, schedule.take();
      open_at_once += open;
      for (; !schedule.spent(); schedule.take()) {
      }
      connections += schedule.taken();
    }
  }
  EXPECT_EQ(open_at_once, 10U);
  EXPECT_EQ(connections, 101U);
}

}  // namespace
}  // namespace mayfly::testing
