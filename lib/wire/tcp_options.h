// The options of a received TCP header.
#pragma once

#include <cstddef>
#include <span>

#include "wire/segment.h"

namespace mayfly::wire {

/// Reads the options in `frame[begin, end)`, which must lie inside the frame, into `segment`, whose
/// flags are set already. MSS, window scale and SACK-permitted count on a SYN only, TSecr with an
/// ACK only; unknown kinds and known kinds of another length are skipped (RFC 9293 MUST-6). Returns
/// false for an option whose length is below 2 or runs past `end` (MUST-7).
bool read_tcp_options(std::span<const std::byte> frame, std::size_t begin, std::size_t end,
                      Segment& segment) noexcept;

/// Takes the timestamps option's value, TSval and TSecr at `value`.
void take_timestamps(const std::byte* value, Segment& segment) noexcept;

}  // namespace mayfly::wire
