// Policies side by side in one situation: the figures, and which policy is recommended.
#include "lab/situations.h"

#include <gmock/gmock.h>

#include "lab/situations_json.h"
#include "support/lab_example.h"

namespace mayfly::testing {
namespace {

using lab::SituationTable;
using world::LedgerRow;
using world::Situation;

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

SituationTable table_of(const lab::LabResult& result, Situation situation) {
  for (SituationTable& table : situation_tables(result))
    if (table.situation == situation) return std::move(table);
  ADD_FAILURE() << "no such situation";
  return {};
}

TEST(Situations, CompareEveryPolicyUnderOneLoad) {
  const lab::LabResult result = compared_example();
  const auto tables = situation_tables(result);
  ASSERT_THAT(tables, SizeIs(world::kSituationCount));
  for (const SituationTable& table : tables) {
    ASSERT_THAT(table.rows, SizeIs(3));
    for (const lab::SituationRow& row : table.rows) {
      EXPECT_EQ(row.figures.offered, 160'000);
      ASSERT_NE(row.ledger, nullptr);
      EXPECT_EQ(row.ledger->connections, 2'000u);
    }
  }
}

TEST(Situations, RecommendWhatCarriesTheLoadWithTheLeastHarm) {
  const lab::LabResult result = compared_example();
  const SituationTable table = table_of(result, Situation::nat);
  EXPECT_EQ(table.policy, "newcomer") << "strict refuses, none harms";
  EXPECT_EQ(table.command, "mayfly serve --policy newcomer -c serve.yaml");
  EXPECT_THAT(table.words, HasSubstr("harmed none of 2,000 simulated connections"));
  EXPECT_EQ(table_of(result, Situation::proxy).command,
            "mayfly load --policy newcomer -c load.yaml")
      << "a proxy is a client";
}

TEST(Situations, PreferThePolicyThatKeepsNobodyOut) {
  lab::LabResult result{.origin = example_origin()};
  const LedgerRow keeps{.connections = 100, .completed = 90, .kept_out = 10};
  const LedgerRow lets{.connections = 100, .completed = 100};
  using enum Situation;
  add_compared(result, lossy, "a", OnFull::evict_oldest, keeps);
  add_compared(result, lossy, "b", OnFull::evict_oldest, lets);
  EXPECT_EQ(table_of(result, lossy).policy, "b");
}

TEST(Situations, NameTheHarmlessPolicyWhereOnlyHarmfulOnesCarry) {
  lab::LabResult result{.origin = example_origin()};
  using enum Situation;
  add_compared(result, lossy, "strict", OnFull::refuse, {.connections = 100, .completed = 100});
  add_compared(result, lossy, "none", OnFull::evict_oldest,
               {.connections = 100, .completed = 99, .old_data = 1});
  const SituationTable table = table_of(result, lossy);
  EXPECT_EQ(table.policy, "none");
  EXPECT_THAT(table.words, HasSubstr("Without any harm: strict"));
}

/// A policy that needs both ends does no harm, and another one a little.
lab::LabResult both_ends_example(Situation situation) {
  lab::LabResult result{.origin = example_origin()};
  add_compared(result, situation, "both-ends", OnFull::evict_oldest,
               {.connections = 100, .completed = 100});
  result.experiments.back().settings.server.shard.time_wait.hand_over = true;
  add_compared(result, situation, "alone", OnFull::evict_oldest,
               {.connections = 100, .completed = 99, .killed = 1});
  return result;
}

TEST(Situations, SayWhereTheOtherEndMustFollowThePolicyToo) {
  const lab::LabResult result = both_ends_example(Situation::proxy);
  EXPECT_EQ(table_of(result, Situation::proxy).policy, "both-ends");
  EXPECT_THAT(table_of(result, Situation::proxy).words,
              HasSubstr("The other end must follow the policy too."));
}

TEST(Situations, DoNotRecommendToAServerOfStrangersWhatNeedsBothEnds) {
  for (const Situation situation :
       {Situation::many_clients, Situation::few_clients, Situation::nat, Situation::lossy}) {
    const lab::LabResult result = both_ends_example(situation);
    const SituationTable table = table_of(result, situation);
    EXPECT_EQ(table.policy, "alone");
    EXPECT_THAT(table.words, HasSubstr("Better where the other ends follow it too: both-ends"));
    EXPECT_THAT(table.words, Not(HasSubstr("Without any harm")));
  }
}

TEST(Situations, TellAShortTimeOutsideInMilliseconds) {
  lab::LabResult result{.origin = example_origin()};
  add_compared(result, Situation::lossy, "a", OnFull::evict_oldest,
               {.connections = 1'000,
                .completed = 999,
                .kept_out = 1,
                .kept_out_longest = Duration{12'300}});
  EXPECT_THAT(table_of(result, Situation::lossy).words,
              HasSubstr("kept 1 of 1,000 newcomers out, for at most 13 ms"));
}

// A control: under another load the figures are others, and the order of what is compared is not.
TEST(Situations, AnotherLoadChangesTheFiguresAndNotTheOrder) {
  const auto order_of = [](double rate) {
    lab::LabResult result = compared_example();
    for (lab::ExperimentRun& run : result.experiments) {
      run.settings.client.load.rate = rate;
      run = example_run(run.settings, 5);
    }
    SituationTable table = table_of(result, Situation::few_clients);
    std::ranges::sort(table.rows, {}, [](const auto& row) { return row.figures.sustained; });
    std::vector<std::string> names{table.policy};
    for (const lab::SituationRow& row : table.rows) names.push_back(row.policy);
    return std::pair(names.at(0) + " before all, slowest " + names.at(1),
                     table.rows.back().figures.sustained);
  };
  const auto [order, most] = order_of(160'000);
  const auto [other_order, other_most] = order_of(80'000);
  EXPECT_EQ(order, other_order);
  EXPECT_GT(most, 1.5 * other_most);
}

TEST(SituationsJson, KeepsTheMemoryOfTheTwoEndsApart) {
  const auto json = lab::situations_json(compared_example());
  const auto& strict = json.at(0)["policies"].at(0);
  EXPECT_EQ(strict["policy"], "strict-rfc9293");
  EXPECT_GT(strict["server_bytes"], 0);
  EXPECT_EQ(strict["client_bytes"], 0);
  EXPECT_EQ(strict["kept_out_longest_s"], 75);
  EXPECT_EQ(strict["kept_out_per_million"], 250'000);
  EXPECT_THAT(strict["marks"].get<std::vector<std::string>>(), Contains("kept_out"));
  EXPECT_EQ(json.at(0)["policies"].at(2)["per_million"]["old_data"], 2'000);
}

TEST(SituationsJson, HasNullForWhatWasNotMeasured) {
  lab::LabResult result = compared_example();
  result.experiments.clear();
  const auto json = lab::situations_json(result);
  EXPECT_TRUE(json.at(0)["offered_cps"].is_null());
  EXPECT_TRUE(json.at(0)["policies"].at(0)["sustained_cps"].is_null());
  EXPECT_EQ(json.at(0)["policies"].at(0)["connections"], 2'000);
  EXPECT_THAT(lab::situations_json({}), IsEmpty());
}

}  // namespace
}  // namespace mayfly::testing
