// How a pool's units are divided among those who hold them. A part of the pool is for everybody's
// first unit alone, so that nobody can be kept from having one by others that have many. The rest
// is shared: a holder may have no more of it than half of what is still free, so that its
// share shrinks as the pool empties (Choudhury and Hahne 1998, "Dynamic queue length thresholds").
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/assert.h"

namespace mayfly::flow {

/// Counts the units that are held beyond the first; the pool itself is the caller's.
class PoolShare {
 public:
  /// Of what is free, a holder may have one unit in so many.
  static constexpr std::uint32_t kPart = 2;

  /// No limit.
  PoolShare() = default;
  /// A pool of `capacity` units for at most `holders` holders. A first unit is kept for each of
  /// them, or if there are too few, half of the pool.
  PoolShare(std::uint32_t capacity, std::uint32_t holders) noexcept
      : shared_(capacity - std::min(holders, capacity / 2)) {}

  /// True if a holder that has `held` units may take one more, should the pool have one.
  bool allows(std::uint32_t held) const noexcept {
    return held == 0 || held <= (shared_ - beyond_ + (kPart - 1)) / kPart;
  }
  /// A holder that had `held` units has taken one more.
  void took(std::uint32_t held) noexcept {
    if (held == 0) return;
    MAYFLY_ASSERT(beyond_ < shared_);
    ++beyond_;
  }
  /// A holder has given one back and has `held` left.
  void gave(std::uint32_t held) noexcept {
    if (held == 0) return;
    MAYFLY_ASSERT(beyond_ > 0);
    --beyond_;
  }

 private:
  std::uint32_t shared_ = std::numeric_limits<std::uint32_t>::max() - kPart;
  std::uint32_t beyond_ = 0;  // units of the shared part that are held
};

}  // namespace mayfly::flow
