// Bookkeeping for SeqRanges: the reassembly queue's outline and the SACK scoreboard.
#pragma once

#include <cstdint>

#include "tcp/connection.h"

namespace mayfly::tcp {

/// Adds the non-empty range `added`, merging what it overlaps or touches; `merged` receives the
/// range that holds it now. Returns false, and changes nothing, if there would be more than
/// kRangesMax.
bool insert_range(SeqRanges& ranges, wire::SackBlock added, wire::SackBlock& merged) noexcept;

/// Removes everything before `seq`.
void trim_before(SeqRanges& ranges, Seq seq) noexcept;

/// Removes `seq` and everything after it.
void trim_after(SeqRanges& ranges, Seq seq) noexcept;

/// Octets in a range.
constexpr std::uint32_t size_of(wire::SackBlock block) {
  return static_cast<std::uint32_t>(block.right - block.left);
}
/// Is `seq` inside?
constexpr bool contains(wire::SackBlock block, Seq seq) {
  return at_or_after(seq, block.left) && before(seq, block.right);
}

}  // namespace mayfly::tcp
