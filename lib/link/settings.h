// Settings of a port below TCP: the addresses on its link, and a faulty wire for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "wire/flow_key.h"

namespace mayfly::link {

/// One or more addresses on a link, `first` to `last`: "198.18.0.1/15" or
/// "198.18.1.1-198.18.1.100/15".
struct InterfaceAddress {
  Ipv4Address first, last;
  std::uint8_t prefix_length = 32;
  /// Neighbours are told of them. If not, they are served all the same, for routers that know the
  /// way by another address of ours; nobody is a neighbour by their prefix.
  bool arp = true;
};

/// The same for IPv6: "2001:db8::1/64". `first` and `last` differ in their last 32 bits alone.
struct InterfaceAddress6 {
  Ipv6Address first, last;
  std::uint8_t prefix_length = 128;
  bool arp = true;  ///< as of IPv4: neighbour discovery
};

/// Which ARP packets are accepted (RFC 826).
struct ArpSettings {
  /// A neighbour's new MAC address is accepted at once. Otherwise its old one is asked first, which
  /// takes 150 ms if it does not answer.
  bool trust = false;
};

/// A port's place on its link.
struct LinkSettings {
  std::uint16_t vlan = 0;                   ///< 802.1Q identifier 1..4094; 0 = untagged
  std::uint16_t mtu = 1500;                 ///< bytes of an IP packet, headers included; 576..1500
  std::vector<InterfaceAddress> addresses;  ///< ours; hosts under the prefixes are on the link
  std::optional<Ipv4Address> gateway;       ///< next hop for all other hosts
  std::vector<InterfaceAddress6> addresses6;  ///< the same for IPv6; empty = none is spoken here
  std::optional<Ipv6Address> gateway6;
  bool asks_for_router = false;  ///< the gateway of IPv6 is who says to be one (RFC 4861 6.3)
  /// Addresses of IPv6 are used only after nobody has claimed them for a second (RFC 4862 5.4).
  bool detects_duplicates = true;
  ArpSettings arp;
};

/// A faulty wire, for tests.
struct FaultSettings {
  double loss = 0, duplicate = 0, corrupt = 0, reorder = 0;  ///< probabilities for a frame, 0..1
  Duration delay{};                                          ///< of each frame in each direction
  Duration jitter{};       ///< the most by which a frame is delayed further, at random
  std::uint64_t seed = 1;  ///< of all random choices
  /// True if the wire has any fault.
  bool any() const {
    return loss > 0 || duplicate > 0 || corrupt > 0 || reorder > 0 || delay.us > 0 || jitter.us > 0;
  }
};

}  // namespace mayfly::link
