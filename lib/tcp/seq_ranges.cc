// The ranges are few (N), so they stay in one small sorted array.
#include "tcp/seq_ranges.h"

#include <algorithm>

#include "base/assert.h"

namespace mayfly::tcp {

template <std::size_t N>
bool insert_range(RangeSet<N>& ranges, wire::SackBlock added, wire::SackBlock& merged) noexcept {
  MAYFLY_ASSERT(before(added.left, added.right) && ranges.count <= N);
  std::uint8_t first = 0;
  while (first < ranges.count && before(ranges.range[first].right, added.left)) ++first;

  wire::SackBlock whole = added;
  std::uint8_t last = first;  // [first, last) touch `added` and become one with it
  for (; last < ranges.count && at_or_before(ranges.range[last].left, added.right); ++last) {
    if (before(ranges.range[last].left, whole.left)) whole.left = ranges.range[last].left;
    whole.right = later_of(whole.right, ranges.range[last].right);
  }
  if (first == last && ranges.count == N) return false;

  const auto begin = ranges.range.begin();
  if (first == last) {
    std::move_backward(begin + first, begin + ranges.count, begin + ranges.count + 1);
  } else {
    std::move(begin + last, begin + ranges.count, begin + first + 1);
  }
  ranges.range[first] = merged = whole;
  ranges.count = static_cast<std::uint8_t>(ranges.count + 1 - (last - first));
  MAYFLY_ASSERT(ranges.count <= N);
  return true;
}

template <std::size_t N>
void trim_before(RangeSet<N>& ranges, Seq seq) noexcept {
  MAYFLY_ASSERT(ranges.count <= N);
  std::uint8_t gone = 0;
  while (gone < ranges.count && at_or_before(ranges.range[gone].right, seq)) ++gone;
  const auto begin = ranges.range.begin();
  std::move(begin + gone, begin + ranges.count, begin);
  ranges.count = static_cast<std::uint8_t>(ranges.count - gone);
  if (ranges.count > 0) ranges.range[0].left = later_of(ranges.range[0].left, seq);
}

template <std::size_t N>
void trim_after(RangeSet<N>& ranges, Seq seq) noexcept {
  MAYFLY_ASSERT(ranges.count <= N);
  while (ranges.count > 0 && at_or_after(ranges.range[ranges.count - 1].left, seq)) --ranges.count;
  if (ranges.count == 0) return;
  wire::SackBlock& last = ranges.range[ranges.count - 1];
  if (after(last.right, seq)) last.right = seq;
}

std::uint32_t close_narrowest_gap(RangeSet<kSackedMax>& ranges) noexcept {
  MAYFLY_ASSERT(ranges.count >= 2 && ranges.count <= kSackedMax);
  const auto gap_after = [&](std::uint8_t i) {
    return size_of({ranges.range[i].right, ranges.range[i + 1].left});
  };
  std::uint8_t narrowest = 0;
  for (std::uint8_t i = 1; i + 1 < ranges.count; ++i)
    if (gap_after(i) < gap_after(narrowest)) narrowest = i;
  const std::uint32_t gap = gap_after(narrowest);
  const auto begin = ranges.range.begin();
  ranges.range[narrowest].right = ranges.range[narrowest + 1].right;
  std::move(begin + narrowest + 2, begin + ranges.count, begin + narrowest + 1);
  --ranges.count;
  return gap;
}

template bool insert_range(SeqRanges&, wire::SackBlock, wire::SackBlock&) noexcept;
template void trim_before(SeqRanges&, Seq) noexcept;
template void trim_after(SeqRanges&, Seq) noexcept;
template bool insert_range(RangeSet<kSackedMax>&, wire::SackBlock, wire::SackBlock&) noexcept;
template void trim_before(RangeSet<kSackedMax>&, Seq) noexcept;

}  // namespace mayfly::tcp
