// Segments that arrive, from a fuzzer's bytes: mostly near the numbers that a connection has.
#pragma once

#include "fuzz/emissions.h"

namespace mayfly::testing {

/// A number near `base`, or anywhere.
inline std::uint32_t take_near(FuzzInput& in, std::uint32_t base) {
  switch (in.below(4)) {
    case 0: return base;
    case 1: return base + static_cast<std::uint32_t>(in.take<std::int8_t>());
    case 2: return base + static_cast<std::uint32_t>(in.take<std::int16_t>());
    default: return in.take<std::uint32_t>();
  }
}

/// A segment as the parser could have found it. `rcv_nxt`, `snd_nxt` and `ts_recent` are those of
/// the end that it arrives at.
inline Segment take_segment(FuzzInput& in, Seq rcv_nxt, Seq snd_nxt, std::uint32_t ts_recent) {
  Segment s;
  s.flags = take_flags(in);
  s.seq = {take_near(in, rcv_nxt.raw)};
  if (s.has(wire::tcp_flag::ack)) s.ack = {take_near(in, snd_nxt.raw)};
  s.window = in.take<std::uint16_t>();
  s.options = in.take<std::uint8_t>() & 0x0f;
  if (!s.has(wire::tcp_flag::syn)) s.options &= wire::tcp_option::timestamps;
  if (s.carries(wire::tcp_option::timestamps)) {
    s.ts.val = take_near(in, ts_recent);
    if (s.has(wire::tcp_flag::ack)) s.ts.echo = in.take<std::uint32_t>();
  }
  if (s.carries(wire::tcp_option::mss)) s.mss = in.take<std::uint16_t>();
  if (s.carries(wire::tcp_option::window_scale)) s.window_scale = in.take<std::uint8_t>();
  if (in.coin()) s.payload_len = static_cast<std::uint16_t>(in.below(1'461));
  if (s.has(wire::tcp_flag::urg)) s.urgent = in.take<std::uint16_t>();
  return s;
}

}  // namespace mayfly::testing
