#include "lab/hazards.h"

#include "world/hazards.h"

namespace mayfly::lab {

Result<std::vector<world::LedgerRow>> run_hazards(const HazardSettings& settings,
                                                  const LedgerProgress& progress) {
  std::vector<world::LedgerRow> rows;
  for (const LabPair& pair : settings.policies) {
    auto row = live_under({pair.server, pair.client}, settings);
    if (!row) return row.error();
    row->policy = pair.name;
    rows.push_back(std::move(*row));
    if (progress && !progress(rows.size(), settings.policies.size())) break;
  }
  return rows;
}

}  // namespace mayfly::lab
