// Runs the worlds of the hazard lab under one policy.
#pragma once

#include "base/result.h"
#include "world/ledger_row.h"
#include "world/settings.h"

namespace mayfly::world {

/// What happens under this policy; the row's name is left to the caller. The EAL must run (the flow
/// tables are rte_hash's). Fails when there is no memory for a host.
Result<LedgerRow> live_under(const EndPolicies& policy, const HazardWorldSettings& settings);

}  // namespace mayfly::world
