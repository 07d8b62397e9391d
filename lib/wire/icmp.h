// ICMP messages (RFC 792): their header, and the segment that an error quotes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/drop.h"
#include "wire/flow_key.h"
#include "wire/seq.h"

namespace mayfly::wire {

/// Types of messages (RFC 792).
namespace icmp_type {
inline constexpr std::uint8_t echo_reply = 0, unreachable = 3, echo = 8, time_exceeded = 11,
                              parameter_problem = 12;
}
/// Codes of icmp_type::unreachable (RFC 792, RFC 1191).
namespace unreachable_code {
inline constexpr std::uint8_t protocol = 2, port = 3, fragmentation_needed = 4;
}

/// The first eight bytes of a message.
struct IcmpHeader {
  std::uint8_t type = 0, code = 0;
  std::uint32_t rest = 0;  ///< bytes 4 to 7, in host order; what they mean depends on the type

  /// Fragmentation needed: the next hop's MTU in bytes; 0 from old routers (RFC 1191 4 and 5).
  constexpr std::uint16_t next_hop_mtu() const { return static_cast<std::uint16_t>(rest); }
};

/// Reads a message that parse_frame accepted: it has at least eight bytes.
IcmpHeader read_icmp(std::span<const std::byte> message) noexcept;

/// The segment that an ICMP error is about, as its sender named it.
struct QuotedSegment {
  FlowKey4 key;  ///< local = the quoted datagram's source: the host that gets the error
  Seq seq;
};

/// Reads the start of the datagram that an error quotes: everything after the message's first eight
/// bytes. Drop::none: `segment` is set. Otherwise the quote is no TCP segment (icmp_ignored), or
/// too short or malformed (icmp_malformed). Never reads outside `quoted`.
Drop read_quoted_segment(std::span<const std::byte> quoted, QuotedSegment& segment) noexcept;

}  // namespace mayfly::wire
