// What a shard knows of the link behind a port: its addresses, its way out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/settings.h"
#include "wire/ethernet.h"
#include "wire/flow_key.h"

namespace mayfly {

struct Interface {
  MacAddress mac;
  std::uint16_t vlan = 0;
  std::uint16_t mtu = 1500;
  std::vector<InterfaceAddress> addresses;
  std::optional<Ipv4Address> gateway;
  bool answers = true;  ///< this shard answers ARP and ICMP here (one shard a port does)

  static constexpr std::uint32_t mask(std::uint8_t prefix_length) {
    return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
  }

  bool is_local(Ipv4Address ip) const noexcept {
    for (const auto& range : addresses)
      if (ip >= range.first && ip <= range.last) return true;
    return false;
  }
  /// Some address of ours that shares a link with `ip`, or nothing.
  const InterfaceAddress* on_link(Ipv4Address ip) const noexcept {
    for (const auto& range : addresses)
      if (((ip.host ^ range.first.host) & mask(range.prefix_length)) == 0) return &range;
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
  /// Where a frame for `ip` goes on the link (RFC 1122 3.3.1.1), or nothing: no route.
  std::optional<Ipv4Address> next_hop(Ipv4Address ip) const noexcept {
    if (on_link(ip) != nullptr) return ip;
    return gateway;
  }
};

}  // namespace mayfly
