// The family that a run of the tests is in: MAYFLY_TEST_FAMILY=6 runs them over IPv6. Tests are
// written with IPv4 addresses; each stands for the IPv6 one that has it as its last 32 bits.
#pragma once

#include <cstdlib>
#include <string_view>

#include "link/interface.h"
#include "net/family.h"

namespace mayfly::testing {

inline bool is_ipv6_run() {
  const char* family = std::getenv("MAYFLY_TEST_FAMILY");
  return family != nullptr && std::string_view(family) == "6";
}

using net::four_of;
using net::six_of;

/// Gives an interface the IPv6 addresses, and the MTU with which a segment has the same room.
inline void speak_ipv6(link::Interface& interface) {
  for (const link::InterfaceAddress& own : interface.addresses)
    interface.addresses6.push_back(
        {six_of(own.first), six_of(own.last), static_cast<std::uint8_t>(96 + own.prefix_length)});
  if (interface.gateway) interface.gateway6 = six_of(*interface.gateway);
  interface.mtu = static_cast<std::uint16_t>(interface.mtu + 20);
}

}  // namespace mayfly::testing
