// A policy in a simulated world, and the settings that the worlds of the hazard lab share.
#pragma once

#include <cstdint>

#include "link/settings.h"
#include "shard/settings.h"

namespace mayfly::world {

/// Both ends under one policy.
struct EndPolicies {
  shard::EndSettings server, client;
};

/// The worlds in which the hazard lab compares policies: a wire that loses, delays, duplicates
/// and reorders.
struct HazardWorldSettings {
  std::uint64_t seed = 1;
  std::uint32_t connections = 2'000;  ///< of each kind of client, for each policy
  /// The most TIME_WAIT entries of a server whose policy does not refuse: few, as in a busy server.
  /// 0 = as the policy says.
  std::uint32_t capacity = 0;
  bool nat = true;           ///< many hosts behind one address, each with its own clock
  link::FaultSettings link;  ///< `seed` is not used
};

}  // namespace mayfly::world
