// Where in the log the TIME_WAIT entry of a four-tuple is. A bucket is a cache line: ten positions
// in the log, and of each a tag of sixteen bits, so that a look-up which finds nothing reads this
// line alone. With tags of eight bits one in fifty read a record too, which nothing had touched for
// as long as the hold: with 56 million of them that was 180 cycles a connection.
//
// Nothing is removed when an entry ends: a position that is outside of the log's range is a free
// slot. The log's positions rise for ever, so that ends cost nothing here.
//
// An entry whose bucket has no free slot is in the next one, or further. Each bucket that was
// passed then notes the entry's position: as long as it is in the log's range, look-ups go on to
// the next bucket. So no entry is ever hidden, and the note ends by itself, as positions do.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "base/slab.h"

namespace mayfly::flow {

/// The positions that are in use: from `head` on, modulo 2^32.
struct LogRange {
  std::uint32_t head = 0, length = 0;

  bool has(std::uint32_t position) const noexcept { return position - head < length; }
  /// One that is in no range for as long as can be.
  std::uint32_t outside() const noexcept { return head - 1; }
};

/// `hash` is FlowSecret::hash of the four-tuple, `tag` any function of it. A position is put once,
/// and stays below its range when it ends. Owned by one core; not thread-safe.
class TimeWaitIndex {
 public:
  static constexpr std::uint32_t kSlots = 10;
  /// Three buckets have room for thirty entries, and are made for sixteen.
  static constexpr std::uint32_t kEntriesOfThree = 16;

  struct alignas(64) Bucket {
    std::array<std::uint32_t, kSlots> at;
    std::array<std::uint16_t, kSlots> tags;
    std::uint32_t passed;  // the last position that had no room here
  };
  static_assert(sizeof(Bucket) == 64);

  /// Buckets for so many entries.
  static constexpr std::size_t buckets_for(std::uint32_t entries) {
    return std::size_t{entries} * 3 / kEntriesOfThree + 16;
  }

  TimeWaitIndex() = default;
  /// The buckets are zeroes, and outlive the index. Position 0 must not be in the range before all
  /// others were.
  explicit TimeWaitIndex(std::span<Bucket> buckets) : buckets_(buckets) {}

  /// Removes all positions; the range will be this one.
  void clear(LogRange range) noexcept {
    for (Bucket& bucket : buckets_) {
      bucket.at.fill(range.outside());
      bucket.passed = range.outside();
    }
  }

  void prefetch(std::uint32_t hash) const noexcept { __builtin_prefetch(&buckets_[home(hash)]); }

  /// The position of which `wanted(position)` is true, among those that may be the four-tuple's;
  /// kNoIndex if it is true of none.
  template <class F>
  std::uint32_t find(std::uint32_t hash, std::uint16_t tag, LogRange range,
                     F&& wanted) const noexcept {
    for (std::size_t b = home(hash);; b = after(b)) {
      const Bucket& bucket = buckets_[b];
      for (std::uint32_t m = with_tag(bucket, tag); m != 0; m &= m - 1) {
        const std::uint32_t position = bucket.at[static_cast<std::size_t>(std::countr_zero(m))];
        if (range.has(position) && wanted(position)) return position;
      }
      if (!range.has(bucket.passed)) [[likely]]
        return kNoIndex;
    }
  }

  /// Adds a position, which is the newest of the range.
  void put(std::uint32_t hash, std::uint16_t tag, std::uint32_t position, LogRange range) noexcept {
    MAYFLY_ASSERT(range.has(position));
    for (std::size_t b = home(hash);; b = after(b)) {
      if (put_here(buckets_[b], tag, position, range)) [[likely]]
        return;
      buckets_[b].passed = position;
    }
  }

  /// Replaces a position by a later one that is not the newest.
  void move(std::uint32_t hash, std::uint16_t tag, std::uint32_t from, std::uint32_t to,
            LogRange range) noexcept {
    for (std::size_t b = home(hash);; b = after(b)) {
      Bucket& bucket = buckets_[b];
      if (replace(bucket, tag, from, to)) return;
      MAYFLY_ASSERT(range.has(bucket.passed));
      if (to - range.head > bucket.passed - range.head) bucket.passed = to;
    }
  }

  /// Takes a position out before its time.
  void remove(std::uint32_t hash, std::uint16_t tag, std::uint32_t position,
              LogRange range) noexcept {
    for (std::size_t b = home(hash);; b = after(b)) {
      if (replace(buckets_[b], tag, position, range.outside())) return;
      MAYFLY_ASSERT(range.has(buckets_[b].passed));
    }
  }

 private:
  std::size_t home(std::uint32_t hash) const noexcept {
    return static_cast<std::size_t>(std::uint64_t{hash} * buckets_.size() >> 32);
  }
  std::size_t after(std::size_t b) const noexcept { return b + 1 == buckets_.size() ? 0 : b + 1; }
  /// A bit for each slot with this tag.
  static std::uint32_t with_tag(const Bucket& bucket, std::uint16_t tag) noexcept {
    std::uint32_t mask = 0;
    for (std::uint32_t i = 0; i < kSlots; ++i)
      mask |= static_cast<std::uint32_t>(bucket.tags[i] == tag) << i;
    return mask;
  }
  static bool put_here(Bucket& bucket, std::uint16_t tag, std::uint32_t position,
                       LogRange range) noexcept {
    for (std::size_t i = 0; i < kSlots; ++i) {
      if (range.has(bucket.at[i])) continue;
      bucket.at[i] = position;
      bucket.tags[i] = tag;
      return true;
    }
    return false;
  }
  // The tag is looked at too: a free slot may have the same position from 2^32 entries ago.
  static bool replace(Bucket& bucket, std::uint16_t tag, std::uint32_t from,
                      std::uint32_t to) noexcept {
    for (std::size_t i = 0; i < kSlots; ++i) {
      if (bucket.at[i] != from || bucket.tags[i] != tag) continue;
      bucket.at[i] = to;
      return true;
    }
    return false;
  }

  std::span<Bucket> buckets_;
};

}  // namespace mayfly::flow
