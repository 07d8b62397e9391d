// One line of text for a frame, in the style of tcpdump; for traces, goldens and error messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "wire/ethernet.h"
#include "wire/flow_key.h"
#include "wire/parse.h"
#include "wire/segment.h"

namespace mayfly::wire {

/// "198.18.0.1"
std::string to_string(Ipv4Address address);
/// "2001:db8::1" (RFC 5952).
std::string to_string(const Ipv6Address& address);
/// "02:00:00:00:00:01"
std::string to_string(const MacAddress& mac);
/// "S", "S.", ".", "P.", "F.", "R.": the control bits as tcpdump writes them.
std::string flags_to_string(std::uint8_t flags);

/// "198.18.1.1.40000 > 198.18.0.1.80: Flags [S], seq 1, win 64240, options [mss 1460,...], length
/// 0". A frame that cannot be parsed prints as "drop REASON, N bytes". IPv6 has the same lines,
/// with "IP6" before them.
std::string print_frame(std::span<const std::byte> frame);

/// The sequence numbers that are printed as 0: those of a segment's sender and of its receiver.
struct SeqOrigins {
  Seq sender, receiver;
};
/// The same with relative sequence numbers, which empty segments have too.
std::string print_frame(std::span<const std::byte> frame, const SeqOrigins& origins);

/// Parses a frame whatever station and VLAN it is for, as an onlooker does.
ParsedFrame overhear(std::span<const std::byte> frame);

}  // namespace mayfly::wire
