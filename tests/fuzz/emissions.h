// Segments to send, from a fuzzer's bytes and from segments that arrived; and the promise that what
// is emitted is parsed again as it was.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "fuzz/input.h"
#include "wire/emit.h"
#include "wire/layout.h"
#include "wire/parse.h"

namespace mayfly::testing {

/// Flags that the parser does not refuse: some purpose, and SYN neither with RST nor with FIN.
inline std::uint8_t take_flags(FuzzInput& in) {
  auto flags = in.take<std::uint8_t>();
  if ((flags & (wire::tcp_flag::ack | wire::tcp_flag::syn | wire::tcp_flag::rst)) == 0)
    flags |= wire::tcp_flag::ack;
  if ((flags & wire::tcp_flag::syn) != 0) flags &= ~(wire::tcp_flag::rst | wire::tcp_flag::fin);
  return flags;
}

/// Any emission whose header has room for its options.
inline Emission take_emission(FuzzInput& in) {
  Emission e;
  e.flags = take_flags(in);
  e.seq = {in.take<std::uint32_t>()};
  if (e.has(wire::tcp_flag::ack)) e.ack = {in.take<std::uint32_t>()};
  e.window = in.take<std::uint16_t>();
  e.options = in.take<std::uint8_t>() & 0x1f;
  if (!e.has(wire::tcp_flag::syn))
    e.options &= wire::tcp_option::timestamps | wire::tcp_option::sack;
  const auto carries = [&](std::uint8_t option) { return (e.options & option) != 0; };
  if (carries(wire::tcp_option::mss)) e.mss = in.take<std::uint16_t>();
  if (carries(wire::tcp_option::window_scale)) e.window_scale = in.take<std::uint8_t>();
  if (carries(wire::tcp_option::timestamps)) {
    e.ts.val = in.take<std::uint32_t>();
    if (e.has(wire::tcp_flag::ack)) e.ts.echo = in.take<std::uint32_t>();
  }
  if (!carries(wire::tcp_option::sack)) return e;
  e.sack_count = static_cast<std::uint8_t>(in.between(1, wire::kSackBlocksMax));
  while (e.sack_count > 0 && tcp_header_size(e) > wire::kTcpHeaderSizeMax) --e.sack_count;
  for (std::uint8_t i = 0; i < e.sack_count; ++i)
    e.sack[i] = {{in.take<std::uint32_t>()}, {in.take<std::uint32_t>()}};
  if (e.sack_count == 0) e.options &= static_cast<std::uint8_t>(~wire::tcp_option::sack);
  return e;
}

/// The emission that says the same as a segment which came in `frame`; but congestion that a router
/// has marked is nothing that we say.
inline Emission emission_of(std::span<const std::byte> frame, const Segment& s) {
  Emission e{.seq = s.seq, .ack = s.ack, .ts = s.ts, .payload_len = s.payload_len};
  e.window = s.window;
  e.mss = s.mss;
  e.flags = s.flags;
  e.options = s.options & static_cast<std::uint8_t>(~wire::tcp_option::ecn_mark);
  e.window_scale = s.window_scale;
  e.sack_count = s.sack_count;
  read_sack(frame, s, e.sack);
  return e;
}

inline void expect_says_the_same(const Segment& s, std::span<const std::byte> frame,
                                 const Emission& e) {
  EXPECT_EQ(s.seq, e.seq);
  EXPECT_EQ(s.ack, e.ack);
  EXPECT_EQ(s.flags, e.flags);
  EXPECT_EQ(s.window, e.window);
  EXPECT_EQ(s.options, e.options);
  EXPECT_EQ(s.mss, e.mss);
  EXPECT_EQ(s.window_scale, e.window_scale);
  EXPECT_EQ(s.ts.val, e.ts.val);
  EXPECT_EQ(s.ts.echo, e.ts.echo);
  EXPECT_EQ(s.urgent, 0);
  EXPECT_EQ(s.payload_len, e.payload_len);
  std::array<wire::SackBlock, wire::kSackBlocksMax> sack{};
  ASSERT_EQ(read_sack(frame, s, sack), e.sack_count);
  for (std::uint8_t i = 0; i < e.sack_count; ++i) EXPECT_EQ(sack[i], e.sack[i]);
}

/// Emits a segment of `key` (local = the sender) with this text, and parses it at the other end.
inline void expect_round_trip(const wire::LinkHeader& link, const FlowKey4& key, const Emission& e,
                              std::span<const std::byte> text) {
  std::vector<std::byte> frame(tcp_payload_offset(link, e));
  frame.insert(frame.end(), text.begin(), text.end());
  const std::size_t size =
      emit_tcp(frame, link, key, e, 1, wire::ChecksumBy::software, wire::ChecksumBy::software);
  EXPECT_EQ(size, frame.size());
  const wire::ParsedFrame parsed = wire::parse_frame(frame, {link.destination, link.vlan}, {});
  ASSERT_EQ(parsed.drop, Drop::none) << name_of(parsed.drop);
  ASSERT_EQ(parsed.kind, wire::FrameKind::tcp);
  const FlowKey4 mirrored =
      FlowKey4::of(key.remote(), key.remote_port_host(), key.local(), key.local_port_host());
  EXPECT_TRUE(parsed.key == mirrored);
  expect_says_the_same(parsed.segment, frame, e);
  const auto payload = std::span(frame).subspan(parsed.segment.payload_off);
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), text.begin(), text.end()));
}

/// The same over IPv6.
inline void expect_round_trip(const wire::LinkHeader& link, const FlowKey6& key, const Emission& e,
                              std::span<const std::byte> text) {
  std::vector<std::byte> frame(tcp6_payload_offset(link, e));
  frame.insert(frame.end(), text.begin(), text.end());
  EXPECT_EQ(emit_tcp6(frame, link, key, e, wire::ChecksumBy::software), frame.size());
  const wire::ParsedFrame parsed =
      wire::parse_frame(frame, {link.destination, link.vlan, true}, {});
  ASSERT_EQ(parsed.drop, Drop::none) << name_of(parsed.drop);
  ASSERT_EQ(parsed.kind, wire::FrameKind::tcp);
  EXPECT_TRUE(flow_key6(frame, parsed) ==
              FlowKey6::of(key.remote, key.remote_port_host(), key.local, key.local_port_host()));
  expect_says_the_same(parsed.segment, frame, e);
  const auto payload = std::span(frame).subspan(parsed.segment.payload_off);
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), text.begin(), text.end()));
}

}  // namespace mayfly::testing
