// The addresses that a shard has on a port, and the routes that follow from them.
#pragma once

#include <cstdint>
#include <optional>

#include "base/assert.h"
#include "link/settings.h"
#include "wire/ethernet.h"
#include "wire/flow_key.h"
#include "wire/icmp6.h"

namespace mayfly::link {

/// A shard's place on the link of a port.
struct Interface : LinkSettings {
  MacAddress mac;       ///< ours: the source of all frames sent
  bool answers = true;  ///< this shard answers ARP and ICMP here (one shard a port does)

  /// The netmask in host order; prefix_length is 0..32.
  static constexpr std::uint32_t mask(std::uint8_t prefix_length) {
    MAYFLY_ASSERT(prefix_length <= 32);
    return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
  }

  /// True if `ip` is one of our own addresses.
  bool is_local(Ipv4Address ip) const noexcept {
    for (const auto& range : addresses)
      if (ip >= range.first && ip <= range.last) return true;
    return false;
  }
  /// True if `ip` is one of our own addresses of which neighbours are told.
  bool is_told(Ipv4Address ip) const noexcept {
    for (const auto& range : addresses)
      if (range.arp && ip >= range.first && ip <= range.last) return true;
    return false;
  }
  /// The first of our address ranges whose prefix covers `ip`, or null.
  const InterfaceAddress* on_link(Ipv4Address ip) const noexcept {
    for (const auto& range : addresses)
      if (range.arp && ((ip.host ^ range.first.host) & mask(range.prefix_length)) == 0)
        return &range;
    return nullptr;
  }
  /// A directed or limited broadcast, or a multicast address: never a TCP peer (RFC 9293 MUST-57).
  bool is_broadcast(Ipv4Address ip) const noexcept {
    if (ip.host == 0xffff'ffff || (ip.host >> 28) == 0xe) return true;
    const InterfaceAddress* range = on_link(ip);
    if (range == nullptr || range->prefix_length > 30) return false;
    const std::uint32_t host_part = ip.host & ~mask(range->prefix_length);
    return host_part == 0 || host_part == ~mask(range->prefix_length);
  }
  /// Sets `hop` to the neighbour that a packet for `ip` is sent to (RFC 1122 3.3.1.1). False: there
  /// is no route. It does not return an optional, as it is called for each frame: an optional is
  /// stored in two parts and loaded as one, which stalls the processor.
  bool next_hop(Ipv4Address ip, Ipv4Address& hop) const noexcept {
    hop = ip;
    if (on_link(ip) != nullptr) [[likely]]
      return true;
    if (!gateway) return false;
    hop = *gateway;
    return true;
  }

  // -- IPv6: spoken if there is an address. To those that are configured comes the link-local one
  // -- that is made of the MAC address (RFC 4291 2.8).

  bool has_ipv6() const noexcept { return !addresses6.empty(); }
  Ipv6Address link_local() const noexcept { return wire::link_local_of(mac); }
  bool is_local(const Ipv6Address& ip) const noexcept {
    for (const auto& range : addresses6)
      if (ip >= range.first && ip <= range.last) return true;
    return has_ipv6() && ip.is_link_local() && ip == link_local();
  }
  bool is_told(const Ipv6Address& ip) const noexcept {
    for (const auto& range : addresses6)
      if (range.arp && ip >= range.first && ip <= range.last) return true;
    return has_ipv6() && ip == link_local();
  }
  /// Is it on our link?
  bool is_on_link(const Ipv6Address& ip) const noexcept {
    if (ip.is_link_local()) return true;
    for (const auto& range : addresses6)
      if (range.arp && ip.shares_prefix(range.first, range.prefix_length)) return true;
    return false;
  }
  /// Our address with which a neighbour is asked for: of its prefix, else the link-local one.
  Ipv6Address source_for(const Ipv6Address& neighbour) const noexcept {
    if (!neighbour.is_link_local())
      for (const auto& range : addresses6)
        if (range.arp && neighbour.shares_prefix(range.first, range.prefix_length))
          return range.first;
    return link_local();
  }
  /// RFC 4861 5.2; false: there is no route.
  bool next_hop(const Ipv6Address& ip, Ipv6Address& hop) const noexcept {
    hop = ip;
    if (is_on_link(ip)) return true;
    if (!gateway6) return false;
    hop = *gateway6;
    return true;
  }

  /// True if the values are within the ranges that a Link requires. They come from the
  /// configuration, which has checked them.
  bool is_sound() const noexcept {
    constexpr std::uint16_t kMtuMin = 68, kVlanMax = 4'094;  // RFC 791 3.2; IEEE 802.1Q
    for (const auto& range : addresses)
      if (range.first > range.last || range.prefix_length > 32) return false;
    for (const auto& range : addresses6)
      if (range.first > range.last || range.prefix_length > 128 || mtu < wire::kIpv6MtuMin)
        return false;
    return mtu >= kMtuMin && vlan <= kVlanMax && !mac.is_group();
  }
};

}  // namespace mayfly::link
