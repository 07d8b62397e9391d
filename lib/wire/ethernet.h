// Ethernet II with an optional 802.1Q tag: the part of a frame before the network layer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mayfly::wire {

/// Six octets, in the order on the wire.
struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  constexpr bool is_broadcast() const {
    return octets == std::array<std::uint8_t, 6>{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  }
  /// Multicast or broadcast.
  constexpr bool is_group() const { return (octets[0] & 1) != 0; }
  friend constexpr bool operator==(const MacAddress&, const MacAddress&) = default;
};
/// All stations.
inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/// The largest VLAN identifier (IEEE 802.1Q 9.6: 0xfff is reserved).
inline constexpr std::uint16_t kVlanIdMax = 4'094;

/// EtherTypes (IEEE 802).
namespace ethertype {
inline constexpr std::uint16_t ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd;
}

/// What precedes the network layer of a frame to send.
struct LinkHeader {
  MacAddress destination, source;
  std::uint16_t vlan = 0;  ///< 802.1Q VLAN identifier 1..4094; 0 = untagged

  /// In bytes.
  constexpr std::size_t size() const { return vlan != 0 ? 18 : 14; }
};

/// Writes the header. `frame` must have room for link.size() bytes. Returns the bytes written.
std::size_t emit_link(std::byte* frame, const LinkHeader& link, std::uint16_t ethertype) noexcept;

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::MacAddress;
}  // namespace mayfly
