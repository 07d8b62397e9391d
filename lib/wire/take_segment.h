// The fields of a received TCP header, for the short way (plain.h) and the long one (parse.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/endian.h"
#include "wire/layout.h"
#include "wire/segment.h"
#include "wire/tcp_options.h"

namespace mayfly::wire {

/// Fills in the segment of `length` octets at `frame[at]`, of which the header has `header_size`
/// (RFC 9293 3.1): kTcpHeaderSizeMin to `length`, as the caller has checked. Most segments carry no
/// options, or timestamps aligned as RFC 7323 A recommends; the others are walked through. Returns
/// false if they cannot be read. Where the segment lies in the end: a copy of what was just written
/// field by field stalls the processor. Always inlined: the calls took half as many instructions as
/// the work.
[[gnu::always_inline]] inline bool take_segment(std::span<const std::byte> frame, std::size_t at,
                                                std::size_t length, std::size_t header_size,
                                                Segment& s) noexcept {
  constexpr std::size_t kAlignedSize = 12;
  const std::byte* const tcp = frame.data() + at;
  s.flags = load_u8(tcp + tcp_at::flags);
  s.seq = {load_be32(tcp + tcp_at::seq)};
  s.ack = {s.has(tcp_flag::ack) ? load_be32(tcp + tcp_at::ack) : 0};
  s.window = load_be16(tcp + tcp_at::window);
  s.urgent = s.has(tcp_flag::urg) ? load_be16(tcp + tcp_at::urgent) : std::uint16_t{0};
  s.payload_off = static_cast<std::uint16_t>(at + header_size);
  s.payload_len = static_cast<std::uint16_t>(length - header_size);
  const std::size_t begin = at + kTcpHeaderSizeMin, size = header_size - kTcpHeaderSizeMin;
  if (size == 0) return true;
  if (size == kAlignedSize && load_be32(&frame[begin]) == kAlignedTimestamps) {
    take_timestamps(&frame[begin + 4], s);
    return true;
  }
  return read_tcp_options(frame, begin, begin + size, s);
}

/// The octets of the header at `tcp`, by its data offset.
inline std::size_t tcp_header_size(const std::byte* tcp) noexcept {
  return (load_u8(tcp + tcp_at::data_offset) >> 4) * std::size_t{4};
}

}  // namespace mayfly::wire
