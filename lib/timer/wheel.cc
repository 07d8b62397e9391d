#include "timer/wheel.h"

#include <algorithm>

#include "base/assert.h"

namespace mayfly::timer {

TimerWheel::TimerWheel(Instant start)
    : tick_(start.us / kTickUs), lists_(std::make_unique_for_overwrite<List[]>(kLists)) {
  MAYFLY_ASSERT(start.us >= 0);
  for (std::uint32_t list = 0; list < kLists; ++list)
    lists_[list] = {list | kHeadBit, list | kHeadBit};
}

/// The tick of the first occupied slot of level 0, or kNoTick.
std::int64_t TimerWheel::next_fire() const noexcept {
  const std::uint32_t distance = level0_.distance_from(slot0(tick_ + 1));
  return distance == kSlots0 ? kNoTick : tick_ + 1 + distance;
}

/// The tick at which the first occupied slot of level 1 begins, or kNoTick. It is after tick_: a
/// slot is empty once its time has begun.
std::int64_t TimerWheel::next_cascade() const noexcept {
  const std::int64_t next_slot = (tick_ >> kLevel0Bits) + 1;
  const std::uint32_t distance = level1_.distance_from(slot1(next_slot << kLevel0Bits));
  return distance == kSlots1 ? kNoTick : (next_slot + distance) << kLevel0Bits;
}

Instant TimerWheel::next_due() const noexcept {
  if (!empty(kFiring) || !empty(kLate)) return at_tick(tick_);
  const std::int64_t tick = std::min(next_fire(), next_cascade());
  return tick == kNoTick ? Instant::never() : at_tick(tick);
}

std::uint32_t TimerWheel::earliest() const noexcept {
  for (const std::uint32_t list : {kFiring, kLate})
    if (!empty(list)) return lists_[list].first - 1;
  if (const std::int64_t tick = next_fire(); tick != kNoTick) return lists_[slot0(tick)].first - 1;
  if (const std::int64_t tick = next_cascade(); tick != kNoTick)
    return lists_[kSlots0 + slot1(tick)].first - 1;
  return kNoIndex;
}

}  // namespace mayfly::timer
