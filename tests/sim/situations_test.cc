// Situations of a world, each alone: some seeds of it violate nothing, what it is about happens,
// and its oracle finds what it is there to find once the mechanism is taken away.
#include "world/situations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "world/sim_run.h"

namespace mayfly::testing {
namespace {

using world::FaultSet;
using world::Happening;
using world::make_scenario;
using world::Scenario;
using world::SimFault;

constexpr FaultSet kTwoPorts = FaultSet{}.with(SimFault::two_ports);
constexpr FaultSet kStuck = kTwoPorts.with(SimFault::stuck_port);
constexpr FaultSet kHostile = FaultSet{}.with(SimFault::hostile_pools);
constexpr FaultSet kClientText = FaultSet{}.with(SimFault::client_text);
constexpr FaultSet kOverload = FaultSet{}.with(SimFault::overload);
constexpr FaultSet kMoving = FaultSet{}.with(SimFault::moving_router);

Scenario scenario_of(FaultSet faults, std::uint64_t seed) {
  return make_scenario({.seed = seed, .faults = faults});
}

world::SimResult result_of(const Scenario& scenario) {
  world::Trace trace(scenario.start, nullptr, nullptr);
  const auto run = world::SimRun::create(scenario, trace);
  EXPECT_TRUE(run);
  return (*run)->run();
}

/// "fairness", or "none".
std::string violated_in(const Scenario& scenario) {
  const world::SimResult result = result_of(scenario);
  return result.violation ? result.violation->oracle : "none";
}

/// What happened in some seeds together, in which nothing is violated.
world::SimResult live_through_seeds(FaultSet faults, std::uint64_t seeds) {
  world::SimResult sum;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const world::SimResult r = result_of(scenario_of(faults, seed));
    EXPECT_FALSE(r.violation) << "seed " << seed << ": " << r.violation->oracle << ": "
                              << r.violation->what;
    sum.opened += r.opened;
    sum.completed += r.completed;
    sum.evicted += r.evicted;
    sum.stalled += r.stalled;
    sum.shed += r.shed;
  }
  return sum;
}

/// The first scenario for which `wanted` holds.
template <class F>
Scenario first_scenario(FaultSet faults, F&& wanted) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed)
    if (Scenario s = scenario_of(faults, seed); wanted(s)) return s;
  ADD_FAILURE() << "no seed has it";
  return scenario_of(faults, 1);
}

TEST(TwoPorts, EachHasANetworkAndClientsOfItsOwn) {
  const Scenario s = scenario_of(kTwoPorts, 1);
  EXPECT_EQ(s.hosts.back().network, 1);
  for (const world::HostPlan& host : s.hosts)
    EXPECT_EQ(host.second_wire.has_value(), host.is_server);
  const world::SimResult sum = live_through_seeds(kTwoPorts, 8);
  EXPECT_EQ(sum.completed, sum.opened) << "nothing is wrong with either";
}

TEST(StuckPort, IsNotFeltOnTheOtherPort) {
  const world::SimResult sum = live_through_seeds(kStuck, 12);
  EXPECT_GT(sum.stalled, 100u) << "the device was stuck";
  EXPECT_GT(sum.completed, sum.opened / 2);
}

TEST(StuckPort, IsLivedThroughByAServerThatHasNoOther) {
  EXPECT_GT(live_through_seeds(FaultSet{}.with(SimFault::stuck_port), 8).stalled, 10u);
}

/// How long the first port of a server is stuck in all.
Duration stuck_for(const Scenario& s) {
  Duration sum{};
  for (std::size_t n = 0; n + 1 < s.happenings.size(); n += 2)
    if (s.happenings[n].port == 0) sum = sum + (s.happenings[n + 1].at - s.happenings[n].at);
  return sum;
}

// The bound of the other port, asked of the stuck one.
TEST(StuckPort, IsFoundWhereItIsPromisedThatNothingIsStuck) {
  Scenario s = first_scenario(
      kStuck, [](const Scenario& each) { return stuck_for(each) > 100_s && !each.stays_stuck; });
  EXPECT_EQ(violated_in(s), "none");
  s.traffics.front().bound = s.traffics.back().bound;
  s.traffics.front().patient = true;
  EXPECT_EQ(violated_in(s), "fairness");
}

TEST(StuckPort, IsFoundOnTheOtherPortIfBothAreStuck) {
  Scenario s = first_scenario(
      kStuck, [](const Scenario& each) { return stuck_for(each) > 100_s && !each.stays_stuck; });
  const std::vector<Happening> first = s.happenings;
  for (Happening happening : first) {
    happening.port = 1;
    s.happenings.push_back(happening);
  }
  std::ranges::stable_sort(s.happenings, {}, &Happening::at);
  EXPECT_EQ(violated_in(s), "fairness");
}

TEST(HostilePools, LeaveTheHonestWhatTheyNeed) {
  const world::SimResult sum = live_through_seeds(kHostile, 4);
  EXPECT_GT(sum.evicted, 10u) << "greedy clients had to give way";
}

TEST(HostilePools, AreFoundWhereNothingIsKeptForTheFirstExtent) {
  Scenario s =
      first_scenario(kHostile, [](const Scenario& each) { return !each.traffic().copies; });
  for (world::HostPlan& host : s.hosts)
    if (host.is_server) host.sizes.extents = 4;
  EXPECT_EQ(violated_in(s), "fairness");
}

TEST(ClientText, DestroysNoAnswer) {
  const world::SimResult sum = live_through_seeds(kClientText, 16);
  EXPECT_EQ(sum.completed, sum.opened);
}

TEST(ClientText, IsFoundWhereTheServerDoesNotCloseInStages) {
  bool found = false;
  for (std::uint64_t seed = 1; seed <= 30 && !found; ++seed) {
    Scenario s = scenario_of(kClientText, seed);
    s.traffics.front().bound = Duration::max();  // which is not kept either
    s.traffics.front().linger = {};
    found = violated_in(s) == "answer";
  }
  EXPECT_TRUE(found);
}

TEST(Overload, IsPromisedAGoodputOnlyWhereATextIsOneSegment) {
  std::size_t promised = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Scenario s = scenario_of(kOverload, seed);
    if (s.traffics.back().goodput_least == 0) continue;
    ++promised;
    for (const world::HostPlan& host : s.hosts) EXPECT_GE(host.settings.tcp.mss, 500) << seed;
  }
  EXPECT_GT(promised, 10u);
}

TEST(Overload, LeavesTheGoodputWhereItWas) {
  const world::SimResult sum = live_through_seeds(kOverload, 6);
  EXPECT_GT(sum.shed, 1'000u);
}

TEST(Overload, IsFoundWhereTheCoreIsTooSlow) {
  Scenario s = first_scenario(
      kOverload, [](const Scenario& each) { return each.traffics.back().goodput_least > 0; });
  for (world::HostPlan& host : s.hosts) host.pace.frame = host.pace.frame * 4;
  EXPECT_EQ(violated_in(s), "goodput");
}

TEST(Situations, LeaveTheRestAsItIs) {
  const FaultSet loss = FaultSet{}.with(SimFault::loss).with(SimFault::partition);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Scenario without = scenario_of(loss, seed);
    const Scenario with = make_scenario({.seed = seed, .faults = loss.with(SimFault::two_ports)});
    for (std::size_t i = 0; i < without.hosts.size(); ++i) {
      EXPECT_EQ(with.hosts[i].wire.faults.loss, without.hosts[i].wire.faults.loss);
      EXPECT_EQ(with.hosts[i].settings.time_wait.hold, without.hosts[i].settings.time_wait.hold);
    }
    ASSERT_EQ(with.happenings.size(), without.happenings.size());
    for (std::size_t i = 0; i < with.happenings.size(); ++i)
      EXPECT_EQ(with.happenings[i].host, without.happenings[i].host);
  }
}

TEST(MovingRouter, HarmsNobodyWhoseServersAskEachOther) {
  const world::SimResult sum = live_through_seeds(kMoving, 8);
  EXPECT_GT(sum.completed, sum.opened * 9 / 10);
}

// The servers ask fewer others than there are: what is found is what the second chance is for.
TEST(MovingRouter, IsFoundWhereServersDoNotAskAll) {
  Scenario s = first_scenario(kMoving, [](const Scenario& each) {
    return each.is_harmless && each.router->hops == 3 && each.router->sprays;
  });
  EXPECT_EQ(violated_in(s), "none");
  s.router->hops = 1;
  EXPECT_EQ(violated_in(s), "ledger");
}

TEST(MovingRouter, HasServersOfOneAddressAndTheOthersMoveOn) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Scenario s = scenario_of(kMoving, seed);
    const auto servers = std::ranges::count_if(s.hosts, &world::HostPlan::is_server);
    EXPECT_GE(servers, 2);
    for (std::size_t n = 0; n < s.hosts.size(); ++n) {
      EXPECT_EQ(s.hosts[n].number, n);
      EXPECT_EQ(s.hosts[n].is_server, n < static_cast<std::size_t>(servers));
      if (!s.hosts[n].is_server) continue;
      EXPECT_EQ(s.hosts[n].settings.time_wait.hold, s.hosts[0].settings.time_wait.hold);
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
