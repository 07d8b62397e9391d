// The hazard lab: each policy over a simulated wire that loses, delays, duplicates and reorders,
// with clients that reuse their four-tuples as soon as the policy allows, and clients behind a NAT.
// It runs in simulated time: the same seed gives the same ledger.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "lab/result.h"

namespace mayfly::lab {

/// Called after each seed of each policy, `all` of them together. False stops: a policy of which
/// seeds are missing is left out.
using LedgerProgress = std::function<bool(std::size_t done, std::size_t all)>;

/// The EAL must run, as flow tables are rte_hash tables. Fails if there is no memory.
Result<std::vector<world::LedgerRow>> run_hazards(const HazardSettings& settings,
                                                  const LedgerProgress& progress = {});

}  // namespace mayfly::lab
