// What parse_frame promises of its result, for tests that parse whatever comes.
#pragma once

#include <gtest/gtest.h>

#include <array>

#include "wire/emit.h"
#include "wire/parse.h"

namespace mayfly::testing {

/// Uses all that the result points to: a sanitizer watches, if `frame` is in memory of its own.
inline void expect_promises(std::span<const std::byte> frame, const wire::ParsedFrame& parsed) {
  const bool is_problem = parsed.kind == wire::FrameKind::problem;
  EXPECT_EQ(parsed.kind == wire::FrameKind::drop || is_problem, parsed.drop != Drop::none);
  if (is_problem) {
    EXPECT_LE(std::size_t{parsed.l3_off} + parsed.problem_at, frame.size());
  }
  if (parsed.is_ipv6() && parsed.kind != wire::FrameKind::drop) flow_key6(frame, parsed);
  if (parsed.drop != Drop::none) return;
  if (parsed.kind == wire::FrameKind::arp) {
    wire::read_arp(frame, parsed.l3_off);
    return;
  }
  EXPECT_LE(std::size_t{parsed.l4_off} + parsed.l4_len, frame.size());
  EXPECT_GE(parsed.l4_off, parsed.l3_off + 20);
  if (parsed.kind != wire::FrameKind::tcp) return;
  const Segment& segment = parsed.segment;
  EXPECT_EQ(segment.payload_off + segment.payload_len, parsed.l4_off + parsed.l4_len);
  EXPECT_GE(segment.payload_off, parsed.l4_off + 20);
  std::array<wire::SackBlock, wire::kSackBlocksMax> blocks{};
  EXPECT_EQ(read_sack(frame, segment, blocks), segment.sack_count);
  EXPECT_LE(segment.sack_off + segment.sack_count * 8, segment.payload_off);
}

}  // namespace mayfly::testing
