// The hierarchical timer wheel: arming and disarming take O(1), whatever the number of entries.
// 64 million of them do not make a tick slower.
//
// One tick is a millisecond. Level 0 has 2^18 slots (4.3 minutes), so that an entry with a hold of
// 60 s or of the standard's 4 minutes is never moved, since each move touches a cold entry. Level 1
// has 2^8 slots of 4.3 minutes each (18 h) whose entries are moved to level 0 when their slot
// begins. A bitmap of occupied slots lets time skip empty ones. Work is bounded by a budget,
// cascading included.
//
// A slot is a circular list with the slot itself as its sentinel, first in first out. A slot that
// is due moves as a whole list to `firing`, so that entries armed meanwhile do not mix with it.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>

#include "base/assert.h"
#include "base/slab.h"
#include "base/time.h"
#include "timer/slot_set.h"

namespace mayfly::timer {

/// The part of an entry that the wheel uses. Zero-initialised = not in a wheel.
struct WheelNode {
  /// Index + 1 of the neighbour; at the list's start and end, slot | kHeadBit.
  std::uint32_t prev = 0, next = 0;
  /// In ticks, modulo 2^32.
  std::uint32_t deadline = 0;
  /// Is the entry in a wheel?
  constexpr bool armed() const { return prev != 0; }
};
static_assert(sizeof(WheelNode) == 12);

/// Finds the nodes: `nodes.wheel_node(index)`.
template <class N>
concept WheelNodes = requires(N n, std::uint32_t index) {
  { n.wheel_node(index) }
  noexcept->std::same_as<WheelNode&>;
};

/// The wheel. It owns its slots, about 2 MB; the nodes are in the entries of its owner.
class TimerWheel {
 public:
  /// Each level has 2^bits slots.
  static constexpr std::uint32_t kLevel0Bits = 18, kLevel1Bits = 8;
  /// The furthest deadline ahead: 18.5 h.
  static constexpr Duration kSpan{1'000 * (1LL << kLevel0Bits) * ((1LL << kLevel1Bits) - 1)};
  /// Indices go from 0 to kIndexMax.
  static constexpr std::uint32_t kIndexMax = 0x7fff'fffe;

  /// Time starts at `start` (not negative); the slots are allocated here and never again.
  explicit TimerWheel(Instant start);

  /// Arms `index`, again if it is armed already, for the first tick at or after `deadline`: never
  /// early, and at most 1 ms late if the owner advances every tick. A deadline at or before the
  /// present tick fires at the next call of `advance`; one beyond kSpan fires after kSpan.
  template <WheelNodes N>
  void arm(N& nodes, std::uint32_t index, Instant deadline) noexcept;
  /// Takes `index` out of the wheel. Does nothing for a node that is not armed.
  template <WheelNodes N>
  void disarm(N& nodes, std::uint32_t index) noexcept;

  /// Moves time to `now` and calls `expired(index)` for each entry that is due, in tick order,
  /// already disarmed; `expired` may arm and disarm any entry. Within a tick, the first armed fires
  /// first, except for entries that were moved from level 1. Stops after `budget` entries were
  /// fired or moved, and continues at the next call. Returns how much of the budget was used. An
  /// earlier `now` than at the last call has no effect on time.
  template <WheelNodes N, class F>
  std::uint32_t advance(N& nodes, Instant now, std::uint32_t budget, F&& expired) noexcept;

  /// The next instant at which `advance` may have something to do; Instant::never() if empty. A
  /// lower bound: entries of level 1 count as due when their slot begins.
  Instant next_due() const noexcept;

  /// The entry that fires next: the first of the earliest slot of level 0 (exact to a tick), or
  /// else of level 1 (exact to 4.3 minutes); kNoIndex if empty. If longer deadlines are mixed with
  /// shorter ones, an entry not yet moved to level 0 may be due before it.
  std::uint32_t earliest() const noexcept;

  /// When an armed node fires: its deadline rounded up to a tick and limited to kSpan.
  Instant deadline_of(const WheelNode& node) const noexcept { return at_tick(tick_of(node)); }

  /// Is the node armed for no later a tick than arm() would choose for `deadline`, which is not
  /// never? Then arming it for that would change nothing, or make it fire later.
  bool fires_by(const WheelNode& node, Instant deadline) const noexcept {
    if (!node.armed()) return false;
    const std::int64_t tick = tick_of(node);
    return tick * kTickUs < deadline.us + kTickUs || tick <= tick_;  // what is overdue comes next
  }

  /// Entries that are armed now.
  std::uint32_t armed_count() const noexcept { return armed_; }

 private:
  static constexpr std::uint32_t kSlots0 = 1U << kLevel0Bits, kSlots1 = 1U << kLevel1Bits;
  /// All lists by number: level 0, level 1, armed for the past or the present, taken to be fired.
  static constexpr std::uint32_t kLate = kSlots0 + kSlots1;
  static constexpr std::uint32_t kFiring = kLate + 1, kLists = kFiring + 1;
  static constexpr std::uint32_t kHeadBit = 0x8000'0000;
  static constexpr std::int64_t kTickUs = 1'000, kNoTick = Instant::never().us / kTickUs;

  /// Links as in WheelNode; both name the list itself while it is empty.
  struct List {
    std::uint32_t first, last;
  };

  static constexpr Instant at_tick(std::int64_t tick) { return {tick * kTickUs}; }
  bool empty(std::uint32_t list) const noexcept { return (lists_[list].first & kHeadBit) != 0; }
  std::int64_t tick_of(const WheelNode& node) const noexcept {
    return tick_ + static_cast<std::int32_t>(node.deadline - static_cast<std::uint32_t>(tick_));
  }
  static constexpr std::uint32_t slot0(std::int64_t tick) {
    return static_cast<std::uint32_t>(tick) & (kSlots0 - 1);
  }
  static constexpr std::uint32_t slot1(std::int64_t tick) {
    return static_cast<std::uint32_t>(tick >> kLevel0Bits) & (kSlots1 - 1);
  }
  std::uint32_t list_for(std::int64_t due) const noexcept;
  std::int64_t next_fire() const noexcept;
  std::int64_t next_cascade() const noexcept;
  void mark_occupied(std::uint32_t list) noexcept;
  void mark_empty(std::uint32_t list) noexcept;

  template <WheelNodes N>
  std::uint32_t& next_of(N& nodes, std::uint32_t link) noexcept;
  template <WheelNodes N>
  std::uint32_t& prev_of(N& nodes, std::uint32_t link) noexcept;
  template <WheelNodes N>
  void append(N& nodes, std::uint32_t list, std::uint32_t index) noexcept;
  template <WheelNodes N>
  void unlink(N& nodes, WheelNode& node) noexcept;
  template <WheelNodes N>
  void start_firing(N& nodes, std::uint32_t list) noexcept;
  template <WheelNodes N, class F>
  void fire(N& nodes, std::uint32_t& budget, F& expired) noexcept;
  template <WheelNodes N>
  void cascade(N& nodes, std::uint32_t list, std::uint32_t& budget) noexcept;

  /// The slots of all ticks up to this one are empty; level 0 holds the next 2^18.
  std::int64_t tick_;
  std::uint32_t armed_ = 0;
  std::unique_ptr<List[]> lists_;
  SlotSet<kSlots0> level0_;
  SlotSet<kSlots1> level1_;
};

}  // namespace mayfly::timer

#include "timer/wheel_inl.h"
