// The part of parse_frame that is about IPv6, and what it shares with IPv4. For parse.cc and
// parse_ipv6.cc alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/parse.h"

namespace mayfly::wire {

/// An IPv6 packet (RFC 8200) at parsed.l3_off.
Drop parse_ipv6(std::span<const std::byte> frame, RxChecks checks, ParsedFrame& parsed) noexcept;

/// A TCP segment or UDP datagram at parsed.l4_off, of parsed.l4_len bytes.
Drop parse_tcp6(std::span<const std::byte> frame, RxChecks checks, std::uint64_t pseudo_sum,
                ParsedFrame& parsed) noexcept;
Drop parse_udp6(std::span<const std::byte> frame, ParsedFrame& parsed) noexcept;

}  // namespace mayfly::wire
