// Frames changed on their way as middleboxes change them: their checksums follow by the difference
// alone (RFC 1624), so that a frame that was damaged stays damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::net {

/// Where the TCP header of an untagged, unfragmented frame begins, over IPv6 without extension
/// headers; 0 if it is anything else, or not whole.
std::size_t tcp_header_of(std::span<const std::byte> frame) noexcept;

/// RFC 1624 3, equation 3: what the checksum at `at` becomes when a 16-bit word changes.
void patch_checksum(std::byte* at, std::uint16_t old_word, std::uint16_t new_word) noexcept;

/// Adds to TSval and TSecr of a TCP segment that has them (RFC 7323 3.2); any other frame stays as
/// it is. TSecr is changed only where there is an ACK bit, without which it means nothing.
void shift_timestamps(std::span<std::byte> frame, std::uint32_t to_val,
                      std::uint32_t to_ecr) noexcept;

/// Puts NOPs in the place of the timestamps of a segment, as some middleboxes do; a SYN keeps them.
void blank_timestamps(std::span<std::byte> frame) noexcept;

}  // namespace mayfly::net
