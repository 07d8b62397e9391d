// The four-tuple of a connection as the flow table stores it: network byte order, no padding bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/endian.h"
#include "wire/ipv6_address.h"

namespace mayfly::wire {

/// An IPv4 address in host order (198.18.0.1 is 0xc6120001).
struct Ipv4Address {
  std::uint32_t host = 0;
  auto operator<=>(const Ipv4Address&) const = default;
};

/// A four-tuple over IPv4. Addresses and ports are big-endian. Padded to 16 bytes, for which
/// rte_hash has a fast comparator. Or the name of an IPv6 one, made of its fingerprint.
struct FlowKey4 {
  static constexpr std::uint32_t kIpv6Name = 1;

  std::uint32_t local_ip = 0, remote_ip = 0;
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint32_t zero = 0;  ///< or kIpv6Name

  constexpr bool is_ipv6_name() const { return zero != 0; }
  /// From addresses and ports in host order.
  static constexpr FlowKey4 of(Ipv4Address local, std::uint16_t local_port, Ipv4Address remote,
                               std::uint16_t remote_port) {
    return {swap32(local.host), swap32(remote.host), swap16(local_port), swap16(remote_port), 0};
  }
  /// The parts in host order.
  constexpr Ipv4Address local() const { return {swap32(local_ip)}; }
  constexpr Ipv4Address remote() const { return {swap32(remote_ip)}; }
  constexpr std::uint16_t local_port_host() const { return swap16(local_port); }
  constexpr std::uint16_t remote_port_host() const { return swap16(remote_port); }
  friend constexpr bool operator==(const FlowKey4&, const FlowKey4&) = default;
};
static_assert(sizeof(FlowKey4) == 16 && std::has_unique_object_representations_v<FlowKey4>);

/// A four-tuple over IPv6. Padded to 48 bytes: for 40 rte_hash has no fast comparator.
struct FlowKey6 {
  /// The bytes that count.
  static constexpr std::size_t kSize = 36;

  Ipv6Address local, remote;
  std::uint16_t local_port = 0, remote_port = 0;  ///< big-endian
  /// Of what is sent (RFC 6437): it follows from the rest, under a secret (flow::FlowSecret). 0 =
  /// not made yet.
  std::uint32_t flow_label = 0;
  std::array<std::uint32_t, 2> zero{};

  /// From ports in host order.
  static constexpr FlowKey6 of(const Ipv6Address& local, std::uint16_t local_port,
                               const Ipv6Address& remote, std::uint16_t remote_port) {
    return {local, remote, swap16(local_port), swap16(remote_port), 0, {}};
  }
  constexpr std::uint16_t local_port_host() const { return swap16(local_port); }
  constexpr std::uint16_t remote_port_host() const { return swap16(remote_port); }
  /// The same four-tuple.
  friend constexpr bool operator==(const FlowKey6& a, const FlowKey6& b) {
    return a.local == b.local && a.remote == b.remote && a.local_port == b.local_port &&
           a.remote_port == b.remote_port;
  }
};
static_assert(sizeof(FlowKey6) == 48 && std::has_unique_object_representations_v<FlowKey6>);

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::FlowKey4;
using wire::FlowKey6;
using wire::Ipv4Address;
}  // namespace mayfly
