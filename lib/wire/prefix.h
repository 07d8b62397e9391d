// A network of either family.
#pragma once

#include <cstdint>

#include "wire/flow_key.h"
#include "wire/ipv6_address.h"

namespace mayfly::wire {

/// The addresses that begin with the same bits. One type for both families: an IPv4 network is that
/// of its mapped addresses (RFC 4291 2.5.5.2), which no IPv6 host has.
struct Prefix {
  static constexpr std::uint8_t kMapped = 96;  ///< the bits before those of an IPv4 address

  Ipv6Address address;
  std::uint8_t length = 128;  ///< bits of the address that count, 0..128

  /// `length`: 0..32.
  static constexpr Prefix of(Ipv4Address address, std::uint8_t length) {
    return {Ipv6Address::mapped(address.host), static_cast<std::uint8_t>(kMapped + length)};
  }
  constexpr bool is_ipv4() const { return length >= kMapped && address.is_ipv4_mapped(); }
  constexpr bool covers(const Ipv6Address& host) const {
    return host.shares_prefix(address, length) && (is_ipv4() || !host.is_ipv4_mapped());
  }
  constexpr bool covers(Ipv4Address host) const { return covers(Ipv6Address::mapped(host.host)); }
  /// All of `inner` is in it.
  constexpr bool covers(const Prefix& inner) const {
    return length <= inner.length && is_ipv4() == inner.is_ipv4() &&
           inner.address.shares_prefix(address, length);
  }
  friend constexpr bool operator==(const Prefix&, const Prefix&) = default;
};

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::Prefix;
}  // namespace mayfly
