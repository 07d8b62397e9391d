// The ranges are few (kRangesMax), so they stay in one small sorted array.
#include "tcp/seq_ranges.h"

#include <algorithm>

#include "base/assert.h"

namespace mayfly::tcp {

bool insert_range(SeqRanges& ranges, wire::SackBlock added, wire::SackBlock& merged) noexcept {
  MAYFLY_ASSERT(before(added.left, added.right) && ranges.count <= kRangesMax);
  std::uint8_t first = 0;
  while (first < ranges.count && before(ranges.range[first].right, added.left)) ++first;

  wire::SackBlock whole = added;
  std::uint8_t last = first;  // [first, last) touch `added` and become one with it
  for (; last < ranges.count && at_or_before(ranges.range[last].left, added.right); ++last) {
    if (before(ranges.range[last].left, whole.left)) whole.left = ranges.range[last].left;
    whole.right = later_of(whole.right, ranges.range[last].right);
  }
  if (first == last && ranges.count == kRangesMax) return false;

  const auto begin = ranges.range.begin();
  if (first == last) {
    std::move_backward(begin + first, begin + ranges.count, begin + ranges.count + 1);
  } else {
    std::move(begin + last, begin + ranges.count, begin + first + 1);
  }
  ranges.range[first] = merged = whole;
  ranges.count = static_cast<std::uint8_t>(ranges.count + 1 - (last - first));
  MAYFLY_ASSERT(ranges.count <= kRangesMax);
  return true;
}

void trim_before(SeqRanges& ranges, Seq seq) noexcept {
  MAYFLY_ASSERT(ranges.count <= kRangesMax);
  std::uint8_t gone = 0;
  while (gone < ranges.count && at_or_before(ranges.range[gone].right, seq)) ++gone;
  const auto begin = ranges.range.begin();
  std::move(begin + gone, begin + ranges.count, begin);
  ranges.count = static_cast<std::uint8_t>(ranges.count - gone);
  if (ranges.count > 0) ranges.range[0].left = later_of(ranges.range[0].left, seq);
}

void trim_after(SeqRanges& ranges, Seq seq) noexcept {
  MAYFLY_ASSERT(ranges.count <= kRangesMax);
  while (ranges.count > 0 && at_or_after(ranges.range[ranges.count - 1].left, seq)) --ranges.count;
  if (ranges.count == 0) return;
  wire::SackBlock& last = ranges.range[ranges.count - 1];
  if (after(last.right, seq)) last.right = seq;
}

}  // namespace mayfly::tcp
