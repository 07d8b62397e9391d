// What a host of a seed is like: its TCP, its TIME_WAIT policy, its tables and its wire.
#pragma once

#include <cstddef>

#include "world/scenario.h"

namespace mayfly::world {

/// The settings of host `number`.
shard::ShardSettings draw_settings(const Scenario& s, const SimOptions& options, bool server,
                                   std::size_t number);
/// Its tables and pools, as large as its settings need them, or as small as the faults make them.
flow::ShardSizes draw_sizes(const Scenario& s, const HostPlan& host, std::size_t number);
/// The faults of its wire.
void draw_wire(const Scenario& s, std::size_t host, net::WireSettings& wire);

}  // namespace mayfly::world
