// Every decision that lib/tcp marks is taken by a test that names it: by a row of the state table,
// or by a scenario.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "branch_names.h"
#include "branch_scenarios.h"
#include "state_rows/tables.h"

namespace mayfly::testing {
namespace {

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  for (const auto& some : {opening_scenarios(), text_scenarios(), loss_scenarios(),
                           closing_scenarios(), timer_scenarios()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

class Decisions : public ::testing::TestWithParam<Scenario> {};

TEST_P(Decisions, AreTakenWhereTheScenarioSaysSo) {
  tcp::branches_passed.reset();
  GetParam().act();
  for (const tcp::Branch b : GetParam().by.all())
    EXPECT_TRUE(passed(b)) << name_of(b) << " is not passed: " << clause_of(b);
}

INSTANTIATE_TEST_SUITE_P(Tcp, Decisions, ::testing::ValuesIn(all_scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

TEST(AllDecisions, AreNamedByARowOrAScenario) {
  std::set<tcp::Branch> named;
  for (const Table& table : rows::kTables)
    for (const auto& part : table.parts)
      for (const Row& row : part) named.insert(row.by.all().begin(), row.by.all().end());
  for (const Scenario& scenario : all_scenarios())
    named.insert(scenario.by.all().begin(), scenario.by.all().end());
  for (std::size_t i = 0; i < tcp::kBranchCount; ++i) {
    const auto branch = static_cast<tcp::Branch>(i);
    EXPECT_TRUE(named.contains(branch)) << name_of(branch) << ": " << clause_of(branch);
  }
}

}  // namespace
}  // namespace mayfly::testing
