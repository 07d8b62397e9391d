// Simulated hosts have IPv4 addresses in all plans and books. In a world of IPv6 each stands for
// the IPv6 address that has it as its last 32 bits.
#pragma once

#include <cstddef>
#include <span>

#include "base/endian.h"
#include "wire/flow_key.h"
#include "wire/layout.h"

namespace mayfly::net {

constexpr Ipv6Address six_of(Ipv4Address ip) {
  return Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 0}).with_low(ip.host);
}
constexpr FlowKey6 six_of(const FlowKey4& key) {
  return FlowKey6::of(six_of(key.local()), key.local_port_host(), six_of(key.remote()),
                      key.remote_port_host());
}
constexpr FlowKey4 four_of(const FlowKey6& key) {
  return FlowKey4::of({key.local.low()}, key.local_port_host(), {key.remote.low()},
                      key.remote_port_host());
}

/// The ends of an untagged IP frame that is whole, as the plans have them.
struct AddressPair {
  Ipv4Address source, destination;
};
inline AddressPair addresses_in(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kLow = 12;
  const std::byte* const ip = &frame[wire::kEthernetHeaderSize];
  if (wire::load_u8(ip) >> 4 == 6)
    return {{load_be32(ip + wire::ipv6_at::source + kLow)},
            {load_be32(ip + wire::ipv6_at::destination + kLow)}};
  return {{load_be32(ip + wire::ipv4_at::source)}, {load_be32(ip + wire::ipv4_at::destination)}};
}

}  // namespace mayfly::net
