#include "tcp/seq_ranges.h"

#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

TEST(SeqRanges, EqualASetOfOctetsAsLongAsTheyFit) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Prng prng(seed);
    const Seq base{0xffff'ffe0u};  // wraps
    tcp::SeqRanges ranges;
    std::set<std::uint32_t> model;
    for (int i = 0; i < 60; ++i) {
      const auto from = static_cast<std::uint32_t>(prng.below(100));
      const auto len = static_cast<std::uint32_t>(1 + prng.below(12));
      if (prng.chance(0.1)) {
        trim_before(ranges, base + from);
        model.erase(model.begin(), model.lower_bound(from));
      } else {
        wire::SackBlock merged;
        if (insert_range(ranges, {base + from, base + from + len}, merged)) {
          for (std::uint32_t n = from; n < from + len; ++n) model.insert(n);
          EXPECT_TRUE(tcp::contains(merged, base + from) &&
                      tcp::contains(merged, base + (from + len - 1)));
        } else {
          EXPECT_EQ(ranges.count, tcp::kRangesMax);
        }
      }
      std::set<std::uint32_t> told;
      for (std::uint8_t r = 0; r < ranges.count; ++r) {
        const wire::SackBlock block = ranges.range[r];
        if (r > 0) {
          EXPECT_TRUE(after(block.left, ranges.range[r - 1].right)) << "touching ranges are one";
        }
        for (Seq at = block.left; at != block.right; at += 1) told.insert(at.raw - base.raw);
      }
      ASSERT_EQ(told, model) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
