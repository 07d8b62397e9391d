// Worlds lived through: the same seed twice, oracles that find what there is to be found, and some
// hundred seeds under the sanitizers (the many are run by tests/sim/test_sim.py).
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "world/minimise.h"
#include "world/sim_run.h"

namespace mayfly::testing {
namespace {

using world::FaultSet;
using world::SimFault;

struct Lived {
  world::SimResult result;
  std::string trace;
};

Lived live_with_trace(const world::SimOptions& options) {
  char* text = nullptr;
  std::size_t length = 0;
  std::FILE* const memory = open_memstream(&text, &length);
  const auto result = live_through(options, memory);
  std::fclose(memory);
  Lived lived{*result, std::string(text, length)};
  std::free(text);
  return lived;
}

std::string words_of(const std::optional<world::Violation>& violation) {
  return violation ? violation->oracle + ": " + violation->what : "";
}

TEST(World, TheSameSeedGivesTheSameTraceByteForByte) {
  for (const std::uint64_t seed : {1, 9, 11, 42}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Lived once = live_with_trace({.seed = seed}), again = live_with_trace({.seed = seed});
    EXPECT_EQ(once.trace, again.trace);
    EXPECT_EQ(once.result.digest, again.result.digest);
    EXPECT_GT(once.result.frames, 50u);
  }
  EXPECT_NE(live_with_trace({.seed = 1}).result.digest, live_with_trace({.seed = 2}).result.digest);
}

// What the digest is for: a trace that differs in one bit of one frame differs in it.
TEST(World, TheDigestTellsTracesApart) {
  std::array<std::byte, 61> frame{};
  const auto digest_of = [&](Instant at) {
    world::Trace trace({}, nullptr, nullptr);
    trace.frame("host", frame, true, at);
    return trace.digest();
  };
  const std::uint64_t plain = digest_of({1});
  EXPECT_NE(digest_of({2}), plain);
  frame[60] = std::byte{1};
  EXPECT_NE(digest_of({1}), plain);
}

class Seeds : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, ViolateNothing) {
  constexpr std::uint64_t kEach = 4;
  for (std::uint64_t seed = GetParam(); seed < GetParam() + kEach; ++seed) {
    const auto result = world::live_through({.seed = seed});
    ASSERT_TRUE(result) << result.error().what;
    ASSERT_FALSE(result->violation)
        << "seed " << seed << ": " << words_of(result->violation) << "\nmayfly sim --seed " << seed;
  }
}
INSTANTIATE_TEST_SUITE_P(From, Seeds, ::testing::Range<std::uint64_t>(1, 81, 4));

TEST(World, WithoutFaultsEveryConnectionCompletes) {
  const auto result = world::live_through({.seed = 1, .connections = 5'000, .faults = FaultSet{}});
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->violation) << words_of(result->violation);
  EXPECT_EQ(result->completed, 5'000u);
  EXPECT_GE(result->time_waits, 5'000u) << "somebody holds each of them";
  EXPECT_GT(result->simulated, 240_s) << "all holds have ended too";
}

/// The first violation among some seeds of a world that is held to promises it cannot keep.
std::string first_violation(FaultSet faults) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const auto result = world::live_through({.seed = seed, .faults = faults, .no_harm = true});
    if (result && result->violation) return result->violation->oracle;
  }
  return "none";
}

TEST(World, FindsTheResetInLastAckThatAShortHoldAllows) {
  const FaultSet faults =
      FaultSet{}.with(SimFault::hasty).with(SimFault::loss).with(SimFault::delay);
  EXPECT_EQ(first_violation(faults), "reset");
}

TEST(World, FindsOctetsOfAnOldIncarnation) {
  // Many old duplicates, hosts that forget, and timestamps that jump: nothing protects the new.
  const FaultSet faults = FaultSet{}
                              .with(SimFault::hasty)
                              .with(SimFault::stray)
                              .with(SimFault::replay)
                              .with(SimFault::restart)
                              .with(SimFault::clock_step);
  // One seed in some hundreds has them; where the search begins there is one, when it was written.
  bool found = false;
  for (std::uint64_t seed = 260; seed <= 2'000 && !found; ++seed)
    found = world::live_through({.seed = seed, .faults = faults})->harm > 0;
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace mayfly::testing
