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

}  // namespace
}  // namespace mayfly::testing
