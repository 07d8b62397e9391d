// A policy in a simulated world, and the settings that the worlds of the hazard lab share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "link/settings.h"
#include "shard/settings.h"

namespace mayfly::world {

/// Both ends under one policy.
struct EndPolicies {
  shard::EndSettings server, client;
};

/// Where policies differ: what kind of clients a server has, and what lies between them.
enum class Situation : std::uint8_t {
  many_clients,  ///< many clients, each with many ports
  few_clients,   ///< few clients, whose four-tuples come again within the hold
  nat,           ///< many hosts behind one address, which gives ports again
  proxy,         ///< the client closes first and holds, to few servers
  lossy,         ///< a network that loses and reorders
};
inline constexpr std::size_t kSituationCount = 5;

/// "many-clients"
constexpr std::string_view name_of(Situation situation) {
  constexpr std::string_view kNames[kSituationCount] = {"many-clients", "few-clients", "nat",
                                                        "proxy", "lossy"};
  return kNames[static_cast<std::size_t>(situation)];
}

/// The worlds in which the hazard lab compares policies: a wire that loses, delays, duplicates
/// and reorders.
struct HazardWorldSettings {
  std::uint64_t seed = 1;
  std::uint32_t seeds = 1;            ///< that and the following ones, in one ledger
  std::uint32_t connections = 2'000;  ///< of each kind of client, for each policy
  /// TIME_WAIT entries of the server, under every policy: few, as in a busy server. 0 = as the
  /// policy says.
  std::uint32_t capacity = 0;
  bool nat = true;           ///< many hosts behind one address, each with its own clock
  link::FaultSettings link;  ///< `seed` is not used
};

}  // namespace mayfly::world
