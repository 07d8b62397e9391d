// What a policy is in a simulated world, and what the worlds of the hazard lab have in common.
#pragma once

#include <cstdint>

#include "link/settings.h"
#include "shard/settings.h"

namespace mayfly::world {

/// Both ends under one policy.
struct EndPolicies {
  shard::EndSettings server, client;
};

/// The worlds in which the hazard lab compares policies: a wire that loses, delays, doubles and
/// reorders.
struct HazardWorldSettings {
  std::uint64_t seed = 1;
  std::uint32_t connections = 2'000;  ///< of each kind of client, for each policy
  /// Entries of a server whose policy does not refuse, at most: as scarce as in a busy one. 0 = as
  /// the policy says.
  std::uint32_t capacity = 0;
  bool nat = true;           ///< many hosts behind one address, each with its own clock
  link::FaultSettings link;  ///< `seed` is not used
};

}  // namespace mayfly::world
