// What a seed stands for.
#include "world/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mayfly::testing {
namespace {

using world::FaultSet;
using world::make_scenario;
using world::SimFault;

using ::testing::HasSubstr;

TEST(SimFaults, AreReadAsTheyAreWritten) {
  for (const char* text : {"none", "loss", "delay,loss,nat", "clock_step,hasty"}) {
    const auto faults = world::parse_faults(text);
    ASSERT_TRUE(faults) << text;
    EXPECT_EQ(to_string(*faults), text);
  }
  EXPECT_EQ(*world::parse_faults("all"), FaultSet::all());
  EXPECT_THAT(world::parse_faults("loss,rain").error().what, HasSubstr("no fault 'rain'"));
}

TEST(Scenario, EverySeedHasFaultsOfItsOwn) {
  std::set<std::string> subsets;
  for (std::uint64_t seed = 1; seed <= 100; ++seed)
    subsets.insert(to_string(make_scenario({.seed = seed}).faults));
  EXPECT_GT(subsets.size(), 90u);
  EXPECT_FALSE(subsets.contains("none"));
}

TEST(Scenario, EveryFaultHasItsTurn) {
  FaultSet seen;
  for (std::uint64_t seed = 1; seed <= 100; ++seed)
    make_scenario({.seed = seed}).faults.for_each([&](SimFault f) { seen = seen.with(f); });
  EXPECT_EQ(seen, FaultSet::all()) << to_string(seen);
}

// A failing seed can only be made smaller if the rest of it stays as it was.
TEST(Scenario, AFaultThatIsTakenAwayLeavesTheOthersAsTheyWere) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const world::Scenario all = make_scenario({.seed = seed, .faults = FaultSet::all()});
    const world::Scenario fewer = make_scenario(
        {.seed = seed,
         .faults = FaultSet::all().without(SimFault::loss).without(SimFault::partition)});
    ASSERT_EQ(all.hosts.size(), fewer.hosts.size());
    for (std::size_t i = 0; i < all.hosts.size(); ++i) {
      if (all.hosts[i].traffic == 0) {
        EXPECT_GT(all.hosts[i].wire.faults.loss, 0);
      }
      EXPECT_EQ(fewer.hosts[i].wire.faults.loss, 0);
      EXPECT_EQ(all.hosts[i].wire.faults.delay, fewer.hosts[i].wire.faults.delay);
      EXPECT_EQ(all.hosts[i].wire.stray, fewer.hosts[i].wire.stray);
      EXPECT_EQ(all.hosts[i].sizes.connections, fewer.hosts[i].sizes.connections);
      EXPECT_EQ(all.hosts[i].settings.time_wait.hold, fewer.hosts[i].settings.time_wait.hold);
    }
    EXPECT_EQ(all.traffic().request_max, fewer.traffic().request_max);
    EXPECT_EQ(all.start, fewer.start);
    for (const world::Happening& happening : fewer.happenings)
      EXPECT_TRUE(happening.what != world::Happening::What::cut &&
                  happening.what != world::Happening::What::uncut);
  }
}

TEST(Scenario, PromisesAreKeptByThoseAloneThatHoldFor2Msl) {
  const auto promises = [](FaultSet faults) {
    return make_scenario({.seed = 3, .faults = faults}).keeps_promises;
  };
  const FaultSet loss = FaultSet{}.with(SimFault::loss);
  EXPECT_TRUE(promises(loss));
  EXPECT_FALSE(promises(loss.with(SimFault::hasty)));
  EXPECT_FALSE(promises(loss.with(SimFault::restart))) << "a host that forgets keeps no promise";
  EXPECT_FALSE(promises(loss.with(SimFault::half_open))) << "nor does one that sends cookies";
  EXPECT_TRUE(make_scenario({.seed = 3, .faults = loss.with(SimFault::hasty), .no_harm = true})
                  .keeps_promises);
}

TEST(Scenario, TheCommandLineHasTheLastWord) {
  world::EndPolicies policy;
  policy.server.shard.time_wait.hold = 7_s;
  policy.client.shard.time_wait.hold = 9_s;
  const world::Scenario s = make_scenario({.seed = 5,
                                           .connections = 33,
                                           .faults = FaultSet{}.with(SimFault::loss),
                                           .policy = policy,
                                           .duration = 4_s});
  EXPECT_EQ(s.traffic().connections, 33u);
  EXPECT_EQ(s.faults_last, 4_s);
  EXPECT_EQ(s.longest_hold(), 9_s);
  for (const world::HostPlan& host : s.hosts)
    EXPECT_EQ(host.settings.time_wait.hold, host.is_server ? 7_s : 9_s);
}

TEST(Scenario, TheSeedDrawsTheFamilyAndANatIsOfIpv4) {
  int sixes = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const world::Scenario s = make_scenario({.seed = seed});
    sixes += s.ipv6 ? 1 : 0;
    EXPECT_FALSE(s.ipv6 && s.has(SimFault::nat));
    EXPECT_EQ(describe(s).find("IPv6") != std::string::npos, s.ipv6);
  }
  EXPECT_GT(sixes, 80);
  EXPECT_LT(sixes, 240);
  EXPECT_FALSE(make_scenario({.seed = 1, .faults = FaultSet{}}).ipv6);
}

}  // namespace
}  // namespace mayfly::testing
