// What can be tuned below TCP on one port: the addresses of the link, and a wire with faults.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "wire/flow_key.h"

namespace mayfly::link {

/// "198.18.0.1/15" or "198.18.1.1-198.18.1.100/15": one or more addresses on a link. `first` to
/// `last`.
struct InterfaceAddress {
  Ipv4Address first, last;
  std::uint8_t prefix_length = 32;
};

/// A port's place on its link.
struct LinkSettings {
  std::uint16_t vlan = 0;    ///< 802.1Q identifier 1..4094; 0 = untagged
  std::uint16_t mtu = 1500;  ///< bytes of an IPv4 packet, headers included; 576..1500
  std::vector<InterfaceAddress> addresses;  ///< ours; the prefixes say who is on the link
  std::optional<Ipv4Address> gateway;       ///< next hop of all that is not on the link
};

/// A faulty wire, for tests. Probabilities 0..1 for each frame and direction.
struct FaultSettings {
  double loss = 0, duplicate = 0, corrupt = 0, reorder = 0;
  Duration delay{}, jitter{};  ///< each way
  std::uint64_t seed = 1;
  bool any() const {
    return loss > 0 || duplicate > 0 || corrupt > 0 || reorder > 0 || delay.us > 0 || jitter.us > 0;
  }
};

}  // namespace mayfly::link
