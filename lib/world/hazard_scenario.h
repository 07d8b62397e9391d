// The worlds of the hazard lab: one server and its clients under one policy, and a path between
// them that loses, duplicates and delays frames, and delivers old duplicates seconds later.
#pragma once

#include <cstdint>

#include "world/scenario.h"
#include "world/settings.h"

namespace mayfly::world {

enum class HazardKind : std::uint8_t {
  stamped,    ///< short exchanges, with timestamps if the policy's settings have them
  unstamped,  ///< without; some upload faster than the ISN clock runs (RFC 6528: 250 kB/s)
  nat,        ///< many hosts behind one address, each with a timestamp clock of its own
};

Scenario hazard_scenario(const HazardWorldSettings& settings, const EndPolicies& policy,
                         HazardKind kind);

}  // namespace mayfly::world
