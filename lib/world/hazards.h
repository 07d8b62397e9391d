// Runs the worlds of the hazard lab under one policy.
#pragma once

#include "base/result.h"
#include "world/ledger_row.h"
#include "world/settings.h"

namespace mayfly::world {

/// Runs the worlds under this policy; the caller sets the name in the row. The EAL must run, as
/// flow tables are rte_hash tables. Fails if there is no memory for a host.
Result<LedgerRow> live_under(const EndPolicies& policy, const HazardWorldSettings& settings);

}  // namespace mayfly::world
