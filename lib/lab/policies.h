// One row a policy: the experiment that stands for it and its line in the hazard ledger.
#pragma once

#include <string>
#include <vector>

#include "lab/evaluate.h"
#include "lab/result.h"

namespace mayfly::lab {

/// Points into the LabResult that it was made of.
struct PolicyRow {
  std::string name;
  const ExperimentRun* run = nullptr;        ///< null: no experiment ran under it
  LabFigures figures;                        ///< of that run
  const world::LedgerRow* ledger = nullptr;  ///< null: it was not in the hazard lab

  bool is_judged() const { return run != nullptr && !run->interrupted && figures.judged > 0; }
  bool is_flat() const { return is_judged() && figures.is_flat(); }
  std::uint64_t harms() const { return ledger != nullptr ? ledger->harms() : 0; }
};

/// Every policy that was measured, in the order in which it was first met. Of several experiments
/// under one policy the one of story 5 stands for it, where all policies meet the same load; else
/// the first that was to be flat, as those that show a shortage say more of the shortage.
/// Interrupted ones come last.
std::vector<PolicyRow> policy_rows(const LabResult& result);

}  // namespace mayfly::lab
