// Acts out one combination of the state table: brings a connection into the situation, lets it hear
// the segment, and says what became of it.
#pragma once

#include <cstdint>

#include "state_rows/row.h"
#include "support/tcp_bench.h"
#include "tcp/time_wait.h"

namespace mayfly::testing {

struct Outcome {
  tcp::State before = tcp::State::closed, after = tcp::State::closed;
  We we = We::nothing;
  Text text = Text::no_text;
  std::uint32_t octets = 0;  ///< taken, or held
  std::uint16_t events = 0;
  Drop drop = Drop::none;
};

/// `kind` and `place`: one bit each. The marks of the segment alone are in branches_passed then.
/// The table holds for what RFC 7323 3.2 recommends: a segment without timestamps is dropped.
Outcome hear(Situation situation, Kinds kind, Places place,
             tcp::TimestampsMissing missing = tcp::TimestampsMissing::drop);

/// What the combination's text comes to when it is taken or held, in octets.
std::uint32_t octets_expected(Text text, Places place);

}  // namespace mayfly::testing
