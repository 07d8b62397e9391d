// Which slots of a wheel level hold entries: a bitmap, and a second bitmap of its non-zero words,
// so that a search over 262,144 empty slots reads about 64 words.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"

namespace mayfly::timer {

/// A set of slots 0 .. kSize - 1; kSize is a power of two of at least 64.
template <std::uint32_t kSize>
class SlotSet {
  static_assert(std::has_single_bit(kSize) && kSize >= 64);

 public:
  /// `slot` is below kSize here and in erase(); both may be called again for the same slot.
  void insert(std::uint32_t slot) noexcept {
    MAYFLY_ASSERT(slot < kSize);
    words_[slot / 64] |= bit(slot);
    summary_[slot / 4096] |= bit(slot / 64);
  }

  void erase(std::uint32_t slot) noexcept {
    MAYFLY_ASSERT(slot < kSize);
    words_[slot / 64] &= ~bit(slot);
    if (words_[slot / 64] == 0) summary_[slot / 4096] &= ~bit(slot / 64);
  }

  /// The distance from `from` to the first member at or after it, wrapping at the end; kSize if the
  /// set is empty.
  std::uint32_t distance_from(std::uint32_t from) const noexcept {
    MAYFLY_ASSERT(from < kSize);
    std::uint32_t slot = first_from(from);
    if (slot == kSize) slot = first_from(0);
    return slot == kSize ? kSize : (slot - from) & (kSize - 1);
  }

 private:
  static constexpr std::uint32_t kWords = kSize / 64, kSummaryWords = (kWords + 63) / 64;

  static constexpr std::uint64_t bit(std::uint32_t at) noexcept {
    return std::uint64_t{1} << (at % 64);
  }
  /// The bits of `word` from position `at` (0 .. 64) on.
  static constexpr std::uint64_t bits_from(std::uint64_t word, std::uint32_t at) noexcept {
    return at < 64 ? word & (~std::uint64_t{0} << at) : 0;
  }
  static std::uint32_t lowest(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(std::countr_zero(word));
  }

  /// The first member at or after `from`, or kSize.
  std::uint32_t first_from(std::uint32_t from) const noexcept {
    const std::uint32_t word = from / 64;
    if (const std::uint64_t bits = bits_from(words_[word], from % 64))
      return word * 64 + lowest(bits);
    std::uint64_t occupied = bits_from(summary_[word / 64], word % 64 + 1);
    for (std::uint32_t group = word / 64;; occupied = summary_[group]) {
      if (occupied != 0) {
        const std::uint32_t found = group * 64 + lowest(occupied);
        return found * 64 + lowest(words_[found]);
      }
      if (++group == kSummaryWords) return kSize;
    }
  }

  std::array<std::uint64_t, kWords> words_{};
  std::array<std::uint64_t, kSummaryWords> summary_{};
};

}  // namespace mayfly::timer
