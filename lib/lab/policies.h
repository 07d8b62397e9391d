// One row for each policy: the experiment that represents it, and its row in the hazard ledger.
#pragma once

#include <string>
#include <vector>

#include "lab/evaluate.h"
#include "lab/result.h"

namespace mayfly::lab {

/// Points into the LabResult from which it was made.
struct PolicyRow {
  std::string name;
  const ExperimentRun* run = nullptr;        ///< null: it had no experiment
  LabFigures figures;                        ///< of that run
  const world::LedgerRow* ledger = nullptr;  ///< null: it was not in the hazard lab

  bool is_judged() const { return run != nullptr && !run->interrupted && figures.judged > 0; }
  bool is_flat() const { return is_judged() && figures.is_flat(); }
  std::uint64_t harms() const { return ledger != nullptr ? ledger->harms() : 0; }
};

/// Every policy that was measured, in the order of its first experiment. Of several experiments
/// under one policy that of story 5 represents it, as all policies have the same load there; else
/// the first that was expected to be flat, as the others show a shortage more than the policy.
/// Interrupted ones come last.
std::vector<PolicyRow> policy_rows(const LabResult& result);

}  // namespace mayfly::lab
