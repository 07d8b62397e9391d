// The parts of TimerWheel that touch nodes; they inline into their owner. Include
// timer/wheel.h instead.
#pragma once

#include <algorithm>

#include "base/assert.h"
#include "timer/wheel.h"

namespace mayfly::timer {

template <WheelNodes N>
void TimerWheel::arm(N& nodes, std::uint32_t index, Instant deadline) noexcept {
  MAYFLY_ASSERT(index <= kIndexMax);
  WheelNode& node = nodes.wheel_node(index);
  if (node.armed()) disarm(nodes, index);
  const std::int64_t wanted = (deadline.us + kTickUs - 1) / kTickUs;
  const std::int64_t due = std::clamp(wanted, tick_, tick_ + kSpan.ms());
  node.deadline = static_cast<std::uint32_t>(due);
  append(nodes, list_for(due), index);
  ++armed_;
}

template <WheelNodes N>
void TimerWheel::disarm(N& nodes, std::uint32_t index) noexcept {
  WheelNode& node = nodes.wheel_node(index);
  if (!node.armed()) return;
  MAYFLY_ASSERT(armed_ > 0);
  unlink(nodes, node);
  --armed_;
}

template <WheelNodes N, class F>
std::uint32_t TimerWheel::advance(N& nodes, Instant now, std::uint32_t budget,
                                  F&& expired) noexcept {
  const std::int64_t target = now.us / kTickUs;
  std::uint32_t left = budget;
  start_firing(nodes, kLate);
  fire(nodes, left, expired);
  while (left > 0 && tick_ < target) {
    const std::int64_t fires = next_fire(), cascades = next_cascade();
    if (std::min(fires, cascades) > target) {
      tick_ = target;
    } else if (cascades <= fires) {
      tick_ = cascades - 1;  // so that the whole slot fits into level 0 and none of it is late
      cascade(nodes, kSlots0 + slot1(cascades), left);
    } else {
      tick_ = fires;
      start_firing(nodes, slot0(fires));
      fire(nodes, left, expired);
    }
  }
  MAYFLY_ASSERT(left <= budget);
  return budget - left;
}

inline std::uint32_t TimerWheel::list_for(std::int64_t due) const noexcept {
  if (due <= tick_) return kLate;
  MAYFLY_ASSERT(due - tick_ <= kSpan.ms());
  return due - tick_ <= kSlots0 ? slot0(due) : kSlots0 + slot1(due);
}

inline void TimerWheel::mark_occupied(std::uint32_t list) noexcept {
  if (list < kSlots0)
    level0_.insert(list);
  else if (list < kLate)
    level1_.insert(list - kSlots0);
}

inline void TimerWheel::mark_empty(std::uint32_t list) noexcept {
  if (list < kSlots0)
    level0_.erase(list);
  else if (list < kLate)
    level1_.erase(list - kSlots0);
}

/// The links of a neighbour, be it a node or the list itself.
template <WheelNodes N>
std::uint32_t& TimerWheel::next_of(N& nodes, std::uint32_t link) noexcept {
  return (link & kHeadBit) != 0 ? lists_[link ^ kHeadBit].first : nodes.wheel_node(link - 1).next;
}
template <WheelNodes N>
std::uint32_t& TimerWheel::prev_of(N& nodes, std::uint32_t link) noexcept {
  return (link & kHeadBit) != 0 ? lists_[link ^ kHeadBit].last : nodes.wheel_node(link - 1).prev;
}

template <WheelNodes N>
void TimerWheel::append(N& nodes, std::uint32_t list, std::uint32_t index) noexcept {
  if (empty(list)) mark_occupied(list);
  WheelNode& node = nodes.wheel_node(index);
  MAYFLY_ASSERT(!node.armed());  // in one list at most
  node.prev = lists_[list].last;
  node.next = list | kHeadBit;
  next_of(nodes, node.prev) = index + 1;
  lists_[list].last = index + 1;
}

template <WheelNodes N>
void TimerWheel::unlink(N& nodes, WheelNode& node) noexcept {
  MAYFLY_ASSERT(node.armed());
  next_of(nodes, node.prev) = node.next;
  prev_of(nodes, node.next) = node.prev;
  if (node.prev == node.next) mark_empty(node.prev ^ kHeadBit);  // alone with the list's sentinel
  node.prev = node.next = 0;
}

/// Moves all of `list` to the end of the firing list, in O(1).
template <WheelNodes N>
void TimerWheel::start_firing(N& nodes, std::uint32_t list) noexcept {
  if (empty(list)) return;
  MAYFLY_ASSERT(list < kFiring);
  const List taken = lists_[list];
  const std::uint32_t before = lists_[kFiring].last;
  prev_of(nodes, taken.first) = before;
  next_of(nodes, before) = taken.first;
  next_of(nodes, taken.last) = kFiring | kHeadBit;
  lists_[kFiring].last = taken.last;
  lists_[list] = {list | kHeadBit, list | kHeadBit};
  mark_empty(list);
}

template <WheelNodes N, class F>
void TimerWheel::fire(N& nodes, std::uint32_t& budget, F& expired) noexcept {
  // Nodes of one list were armed one after the other, and often lie in memory in that order: the
  // step from one to the next predicts the place of those behind it, long before the chain reaches
  // them.
  constexpr std::uintptr_t kAhead = 6;
  std::uintptr_t before = 0;
  for (; budget > 0 && !empty(kFiring); --budget) {
    const std::uint32_t index = lists_[kFiring].first - 1;
    const auto place = reinterpret_cast<std::uintptr_t>(&nodes.wheel_node(index));
    __builtin_prefetch(reinterpret_cast<const void*>(place + kAhead * (place - before)));
    before = place;
    disarm(nodes, index);
    expired(index);
  }
}

/// Moves the entries of a level 1 slot to level 0; deadlines are kept.
template <WheelNodes N>
void TimerWheel::cascade(N& nodes, std::uint32_t list, std::uint32_t& budget) noexcept {
  MAYFLY_ASSERT(list >= kSlots0 && list < kLate);
  for (; budget > 0 && !empty(list); --budget) {
    const std::uint32_t index = lists_[list].first - 1;
    WheelNode& node = nodes.wheel_node(index);
    unlink(nodes, node);
    append(nodes, list_for(tick_of(node)), index);
  }
}

}  // namespace mayfly::timer
