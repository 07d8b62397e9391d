#include "timer/slot_set.h"

#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

template <class Set>
class SlotSetTest : public ::testing::Test {};

template <std::uint32_t kSize>
struct Sized {
  static constexpr std::uint32_t size = kSize;
  timer::SlotSet<kSize> set;
};
using Sizes = ::testing::Types<Sized<64>, Sized<1'024>, Sized<65'536>>;
TYPED_TEST_SUITE(SlotSetTest, Sizes);

TYPED_TEST(SlotSetTest, FindsNothingWhenEmpty) {
  TypeParam sized;
  EXPECT_EQ(sized.set.distance_from(0), sized.size);
  EXPECT_EQ(sized.set.distance_from(sized.size - 1), sized.size);
}

TYPED_TEST(SlotSetTest, FindsTheSlotItStartsFrom) {
  TypeParam sized;
  sized.set.insert(sized.size - 1);
  EXPECT_EQ(sized.set.distance_from(sized.size - 1), 0U);
}

TYPED_TEST(SlotSetTest, GoesRoundAtTheEnd) {
  TypeParam sized;
  sized.set.insert(5);
  EXPECT_EQ(sized.set.distance_from(6), sized.size - 1);
}

TYPED_TEST(SlotSetTest, AgreesWithAnOrderedSet) {
  constexpr std::uint32_t kSize = TypeParam::size;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    TypeParam sized;
    std::set<std::uint32_t> model;
    for (int step = 0; step < 3'000; ++step) {
      const auto slot = static_cast<std::uint32_t>(prng.below(kSize));
      if (prng.chance(0.2)) {
        sized.set.insert(slot);
        model.insert(slot);
      } else if (!model.empty()) {
        const auto victim = model.lower_bound(slot);
        const std::uint32_t gone = victim == model.end() ? *model.begin() : *victim;
        sized.set.erase(gone);
        model.erase(gone);
      }
      const auto from = static_cast<std::uint32_t>(prng.below(kSize));
      const auto next = model.lower_bound(from);
      const std::uint32_t expected = model.empty()         ? kSize
                                     : next != model.end() ? *next - from
                                                           : *model.begin() + kSize - from;
      ASSERT_EQ(sized.set.distance_from(from), expected);
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
