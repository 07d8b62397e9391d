// How a run ends when somebody asks for it: with its connections, and with their TIME_WAIT.
#include "run/orderly_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mayfly::testing {
namespace {

using run::Command;
using run::Stop;
using ::testing::ElementsAre;

/// Connections have ended after so many questions, and their TIME_WAIT after so many more.
struct PatientEngine {
  int open_rounds = 0, held_rounds = 0;
  std::vector<Command> told{};
  bool is_stopped = false;
  int slow_rounds = 0;  ///< how often a command is asked for before it is obeyed

  bool obeyed(Command command) {
    EXPECT_EQ(command, told.back());
    return slow_rounds == 0 || --slow_rounds == 0;
  }
  void tell(Command command) { told.push_back(command); }
  void stop() { is_stopped = true; }
  std::uint32_t open_connections() { return open_rounds > 0 ? open_rounds-- : 0; }
  std::uint64_t time_waits() { return held_rounds > 0 ? held_rounds-- : 0; }
};

constexpr int kForever = 1'000'000;

int rounds_until_the_end(PatientEngine& engine, const run::EndRules& rules,
                         const run::StopAsked& stop) {
  int rounds = 0;
  run::end_orderly(
      engine, nic::TscClock(std::uint64_t{1'000'000'000}), rules, stop, [](std::uint32_t) {},
      [&] { ++rounds; });
  EXPECT_TRUE(engine.is_stopped);
  EXPECT_THAT(engine.told, ElementsAre(Command::drain, Command::abort));
  return rounds;
}

TEST(OrderlyEnd, OfADrainInAClusterHoldsTimeWaitToItsEnd) {
  PatientEngine engine{.open_rounds = 3, .held_rounds = 8};
  const auto leaves = [] { return Stop::leave; };
  EXPECT_GE(rounds_until_the_end(engine, {.timeout = 1_ms, .holds_to_the_end = true}, leaves), 8);
  EXPECT_EQ(engine.held_rounds, 0);
}

TEST(OrderlyEnd, OfADrainElsewhereHoldsItNoLongerThanItsTimeout) {
  PatientEngine engine{.held_rounds = kForever};
  rounds_until_the_end(engine, {.timeout = 100_ms}, [] { return Stop::leave; });
  EXPECT_LT(engine.held_rounds, kForever) << "for what is left of it";
  EXPECT_GT(engine.held_rounds, 0);
}

TEST(OrderlyEnd, OfASignalLeavesTimeWaitBehind) {
  PatientEngine engine{.open_rounds = 2, .held_rounds = kForever};
  rounds_until_the_end(engine, {.timeout = 1_s, .holds_to_the_end = true},
                       [] { return Stop::orderly; });
  EXPECT_EQ(engine.held_rounds, kForever);
}

TEST(OrderlyEnd, OfADrainComesAtOnceWithASignal) {
  PatientEngine engine{.held_rounds = kForever};
  int asked = 0;
  rounds_until_the_end(engine, {.timeout = 1_s, .holds_to_the_end = true},
                       [&] { return ++asked < 5 ? Stop::leave : Stop::orderly; });
  EXPECT_GT(engine.held_rounds, kForever - 10);
}

TEST(OrderlyEnd, WaitsForACoreWhoseThreadIsNotScheduled) {
  PatientEngine engine{.slow_rounds = 50};
  run::reset_and_stop(engine, [&] { EXPECT_EQ(engine.slow_rounds, 0) << "reset before counted"; });
  EXPECT_EQ(engine.slow_rounds, 0) << "otherwise stop replaces abort, and nobody is reset";
  EXPECT_TRUE(engine.is_stopped);
}

}  // namespace
}  // namespace mayfly::testing
