#include "timer/wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "clockwork.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Wheel, FiresAtItsDeadlineAndNotBefore) {
  Clockwork clock(1);
  clock.arm(0, 10_ms);
  clock.advance_to(Instant{9'999});
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance_to(Instant{10'000});
  EXPECT_THAT(clock.taken(), ElementsAre(0));
}

TEST(Wheel, RoundsADeadlineUpToATick) {
  Clockwork clock(1);
  clock.arm(0, Instant{10'001});
  EXPECT_EQ(clock.wheel.deadline_of(clock.nodes[0]), Instant{11'000});
  clock.advance_to(Instant{10'999});
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance_to(Instant{11'000});
  EXPECT_THAT(clock.taken(), ElementsAre(0));
}

TEST(Wheel, TellsWhetherANodeFiresByADeadline) {
  Clockwork clock(1);
  EXPECT_FALSE(clock.wheel.fires_by(clock.nodes[0], Instant{10'000})) << "it is not armed";
  clock.arm(0, Instant{10'001});
  EXPECT_FALSE(clock.wheel.fires_by(clock.nodes[0], Instant{10'000}));
  EXPECT_TRUE(clock.wheel.fires_by(clock.nodes[0], Instant{10'001}));
  EXPECT_TRUE(clock.wheel.fires_by(clock.nodes[0], Instant{11'000}));
  EXPECT_TRUE(clock.wheel.fires_by(clock.nodes[0], Instant{70'000'000}));
}

TEST(Wheel, FiresByADeadlineThatPassedBeforeTheNodeWasArmedForIt) {
  Clockwork clock(1);
  clock.advance_to(Instant{50'000});
  clock.arm(0, Instant{10'000});
  EXPECT_TRUE(clock.wheel.fires_by(clock.nodes[0], Instant{10'000})) << "it is overdue";
  EXPECT_TRUE(clock.wheel.fires_by(clock.nodes[0], Instant{9'000}));
}

TEST(Wheel, FiresOnce) {
  Clockwork clock(1);
  clock.arm(0, 10_ms);
  clock.advance(1_s);
  EXPECT_THAT(clock.taken(), ElementsAre(0));
  EXPECT_FALSE(clock.nodes[0].armed());
  clock.advance(70_s);
  EXPECT_THAT(clock.taken(), IsEmpty());
}

TEST(Wheel, FiresInTickOrderAfterALongPause) {
  Clockwork clock(4);
  clock.arm(0, 40_s);
  clock.arm(1, 1_ms);
  clock.arm(2, 300_s);  // level 1
  clock.arm(3, 64_ms);
  clock.advance(Duration::from_s(3'600));
  EXPECT_THAT(clock.taken(), ElementsAre(1, 3, 0, 2));
}

TEST(Wheel, FiresOneTickInOrderOfArrival) {
  Clockwork clock(4);
  for (const std::uint32_t index : {2U, 0U, 3U, 1U}) clock.arm(index, 5_ms);
  clock.disarm(3);
  clock.advance(5_ms);
  EXPECT_THAT(clock.taken(), ElementsAre(2, 0, 1));
}

TEST(Wheel, FiresTheFirstAndLastSlotOfLevelZero) {
  constexpr std::int64_t kSlots = 1 << timer::TimerWheel::kLevel0Bits;
  for (const std::int64_t ms : {std::int64_t{1}, kSlots - 1, kSlots}) {
    Clockwork clock(1, Instant{12'345'678});
    const std::int64_t start_ms = 12'345;
    clock.arm(0, Instant{(start_ms + ms) * 1'000});
    clock.advance_to(Instant{(start_ms + ms) * 1'000 - 1});
    EXPECT_THAT(clock.taken(), IsEmpty()) << ms;
    EXPECT_EQ(clock.advance_to(Instant{(start_ms + ms) * 1'000}), 1U) << ms;
  }
}

TEST(Wheel, NeverMovesAHoldOfAMinuteOrOfFour) {
  for (const Duration hold : {60_s, 240_s}) {
    Clockwork clock(1, Instant{261'000'000});  // so that the hold spans two slots of level 1
    clock.arm(0, hold);
    EXPECT_EQ(clock.advance(hold - 1_ms), 0U);
    EXPECT_EQ(clock.advance(1_ms), 1U);
  }
}

TEST(Wheel, MovesALongerHoldOnce) {
  Clockwork clock(1);
  clock.arm(0, 400_s);
  EXPECT_EQ(clock.advance(399'999_ms), 1U);
  EXPECT_THAT(clock.taken(), IsEmpty());
  EXPECT_EQ(clock.advance(1_ms), 1U);
  EXPECT_THAT(clock.taken(), ElementsAre(0));
}

TEST(Wheel, HoldsAnEntryForAsLongAsItsSpan) {
  Clockwork clock(1, Instant{777'000});
  clock.arm(0, timer::TimerWheel::kSpan);
  clock.advance(timer::TimerWheel::kSpan - 1_ms);
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance(1_ms);
  EXPECT_THAT(clock.taken(), ElementsAre(0));
}

TEST(Wheel, LetsWhatIsBeyondItsSpanWaitItsSpan) {
  Clockwork clock(1, Instant{777'000});
  for (const Instant deadline : {clock.now + Duration::max(), Instant::never()}) {
    clock.arm(0, deadline);
    EXPECT_EQ(clock.wheel.deadline_of(clock.nodes[0]), clock.now + timer::TimerWheel::kSpan);
  }
}

TEST(Wheel, FiresWhatIsPastOrPresentAtTheNextAdvanceEvenWithinTheSameTick) {
  Clockwork clock(2, Instant{5'000});
  clock.arm(0, Instant{1'000});
  clock.arm(1, Instant{5'000});
  EXPECT_EQ(clock.wheel.next_due(), Instant{5'000});
  clock.advance(Duration{0});
  EXPECT_THAT(clock.taken(), ElementsAre(0, 1));
}

TEST(Wheel, GivesWhatACallbackArmsForNowToTheNextAdvance) {
  Clockwork clock(1);
  clock.arm(0, 1_ms);
  int fired = 0;
  const auto rearm = [&](std::uint32_t index) {
    ++fired;
    clock.arm(index, Instant{});
  };
  clock.wheel.advance(clock, Instant{1'000}, 100, rearm);
  EXPECT_EQ(fired, 1);
  clock.wheel.advance(clock, Instant{1'000}, 100, rearm);
  EXPECT_EQ(fired, 2);
}

TEST(Wheel, LetsACallbackDisarmAnEntryOfTheSameTick) {
  Clockwork clock(3);
  for (std::uint32_t index = 0; index < 3; ++index) clock.arm(index, 1_ms);
  clock.wheel.advance(clock, Instant{1'000}, 100, [&](std::uint32_t index) {
    clock.fired.push_back(index);
    clock.disarm(1);
  });
  EXPECT_THAT(clock.taken(), ElementsAre(0, 2));
  EXPECT_EQ(clock.wheel.armed_count(), 0U);
}

TEST(Wheel, LetsACallbackPutOffAnEntryOfTheSameTick) {
  Clockwork clock(2);
  for (std::uint32_t index = 0; index < 2; ++index) clock.arm(index, 1_ms);
  clock.wheel.advance(clock, Instant{1'000}, 100, [&](std::uint32_t) { clock.arm(1, 7_ms); });
  clock.advance_to(Instant{6'000});
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance_to(Instant{7'000});
  EXPECT_THAT(clock.taken(), ElementsAre(1));
}

TEST(Wheel, DoesNotFireWhatWasDisarmed) {
  Clockwork clock(2);
  clock.arm(0, 5_ms);
  clock.arm(1, 100_s);
  clock.disarm(0);
  clock.disarm(0);
  clock.disarm(1);
  EXPECT_EQ(clock.wheel.next_due(), Instant::never());
  EXPECT_EQ(clock.advance(200_s), 0U);
}

TEST(Wheel, ArmsAnewWhatIsArmed) {
  Clockwork clock(1);
  clock.arm(0, 5_ms);
  clock.arm(0, 50_ms);
  EXPECT_EQ(clock.wheel.armed_count(), 1U);
  clock.advance(49_ms);
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance(1_ms);
  EXPECT_THAT(clock.taken(), ElementsAre(0));
}

TEST(Wheel, NeverGoesBack) {
  Clockwork clock(1, Instant{10'000'000});
  clock.advance_to(Instant{});
  clock.arm(0, Instant{10'001'000});
  clock.advance_to(Instant{10'000'999});
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance_to(Instant{10'001'000});
  EXPECT_THAT(clock.taken(), ElementsAre(0));
}

TEST(Wheel, WorksAcrossTheWrapOfThirtyTwoBitTicks) {
  constexpr std::int64_t kWrapUs = (1LL << 32) * 1'000;
  Clockwork clock(2, Instant{kWrapUs - 30'000'000});
  clock.arm(0, 60_s);
  clock.arm(1, 90_s);
  EXPECT_EQ(clock.wheel.deadline_of(clock.nodes[1]), Instant{kWrapUs + 60'000'000});
  clock.advance(59'999_ms);
  EXPECT_THAT(clock.taken(), IsEmpty());
  clock.advance(1_ms);
  EXPECT_THAT(clock.taken(), ElementsAre(0));
  clock.advance(30_s);
  EXPECT_THAT(clock.taken(), ElementsAre(1));
}

TEST(Wheel, KeepsToItsBudgetWithAMillionEntriesInOneTick) {
  constexpr std::uint32_t kCount = 1'000'000, kBudget = 1'000;
  Clockwork clock(kCount);
  for (std::uint32_t index = 0; index < kCount; ++index) clock.arm(index, 60_s);
  clock.now = Instant{60'000'000};
  for (std::uint32_t call = 1; call <= kCount / kBudget; ++call) {
    ASSERT_EQ(clock.advance(Duration{0}, kBudget), kBudget);
    ASSERT_EQ(clock.fired.size(), call * kBudget);
    ASSERT_EQ(clock.wheel.armed_count(), kCount - call * kBudget);
  }
  std::vector<std::uint32_t> all(kCount);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(clock.taken(), all);
  EXPECT_EQ(clock.advance(1_s, kBudget), 0U);
}

TEST(Wheel, CountsMovedEntriesAgainstItsBudget) {
  Clockwork clock(10);
  for (std::uint32_t index = 0; index < 10; ++index) clock.arm(index, 300_s);
  EXPECT_EQ(clock.advance(300_s, 7), 7U);
  EXPECT_THAT(clock.taken(), IsEmpty());
  EXPECT_EQ(clock.advance(Duration{0}, 7), 7U);  // 3 moved, 4 fired
  EXPECT_THAT(clock.taken(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(clock.advance(Duration{0}, 7), 6U);
}

TEST(Wheel, DoesNotMoveTimePastWhatItsBudgetLeft) {
  Clockwork clock(2);
  clock.arm(0, 1_ms);
  clock.arm(1, 2_ms);
  clock.advance(10_s, 1);
  EXPECT_THAT(clock.taken(), ElementsAre(0));
  EXPECT_EQ(clock.wheel.next_due(), Instant{2'000});
  clock.advance(Duration{0}, 1);
  EXPECT_THAT(clock.taken(), ElementsAre(1));
}

TEST(Wheel, DoesNothingWithoutABudget) {
  Clockwork clock(1);
  clock.arm(0, 1_ms);
  EXPECT_EQ(clock.advance(1_s, 0), 0U);
  EXPECT_THAT(clock.taken(), IsEmpty());
  EXPECT_EQ(clock.advance(1_s, 1), 1U);
}

TEST(Wheel, KnowsWhenItMayHaveSomethingToDo) {
  Clockwork clock(2);
  EXPECT_EQ(clock.wheel.next_due(), Instant::never());
  clock.arm(0, 600_s);
  EXPECT_EQ(clock.wheel.next_due(), Instant{2 * 262'144'000});  // its slot of level 1
  clock.arm(1, 1'500_us);
  EXPECT_EQ(clock.wheel.next_due(), Instant{2'000});
}

TEST(Wheel, NamesTheEarliestEntry) {
  Clockwork clock(5);
  EXPECT_EQ(clock.wheel.earliest(), kNoIndex);
  clock.arm(4, 200_s);
  EXPECT_EQ(clock.wheel.earliest(), 4U);
  clock.arm(3, 60_s);
  clock.arm(2, 50_s);
  clock.arm(1, 50_s);
  EXPECT_EQ(clock.wheel.earliest(), 2U);
  clock.arm(0, Instant{});
  EXPECT_EQ(clock.wheel.earliest(), 0U);
}

TEST(Wheel, NamesTheEarliestOfWhatItsBudgetLeft) {
  Clockwork clock(3);
  for (std::uint32_t index = 0; index < 3; ++index) clock.arm(index, 1_ms);
  clock.advance(1_ms, 1);
  EXPECT_EQ(clock.wheel.earliest(), 1U);
}

}  // namespace
}  // namespace mayfly::testing
