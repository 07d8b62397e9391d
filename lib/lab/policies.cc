#include "lab/policies.h"

#include <algorithm>

namespace mayfly::lab {
namespace {

/// It tells something of a policy as compared with others. Story 6 has five times their load.
bool compares(const ExperimentSettings& settings) {
  return !settings.policy.empty() && !settings.situation && !settings.calibrates &&
         settings.story != 6;
}

/// The experiment with the higher rank represents the policy.
int weight(const ExperimentRun& run) {
  return (run.interrupted ? 0 : 4) + (run.settings.story == 5 ? 2 : 0) +
         (run.settings.expect == Expectation::flat ? 1 : 0);
}

PolicyRow& row_of(std::vector<PolicyRow>& rows, const std::string& name) {
  const auto found = std::ranges::find(rows, name, &PolicyRow::name);
  if (found != rows.end()) return *found;
  return rows.emplace_back(PolicyRow{.name = name});
}

}  // namespace

std::vector<PolicyRow> policy_rows(const LabResult& result) {
  std::vector<PolicyRow> rows;
  for (const ExperimentRun& run : result.experiments) {
    if (!compares(run.settings)) continue;
    PolicyRow& row = row_of(rows, run.settings.policy);
    if (row.run == nullptr || weight(run) > weight(*row.run)) row.run = &run;
  }
  for (const world::LedgerRow& line : result.ledger) row_of(rows, line.policy).ledger = &line;
  for (PolicyRow& row : rows)
    if (row.run != nullptr) row.figures = figures_of(*row.run);
  return rows;
}

}  // namespace mayfly::lab
