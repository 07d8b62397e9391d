#include "lab/hazards.h"

#include "world/hazards.h"

namespace mayfly::lab {
namespace {

/// Of all seeds. `goes_on` is called after each; when it says no, the rest is left out.
template <class GoesOn>
Result<world::LedgerRow> ledger_of(const LabPair& pair, const HazardSettings& settings,
                                   GoesOn&& goes_on) {
  world::LedgerRow sum;
  sum.policy = pair.name;
  world::HazardWorldSettings worlds = settings;
  for (; worlds.seed - settings.seed < settings.seeds; ++worlds.seed) {
    const auto row = live_under({pair.server, pair.client}, worlds);
    if (!row) return row.error();
    add_to(sum, *row);
    if (!goes_on()) break;
  }
  return sum;
}

}  // namespace

Result<std::vector<world::LedgerRow>> run_hazards(const HazardSettings& settings,
                                                  const LedgerProgress& progress) {
  std::vector<world::LedgerRow> rows;
  const std::size_t all = settings.policies.size() * settings.seeds;
  std::size_t done = 0;
  bool goes_on = true;
  for (const LabPair& pair : settings.policies) {
    auto row =
        ledger_of(pair, settings, [&] { return goes_on = !progress || progress(++done, all); });
    if (!row) return row.error();
    const bool is_whole = done % settings.seeds == 0;
    if (is_whole) rows.push_back(std::move(*row));
    if (!goes_on) break;
  }
  return rows;
}

}  // namespace mayfly::lab
