// A seed that fails is made smaller and still fails in the same way.
#include "world/minimise.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

/// A seed that fails since a hasty policy is held to what it does not promise.
world::SimOptions failing_options() {
  world::SimOptions options{.faults = world::FaultSet::all()
                                          .without(world::kSituations)
                                          .without(world::SimFault::restart)
                                          .without(world::SimFault::abort),
                            .no_harm = true};
  for (options.seed = 1; options.seed <= 400; ++options.seed)
    if (const auto result = live_through(options); result && result->violation) return options;
  ADD_FAILURE() << "no seed fails";
  return options;
}

TEST(Minimise, FindsFewerFaultsAndFewerConnectionsThatFailAlike) {
  const world::SimOptions failing = failing_options();
  const world::SimResult result = *live_through(failing);
  const auto smaller = minimise(failing, result);
  ASSERT_TRUE(smaller);
  EXPECT_EQ(smaller->options.seed, failing.seed);
  EXPECT_LE(smaller->options.connections, make_scenario(failing).traffic().connections);
  std::size_t faults = 0;
  smaller->options.faults->for_each([&](world::SimFault) { ++faults; });
  EXPECT_LT(faults, world::kSimFaultCount - 2 - 5) << to_string(*smaller->options.faults);

  const auto again = live_through(smaller->options);
  ASSERT_TRUE(again && again->violation);
  EXPECT_EQ(again->violation->oracle, result.violation->oracle);
  EXPECT_EQ(again->digest, smaller->result.digest);
}

TEST(Minimise, StopsAfterSoManyTries) {
  const world::SimOptions failing = failing_options();
  const auto smaller = minimise(failing, *live_through(failing), 3);
  ASSERT_TRUE(smaller);
  EXPECT_EQ(smaller->tried, 3u);
  EXPECT_TRUE(smaller->result.violation);
}

TEST(Minimise, BeginsWithTheWorldThatFailed) {
  world::SimOptions failing{.faults = world::FaultSet::all()};
  world::SimResult result;
  result.violation = {{}, "an oracle", "a reason"};
  std::uint32_t more = 0;  // worlds whose other clients open more than the first
  for (failing.seed = 1; failing.seed <= 40; ++failing.seed) {
    const auto begun = minimise(failing, result, 0);
    ASSERT_TRUE(begun);
    const auto drawn = make_scenario(failing).traffics;
    const auto again = make_scenario(begun->options).traffics;
    ASSERT_EQ(again.size(), drawn.size());
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      EXPECT_EQ(again[i].connections, drawn[i].connections) << "seed " << failing.seed;
      more += drawn[i].connections > drawn[0].connections ? 1 : 0;
    }
  }
  EXPECT_GT(more, 0u) << "else this shows nothing";
}

}  // namespace
}  // namespace mayfly::testing
