// The worlds of the hazard lab: servers and their clients under one policy, and a path between them
// that loses, duplicates and delays frames, and delivers old duplicates seconds later. Each belongs
// to one of the situations in which the lab compares policies.
#pragma once

#include <array>
#include <cstdint>

#include "world/scenario.h"
#include "world/settings.h"

namespace mayfly::world {

enum class HazardKind : std::uint8_t {
  many_clients,  ///< each four-tuple once; a middlebox blanks the timestamps of some
  stamped,       ///< four-tuples again at once, with timestamps if the settings have them; restarts
  unstamped,     ///< without; some upload faster than the ISN clock runs (RFC 6528: 250 kB/s)
  nat,           ///< many hosts behind one address, each with a clock of its own and its own ports
  nat_ports,     ///< and the ports of one are soon given to another
  balancers,     ///< two that keep their clients' ports, so that a four-tuple comes from two hosts
  proxy,         ///< the client closes first and holds, and has few servers
  lossy,         ///< as `stamped`, over a much worse wire, without restarts
};
inline constexpr std::array kHazardKinds{
    HazardKind::many_clients, HazardKind::stamped,   HazardKind::unstamped, HazardKind::nat,
    HazardKind::nat_ports,    HazardKind::balancers, HazardKind::proxy,     HazardKind::lossy};

Situation situation_of(HazardKind kind);

/// The times that the clients of this world are replaced by others, which know nothing.
std::uint32_t restarts_of(HazardKind kind);

Scenario hazard_scenario(const HazardWorldSettings& settings, const EndPolicies& policy,
                         HazardKind kind);

}  // namespace mayfly::world
