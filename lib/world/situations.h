// The situations of a seed that are more than a fault of a wire or a host: a second network, a port
// that is stuck, greedy clients, clients that talk while they are answered, more work than a core
// can do. They are added to a scenario that is whole without them, and each says what is promised
// to whom all the same (Traffic::bound, Traffic::goodput_least).
#pragma once

#include "world/scenario.h"

namespace mayfly::world {

/// Adds those among the scenario's faults, with the hosts that they need. Without one of them
/// everything else stays as it is.
void add_situations(Scenario& s, const SimOptions& options);

}  // namespace mayfly::world
