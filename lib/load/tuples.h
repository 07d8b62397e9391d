// The source (address, port) pairs of the generator, and which one the next connection takes.
//
// Pairs that were never used come first, in the order of RFC 6056 3.3.3: an offset keyed by the
// destination and a secret, plus an increment. Then come the used pairs, longest idle first, from
// two rings: `ready` holds those that can be used at once, `resting` those that may be in
// TIME_WAIT. A ring is in the order of release, which is the order of expiry, so its first few
// pairs tell whether any is free: taking a pair costs the same whatever the number of pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/siphash.h"
#include "load/plan.h"
#include "load/settings.h"
#include "wire/flow_key.h"

namespace mayfly::load {

/// Which four-tuples belong to this core: with several cores, those whose packets the device
/// delivers to it. A plain function and its context, so that a test is one call. The default
/// accepts all.
struct FlowFilter {
  bool (*accepts)(const void* context, const FlowKey4& key) noexcept = nullptr;
  const void* context = nullptr;

  bool operator()(const FlowKey4& key) const noexcept {
    return accepts == nullptr || accepts(context, key);
  }
};

/// A first-in first-out ring of pair numbers. Its memory is allocated once and not touched before
/// it is used.
class PairRing {
 public:
  explicit PairRing(std::uint32_t capacity)
      : slots_(std::make_unique_for_overwrite<std::uint32_t[]>(capacity)), capacity_(capacity) {}

  /// Adds `pair` at the end; there must be room.
  void push(std::uint32_t pair) noexcept;
  /// The pair that is `position` places behind the first; `position` is below size().
  std::uint32_t at(std::uint32_t position) const noexcept { return slots_[place(position)]; }
  /// Removes the pair at `position`; the first one moves to its place.
  void remove(std::uint32_t position) noexcept;
  std::uint32_t size() const noexcept { return size_; }

 private:
  std::uint32_t place(std::uint32_t position) const noexcept {
    const std::uint64_t at = std::uint64_t{first_} + position;
    return static_cast<std::uint32_t>(at < capacity_ ? at : at - capacity_);
  }

  std::unique_ptr<std::uint32_t[]> slots_;
  std::uint32_t capacity_, first_ = 0, size_ = 0;
};

/// The pairs of one core, free and in use.
class TuplePool {
 public:
  /// What the stack answered for a pair.
  enum class Answer : std::uint8_t {
    accepted,
    held,     ///< in use, or in TIME_WAIT
    refused,  ///< not the pair's fault: the stack is full
  };
  enum class Outcome : std::uint8_t {
    taken,
    refused,    ///< the stack is full; the pair stays
    exhausted,  ///< no pair is free
    later,      ///< only other cores' pairs were found so far: ask again at the next poll
  };
  /// Where a released pair goes.
  enum class After : std::uint8_t {
    ready,  ///< the connection ended well and without a TIME_WAIT of ours
    rest,   ///< TIME_WAIT, or a failure: the pair waits behind those that were released before
  };

  /// The most pairs of a ring that one take() offers.
  static constexpr std::uint32_t kProbes = 8;
  /// The most never used pairs of other cores that one take() skips.
  static constexpr std::uint32_t kSkips = 64;

  TuplePool(const SourceSettings& sources, const TargetSettings& target, const SipKey& secret,
            FlowFilter mine = {});

  /// Offers pairs to `connect(key, pair) -> Answer` until it accepts one.
  template <class Connect>
  Outcome take(Connect&& connect) noexcept;

  /// The pairs that take() will probably offer next; returns how many it wrote.
  std::size_t peek(std::span<FlowKey4> keys) const noexcept;

  /// The connection that used `pair` has ended.
  void release(std::uint32_t pair, After after) noexcept {
    (after == After::ready ? ready_ : resting_).push(pair);
  }

  FlowKey4 key_of(std::uint32_t pair) const noexcept;
  std::uint64_t pairs() const noexcept { return pairs_; }

 private:
  template <class Connect>
  Outcome take_fresh(Connect& connect) noexcept;
  template <class Connect>
  Outcome take_used(PairRing& ring, Connect& connect) noexcept;
  void next_fresh() noexcept;

  Ipv4Address first_address_, target_;
  std::uint16_t first_port_, target_port_;
  std::uint32_t ports_, pairs_;
  FlowFilter mine_;
  std::uint32_t fresh_left_;  ///< pairs never offered
  std::uint64_t fresh_;       ///< the next of them
  std::uint64_t stride_;      ///< from it to the one after it, modulo pairs_
  PairRing ready_, resting_;
};

template <class Connect>
TuplePool::Outcome TuplePool::take(Connect&& connect) noexcept {
  if (fresh_left_ > 0) {
    if (const Outcome outcome = take_fresh(connect); outcome != Outcome::exhausted) return outcome;
  }
  if (const Outcome outcome = take_used(ready_, connect); outcome != Outcome::exhausted)
    return outcome;
  return take_used(resting_, connect);
}

template <class Connect>
TuplePool::Outcome TuplePool::take_fresh(Connect& connect) noexcept {
  std::uint32_t probes = 0;
  for (std::uint32_t skips = 0; fresh_left_ > 0; next_fresh()) {
    const auto pair = static_cast<std::uint32_t>(fresh_);
    const FlowKey4 key = key_of(pair);
    if (!mine_(key)) {
      if (++skips < kSkips) continue;
      next_fresh();
      return Outcome::later;
    }
    const Answer answer = connect(key, pair);
    if (answer == Answer::refused) return Outcome::refused;
    if (answer == Answer::held) {
      resting_.push(pair);
      if (++probes < kProbes) continue;
    }
    next_fresh();
    return answer == Answer::accepted ? Outcome::taken : Outcome::later;
  }
  return Outcome::exhausted;
}

template <class Connect>
TuplePool::Outcome TuplePool::take_used(PairRing& ring, Connect& connect) noexcept {
  for (std::uint32_t position = 0; position < kProbes && position < ring.size(); ++position) {
    const std::uint32_t pair = ring.at(position);
    const Answer answer = connect(key_of(pair), pair);
    if (answer == Answer::held) continue;
    if (answer == Answer::refused) return Outcome::refused;
    ring.remove(position);
    return Outcome::taken;
  }
  return Outcome::exhausted;
}

}  // namespace mayfly::load
