// Frames for the tests of lib/nic, from their fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wire/flow_key.h"

namespace mayfly::testing {

using Bytes = std::vector<std::byte>;

inline constexpr std::size_t kLinkSize = 14;
inline constexpr std::uint8_t kProtocolIcmp = 1, kProtocolTcp = 6, kProtocolUdp = 17;

Bytes bytes_of(const std::string& text);
/// `n` bytes, each different from its neighbours.
Bytes pattern(std::size_t n);

/// An Ethernet header for the type, and what follows it.
Bytes ethernet(std::uint16_t type, std::span<const std::byte> rest);

/// How a datagram is cut: `offset` in bytes, a multiple of 8.
struct Cut {
  std::size_t offset = 0;
  bool more = false;
  std::uint16_t id = 7;
};
/// An IPv4 packet with a right header checksum from 198.18.1.1 to 198.18.0.1.
Bytes ipv4(std::uint8_t protocol, std::span<const std::byte> payload, Cut cut = {});

/// The first 20 bytes of TCP or 8 of UDP that matter here: the ports.
Bytes ports(std::uint16_t source, std::uint16_t destination);

/// A whole frame from the remote end of `key` to its local end.
Bytes tcp_frame(const FlowKey4& key);

}  // namespace mayfly::testing
