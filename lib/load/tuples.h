// The sources of the generator (address and port), and which one the next connection takes.
//
// Sources that were never used come first, in the order of RFC 6056 3.3.3: an offset keyed by the
// destination and a secret, plus an increment. Then come the used ones, longest idle first, from
// two rings: `ready` holds those that can be used at once, `resting` those that may be in
// TIME_WAIT. A ring is in the order of release, which is the order of expiry, so its first few
// sources show whether any is free: taking one costs the same whatever their number.
//
// Of an IPv6 four-tuple a key here has the last 32 bits of each address, in which alone the sources
// differ: six_of() (settings.h) adds the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/siphash.h"
#include "load/plan.h"
#include "load/settings.h"
#include "wire/flow_key.h"

namespace mayfly::load {

/// The four-tuples that belong to this core: with several cores, those whose packets the device
/// delivers to it. A plain function and its context, so that a test costs one call. The default
/// accepts all.
struct FlowFilter {
  bool (*accepts)(const void* context, const FlowKey4& key) noexcept = nullptr;
  const void* context = nullptr;
  bool (*accepts6)(const void* context, const FlowKey6& key) noexcept = nullptr;

  bool operator()(const FlowKey4& key) const noexcept {
    return accepts == nullptr || accepts(context, key);
  }
  bool operator()(const FlowKey6& key) const noexcept {
    return accepts6 == nullptr || accepts6(context, key);
  }
};

/// A first-in first-out ring of source numbers. Its memory is allocated once and not touched before
/// it is used.
class SourceRing {
 public:
  explicit SourceRing(std::uint32_t capacity)
      : slots_(std::make_unique_for_overwrite<std::uint32_t[]>(capacity)), capacity_(capacity) {}

  /// Adds `source` at the end; there must be room.
  void push(std::uint32_t source) noexcept;
  /// The source that is `position` places behind the first; `position` is below size().
  std::uint32_t at(std::uint32_t position) const noexcept { return slots_[place(position)]; }
  /// Removes the source at `position`; the first one moves to its place.
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

/// A set of source numbers. Its memory is not touched before a source of it is.
class SourceSet {
 public:
  explicit SourceSet(std::uint32_t sources)
      : words_(static_cast<std::uint64_t*>(std::calloc(sources / 64 + 1, sizeof(std::uint64_t)))),
        sources_(sources) {
    if (words_ == nullptr) throw std::bad_alloc();
  }

  /// False: it was in the set already.
  bool add(std::uint32_t source) noexcept {
    MAYFLY_ASSERT(source < sources_);
    std::uint64_t& word = words_.get()[source / 64];
    const std::uint64_t bit = std::uint64_t{1} << source % 64;
    return (std::exchange(word, word | bit) & bit) == 0;
  }

 private:
  struct Free {
    void operator()(std::uint64_t* words) const noexcept { std::free(words); }
  };
  std::unique_ptr<std::uint64_t, Free> words_;
  std::uint32_t sources_;
};

/// The sources of one core, free and in use.
class TuplePool {
 public:
  /// The answer of the stack for a source.
  enum class Answer : std::uint8_t {
    accepted,
    held,     ///< in use, or in TIME_WAIT
    refused,  ///< the stack is full
  };
  /// The result of take().
  enum class Outcome : std::uint8_t {
    taken,
    refused,    ///< the stack is full; the source stays
    exhausted,  ///< no source is free
    later,      ///< only other cores' sources were found so far: try again at the next poll
  };
  /// Where a released source goes.
  enum class After : std::uint8_t {
    ready,  ///< the connection ended well and without a TIME_WAIT of ours
    rest,   ///< TIME_WAIT, or a failure: it waits behind those released before
  };

  /// The most sources of a ring that one take() offers.
  static constexpr std::uint32_t kProbes = 8;
  /// The most never used sources of other cores that one take() skips.
  static constexpr std::uint32_t kSkips = 64;

  /// `mine` accepts the four-tuples of this core. `secret` keys their order.
  TuplePool(const SourceSettings& sources, const TargetSettings& target, const SipKey& secret,
            FlowFilter mine = {});

  /// Offers sources to `connect(key, source) -> Answer` until it accepts one.
  template <class Connect>
  Outcome take(Connect&& connect) noexcept;

  /// The sources that take() will probably offer next; returns how many it wrote.
  std::size_t peek(std::span<FlowKey4> keys) const noexcept;

  /// The connection that used `source` has ended.
  void release(std::uint32_t source, After after) noexcept {
    (after == After::ready ? ready_ : resting_).push(source);
  }

  /// The four-tuple from a source to the target.
  FlowKey4 key_of(std::uint32_t source) const noexcept;
  /// All sources, of all cores.
  std::uint64_t sources() const noexcept { return sources_; }

 private:
  template <class Connect>
  Outcome take_fresh(Connect& connect) noexcept;
  template <class Connect>
  Outcome take_used(SourceRing& ring, Connect& connect) noexcept;
  void next_fresh() noexcept;
  bool is_mine(const FlowKey4& key) const noexcept {
    return source6_ ? mine_(six_of(key, *source6_, *target6_)) : mine_(key);
  }

  std::optional<Ipv6Address> source6_, target6_;
  Ipv4Address first_address_, target_;
  std::uint16_t first_port_, target_port_;
  std::uint32_t ports_, sources_;
  FlowFilter mine_;
  std::uint32_t fresh_left_;  ///< sources never offered
  std::uint64_t fresh_;       ///< the next of them
  std::uint64_t stride_;      ///< from it to the one after it, modulo sources_
  SourceRing ready_, resting_;
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
    const auto source = static_cast<std::uint32_t>(fresh_);
    const FlowKey4 key = key_of(source);
    if (!is_mine(key)) {
      if (++skips < kSkips) continue;
      next_fresh();
      return Outcome::later;
    }
    const Answer answer = connect(key, source);
    if (answer == Answer::refused) return Outcome::refused;
    if (answer == Answer::held) {
      resting_.push(source);
      if (++probes < kProbes) continue;
    }
    next_fresh();
    return answer == Answer::accepted ? Outcome::taken : Outcome::later;
  }
  return Outcome::exhausted;
}

template <class Connect>
TuplePool::Outcome TuplePool::take_used(SourceRing& ring, Connect& connect) noexcept {
  for (std::uint32_t position = 0; position < kProbes && position < ring.size(); ++position) {
    const std::uint32_t source = ring.at(position);
    const Answer answer = connect(key_of(source), source);
    if (answer == Answer::held) continue;
    if (answer == Answer::refused) return Outcome::refused;
    ring.remove(position);
    return Outcome::taken;
  }
  return Outcome::exhausted;
}

}  // namespace mayfly::load
