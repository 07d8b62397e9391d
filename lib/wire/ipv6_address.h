// An IPv6 address (RFC 4291) and what its bits say.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/endian.h"
#include "wire/ethernet.h"

namespace mayfly::wire {

/// Sixteen octets, in the order on the wire; the order of addresses is that of their numbers.
struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};

  /// Compared as two numbers: octet by octet the comparisons of a segment's two addresses with our
  /// own took a tenth of all its instructions. Always inlined: a call would have both written to
  /// memory first.
  [[gnu::always_inline]] friend constexpr bool operator==(const Ipv6Address& a,
                                                          const Ipv6Address& b) {
    const Halves x = a.halves(), y = b.halves();
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }
  friend constexpr std::strong_ordering operator<=>(const Ipv6Address& a, const Ipv6Address& b) {
    const std::strong_ordering upper = swap64(a.halves()[0]) <=> swap64(b.halves()[0]);
    return upper != 0 ? upper : swap64(a.halves()[1]) <=> swap64(b.halves()[1]);
  }

  /// From its eight groups in host order, as they are written between colons.
  static constexpr Ipv6Address of(const std::array<std::uint16_t, 8>& groups) {
    Ipv6Address address;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      address.octets[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
      address.octets[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return address;
  }
  /// RFC 4291 2.5.5.2: an IPv4 address, in host order, where one of either family may stand.
  static constexpr Ipv6Address mapped(std::uint32_t ipv4) {
    return of({0, 0, 0, 0, 0, 0xffff, 0, 0}).with_low(ipv4);
  }
  /// The sixteen octets at `at`.
  static Ipv6Address at(const std::byte* at) noexcept {
    Ipv6Address address;
    std::memcpy(address.octets.data(), at, sizeof address.octets);
    return address;
  }
  /// One of its groups, in host order.
  constexpr std::uint16_t group(std::size_t i) const {
    return static_cast<std::uint16_t>(octets[2 * i] << 8 | octets[2 * i + 1]);
  }

  /// RFC 4291 2.5.2, 2.5.3, 2.7, 2.5.6 and 2.5.5.2.
  constexpr bool is_unspecified() const { return *this == Ipv6Address{}; }
  constexpr bool is_loopback() const { return *this == of({0, 0, 0, 0, 0, 0, 0, 1}); }
  constexpr bool is_multicast() const { return octets[0] == 0xff; }
  constexpr bool is_link_local() const { return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80; }
  constexpr bool is_ipv4_mapped() const {
    return group(0) == 0 && group(1) == 0 && group(2) == 0 && group(3) == 0 && group(4) == 0 &&
           group(5) == 0xffff;
  }
  /// The first `length` bits, 0..128, are those of `other`.
  constexpr bool shares_prefix(const Ipv6Address& other, std::size_t length) const {
    const auto begins_alike = [&](std::size_t half, std::size_t bits) {
      const std::uint64_t differs = swap64(halves()[half] ^ other.halves()[half]);
      return bits == 0 || differs >> (64 - bits) == 0;
    };
    return begins_alike(0, std::min<std::size_t>(length, 64)) &&
           (length <= 64 || begins_alike(1, length - 64));
  }
  /// Its last four octets as a number: the part in which the addresses of a range differ.
  constexpr std::uint32_t low() const {
    return swap32(static_cast<std::uint32_t>(halves()[1] >> 32));
  }
  /// The address with another such number. By halves, as addresses are read: octets would stall
  /// the next reader.
  constexpr Ipv6Address with_low(std::uint32_t low) const {
    Halves parts = halves();
    parts[1] = (parts[1] & 0xffff'ffff) | std::uint64_t{swap32(low)} << 32;
    return std::bit_cast<Ipv6Address>(parts);
  }

  using Halves = std::array<std::uint64_t, 2>;
  /// In the order on the wire.
  constexpr Halves halves() const { return std::bit_cast<Halves>(octets); }
};
static_assert(sizeof(Ipv6Address) == 16);

/// All nodes and all MLDv2 routers of a link (RFC 4291 2.7.1, RFC 3810 5.2.14).
inline constexpr Ipv6Address kAllNodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
inline constexpr Ipv6Address kAllMldRouters = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 0x16});

/// RFC 4291 2.7.1: the group that a host listens to for questions about `address`.
constexpr Ipv6Address solicited_node(const Ipv6Address& address) {
  Ipv6Address group = Ipv6Address::of({0xff02, 0, 0, 0, 0, 1, 0xff00, 0});
  for (std::size_t i = 13; i < 16; ++i) group.octets[i] = address.octets[i];
  return group;
}
/// RFC 2464 7: the Ethernet address of a multicast group.
constexpr MacAddress group_mac(const Ipv6Address& group) {
  return {{0x33, 0x33, group.octets[12], group.octets[13], group.octets[14], group.octets[15]}};
}
/// RFC 4291 2.5.6 and A: fe80::/64 with the interface identifier that is made of a MAC address.
constexpr Ipv6Address link_local_of(const MacAddress& mac) {
  const auto& m = mac.octets;
  Ipv6Address address = Ipv6Address::of({0xfe80});
  address.octets[8] = static_cast<std::uint8_t>(m[0] ^ 2);
  address.octets[9] = m[1], address.octets[10] = m[2], address.octets[11] = 0xff;
  address.octets[12] = 0xfe, address.octets[13] = m[3], address.octets[14] = m[4];
  address.octets[15] = m[5];
  return address;
}

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::Ipv6Address;
}  // namespace mayfly
