// The arithmetic of `mayfly plan`: Little's law at both ends, and what each preset makes of it.
#include "plan/demand.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/preset_facts.h"

namespace mayfly::testing {
namespace {

using plan::Demand;
using plan::DemandPlan;
using plan::Fit;

using Of = plan::Shortage::Of;

/// A million a second, from far more hosts than the hold needs.
Demand million() { return {.rate = 1e6, .hold = 60_s, .clients = 10'000}; }

const std::vector<plan::PresetFacts>& presets() {
  static const auto read =
      config::read_preset_facts(std::string(MAYFLY_SOURCE_ROOT) + "/conf/serve/veth.yaml");
  EXPECT_TRUE(read.errors.empty());
  return *read.settings;
}

plan::PolicyFit fit(std::string_view policy, const Demand& demand) {
  const auto fits = fits_of(demand, presets());
  const auto found = std::ranges::find(fits, policy, &plan::PolicyFit::policy);
  EXPECT_NE(found, fits.end()) << policy;
  return found == fits.end() ? plan::PolicyFit{} : *found;
}

TEST(PlanDemand, IsLittlesLaw) {
  const DemandPlan plan = plan_demand(million());
  EXPECT_EQ(plan.entries, 60'000'000U);
  EXPECT_EQ(plan.held, 60'000'000U);
  EXPECT_EQ(plan.bytes, 60'000'000U * plan::kTimeWaitBytes);
  EXPECT_TRUE(plan.shortages.empty());
}

TEST(PlanDemand, RoundsEntriesUp) {
  EXPECT_EQ(plan::plan_demand({.rate = 3, .hold = 1'500_ms}).entries, 5U);
}

TEST(PlanDemand, HoldsNoMoreEntriesThanThereAreFourTuples) {
  Demand demand = million();
  demand.clients = 100;
  const DemandPlan plan = plan_demand(demand);
  EXPECT_EQ(plan.pairs, 6'451'200U);
  EXPECT_EQ(plan.held, plan.pairs);
  EXPECT_EQ(plan.entries, 60'000'000U);
  EXPECT_EQ(plan.comes_back.ms(), 6'451);
}

TEST(PlanDemand, SaysWhenTheServersTableIsFullAndWhatItAllowsThen) {
  Demand demand = million();
  demand.capacity = 16'000'000;
  const DemandPlan plan = plan_demand(demand);
  ASSERT_EQ(plan.shortages.size(), 1U);
  const plan::Shortage& s = plan.shortages[0];
  EXPECT_EQ(s.of, Of::table);
  EXPECT_EQ(s.after, 16_s);
  EXPECT_DOUBLE_EQ(s.rate_max, 16e6 / 60);
  EXPECT_EQ(words_of(s),
            "the server's table: 60,000,000 entries are needed, but it has 16,000,000: full after "
            "16 s, then 266,666/s");
}

TEST(PlanDemand, CountsTheAddressesThatClientsNeedToCloseFirst) {
  Demand demand = million();
  demand.first = shard::Closer::client;
  EXPECT_EQ(plan_demand(demand).addresses_needed, 931U);  // 60,000,000 / 64,512 = 930.06
  demand.clients = 930;
  ASSERT_EQ(plan_demand(demand).shortages.size(), 1U);
  EXPECT_EQ(plan_demand(demand).shortages[0].of, Of::pairs);
  demand.clients = 931;
  EXPECT_TRUE(plan_demand(demand).shortages.empty());
}

TEST(PlanDemand, KnowsTheLimitOfOneAddress) {
  Demand demand{.rate = 10'000, .hold = 60_s, .clients = 1, .first = shard::Closer::client};
  EXPECT_EQ(static_cast<int>(plan_demand(demand).client_rate_max), 1'075);
  demand.port_first = 32'768, demand.port_last = 60'999;  // Linux's default range
  const DemandPlan plan = plan_demand(demand);
  EXPECT_EQ(static_cast<int>(plan.client_rate_max), 470);
  ASSERT_EQ(plan.shortages.size(), 1U);
  EXPECT_NEAR(plan.shortages[0].after.seconds(), 2.8, 0.1);
}

TEST(PlanDemand, DoesNotStartWithoutTheMemoryForTheTable) {
  Demand demand = million();
  demand.memory = 1'000'000'000;
  const DemandPlan plan = plan_demand(demand);
  ASSERT_EQ(plan.shortages.size(), 1U);
  EXPECT_EQ(plan.shortages[0].of, Of::memory);
  EXPECT_EQ(plan.shortages[0].after, 0_s);
  demand.memory = plan.bytes;
  EXPECT_TRUE(plan_demand(demand).shortages.empty());
}

TEST(PlanDemand, TellsTheShortageThatComesFirstFirst) {
  Demand demand = million();
  demand.capacity = 16'000'000;
  demand.memory = 100'000'000;
  const DemandPlan plan = plan_demand(demand);
  ASSERT_EQ(plan.shortages.size(), 2U);
  EXPECT_EQ(plan.shortages[0].of, Of::memory);
  EXPECT_EQ(plan.shortages[1].of, Of::table);
}

TEST(PlanDemand, StaysWithinItsNumbersForAnAbsurdRate) {
  const DemandPlan plan = plan::plan_demand({.rate = 1e300, .hold = 60_min});
  EXPECT_EQ(plan.held, plan.pairs);
  EXPECT_GE(plan.entries, plan.held);
}

// -- the presets --

TEST(Fits, AreTheRefusingPoliciesOnlyWhereTheTableIsLargeEnough) {
  Demand demand = million();
  demand.capacity = 60'000'000;
  EXPECT_EQ(fit("rfc6191", demand).fit, Fit::fits);
  EXPECT_EQ(fit("strict-rfc9293", demand).because,
            "the server's table: 240,000,000 entries are needed, but it has 60,000,000: full after "
            "60 s, then 250,000/s");
  demand.capacity = 240'000'000;
  EXPECT_EQ(fit("strict-rfc9293", demand).fit, Fit::fits);
}

TEST(Fits, HarmWhereEntriesGoBeforeTheirTime) {
  Demand demand = million();
  demand.capacity = 16'000'000;
  const plan::PolicyFit evict = fit("evict-oldest", demand);
  EXPECT_EQ(evict.fit, Fit::harms);
  EXPECT_EQ(evict.because,
            "evicted after 16 s instead of 60 s: segments delayed for longer find no TIME_WAIT");
  EXPECT_EQ(fit("balanced", demand).because,
            "held for 16 s instead of 60 s: segments delayed for longer find no TIME_WAIT");
  EXPECT_EQ(fit("linux-default", demand).because,
            "73.33 % of the connections get no TIME_WAIT at all");
}

TEST(Fits, IsBalancedDownToItsFloorOnly) {
  Demand demand = million();
  demand.capacity = 1'000'000;
  EXPECT_EQ(fit("balanced", demand).fit, Fit::harms);
  demand.capacity = 999'999;
  EXPECT_EQ(fit("balanced", demand).fit, Fit::fails);
}

TEST(Fits, IsClientFirstWhateverTheDemandSaysIfThePairsSuffice) {
  Demand demand = million();
  demand.capacity = 1;
  EXPECT_EQ(fit("client-first", demand).fit, Fit::fits);
  demand.clients = 100;
  EXPECT_EQ(fit("client-first", demand).fit, Fit::fails);
}

TEST(Fits, IsReuseWhereTheClientsPairsWouldNotLastAHold) {
  Demand demand = million();
  demand.first = shard::Closer::client;
  demand.clients = 100;  // 6,451,200 pairs, for a second each
  EXPECT_EQ(fit("linux-default", demand).fit, Fit::fails);
  EXPECT_EQ(fit("linux-tw-reuse", demand).fit, Fit::harms);
}

TEST(Fits, NeverPraiseAPolicyThatGivesTimeWaitUp) {
  const Demand little{.rate = 10, .hold = 1_s};
  for (const char* policy : {"none", "reset", "linux-tw-recycle", "linux-max-buckets"}) {
    EXPECT_EQ(fit(policy, little).fit, Fit::harms) << policy;
    EXPECT_FALSE(fit(policy, little).because.empty()) << policy;
  }
}

TEST(Fits, IsAFewBucketsAtTheClientTooSinceTheRestOfItsPairsAreFreeAtOnce) {
  Demand demand = million();
  demand.first = shard::Closer::client;
  demand.clients = 1;
  EXPECT_EQ(fit("linux-max-buckets", demand).fit, Fit::harms);
}

TEST(Fits, HarmUnderAPresetThatHoldsNothingAndDoesNotSaySo) {
  const plan::PresetFacts silent{.name = "silent", .hold = 0_s};
  const auto fits = fits_of({.rate = 10}, std::span(&silent, 1));
  ASSERT_EQ(fits.size(), 1U);
  EXPECT_EQ(fits[0].fit, Fit::harms);
  EXPECT_EQ(fits[0].because, "nothing is held");
}

TEST(Fits, MakeTheTableAsLargeAsTheMemoryIfNoCapacityIsNamed) {
  Demand demand = million();
  demand.memory = 30'000'000 * plan::kTimeWaitBytes;
  EXPECT_EQ(fit("strict-rfc9293", demand).fit, Fit::fails);
  EXPECT_EQ(fit("evict-oldest", demand).because,
            "evicted after 30 s instead of 60 s: segments delayed for longer find no TIME_WAIT");
}

}  // namespace
}  // namespace mayfly::testing
