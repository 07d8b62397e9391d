// The hazard lab: each policy over a simulated wire that loses, delays, doubles and reorders, with
// clients that use their four-tuples again as soon as the policy lets them, and behind a NAT. In
// simulated time: same seed, same ledger.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "lab/result.h"

namespace mayfly::lab {

/// Called after each policy with the rows so far; false stops.
using LedgerProgress = std::function<bool(std::size_t done, std::size_t all)>;

/// The EAL must run (the flow tables are rte_hash's). Fails when memory does.
Result<std::vector<world::LedgerRow>> run_hazards(const HazardSettings& settings,
                                                  const LedgerProgress& progress = {});

}  // namespace mayfly::lab
