// A slab: equal blocks in memory that is taken once, handed out last in first out so that hot
// blocks stay in the cache. Blocks are named by 32-bit indices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/assert.h"

namespace mayfly {

/// The index that stands for no block.
inline constexpr std::uint32_t kNoIndex = 0xffff'ffff;

/// Hands out the blocks of an array that its owner keeps alive. `T` is trivially destructible and
/// has a member `std::uint32_t next_free` that the slab uses while the block is free. Blocks that
/// were never taken are never written, so their pages stay untouched.
template <class T>
requires std::is_trivially_destructible_v<T>
class Slab {
 public:
  Slab() = default;
  /// All `blocks` are free. They must outlive the slab.
  explicit Slab(std::span<T> blocks) : blocks_(blocks) { MAYFLY_ASSERT(blocks.size() < kNoIndex); }

  /// A free block's index, or kNoIndex if all are taken. The block is as its last user left it,
  /// except for next_free; one that was never taken before is as it was in the array.
  std::uint32_t take() noexcept {
    if (free_ != kNoIndex) {
      const std::uint32_t index = free_;
      MAYFLY_ASSERT(index < fresh_ && used_ < fresh_);
      free_ = blocks_[index].next_free;
      ++used_;
      return index;
    }
    if (fresh_ == blocks_.size()) return kNoIndex;
    ++used_;
    return fresh_++;
  }

  /// Frees a block that was taken.
  void give_back(std::uint32_t index) noexcept {
    MAYFLY_ASSERT(index < fresh_ && used_ > 0);
    MAYFLY_ASSERT(index != free_);  // given back twice in a row
    blocks_[index].next_free = free_;
    free_ = index;
    --used_;
  }

  /// The block; `index` is below capacity().
  T& operator[](std::uint32_t index) noexcept { return blocks_[index]; }
  const T& operator[](std::uint32_t index) const noexcept { return blocks_[index]; }

  /// Blocks that are taken now.
  std::uint32_t used() const noexcept { return used_; }
  std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(blocks_.size()); }
  /// Blocks from this index on were never taken.
  std::uint32_t fresh() const noexcept { return fresh_; }
  /// True if all blocks are taken.
  bool full() const noexcept { return used_ == blocks_.size(); }

 private:
  std::span<T> blocks_;
  std::uint32_t free_ = kNoIndex;
  std::uint32_t fresh_ = 0;  // blocks from here on were never taken
  std::uint32_t used_ = 0;
};

}  // namespace mayfly
