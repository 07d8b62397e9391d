#include "lab/hazards.h"

#include "lab/hazard_world.h"

namespace mayfly {
namespace {

Result<LedgerRow> run_policy(const HazardSettings& settings, const LabPair& pair) {
  LedgerRow row;
  row.policy = pair.name;
  for (const HazardKind kind : {HazardKind::stamped, HazardKind::unstamped, HazardKind::nat}) {
    if (kind == HazardKind::nat && !settings.nat) continue;
    auto world = HazardWorld::create(settings, pair, kind);
    if (!world) return world.error();
    (*world)->run();
    (*world)->add_to(row);
  }
  return row;
}

}  // namespace

Result<std::vector<LedgerRow>> run_hazards(const HazardSettings& settings,
                                           const LedgerProgress& progress) {
  std::vector<LedgerRow> rows;
  for (const LabPair& pair : settings.policies) {
    auto row = run_policy(settings, pair);
    if (!row) return row.error();
    rows.push_back(std::move(*row));
    if (progress && !progress(rows.size(), settings.policies.size())) break;
  }
  return rows;
}

}  // namespace mayfly
