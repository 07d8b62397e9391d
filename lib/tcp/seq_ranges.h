// Bookkeeping for RangeSets: the reassembly queue's outline and the SACK scoreboard.
#pragma once

#include <cstdint>

#include "tcp/connection.h"

namespace mayfly::tcp {

/// Adds the non-empty range `added`, merging what it overlaps or touches; `merged` receives the
/// range that holds it now. Returns false, and changes nothing, if there would be more than
/// N.
template <std::size_t N>
bool insert_range(RangeSet<N>& ranges, wire::SackBlock added, wire::SackBlock& merged) noexcept;

/// Removes everything before `seq`.
template <std::size_t N>
void trim_before(RangeSet<N>& ranges, Seq seq) noexcept;

/// Removes `seq` and everything after it.
template <std::size_t N>
void trim_after(RangeSet<N>& ranges, Seq seq) noexcept;

/// Closes the narrowest gap between two ranges, of which there are at least two. Returns its
/// octets.
std::uint32_t close_narrowest_gap(RangeSet<kSackedMax>& ranges) noexcept;

/// Octets in a range.
constexpr std::uint32_t size_of(wire::SackBlock block) {
  return static_cast<std::uint32_t>(block.right - block.left);
}
/// Is `seq` inside?
constexpr bool contains(wire::SackBlock block, Seq seq) {
  return at_or_after(seq, block.left) && before(seq, block.right);
}

}  // namespace mayfly::tcp
