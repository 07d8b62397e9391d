#include "load/latencies.h"

#include <algorithm>

namespace mayfly::load {

std::optional<std::uint64_t> Latencies::percentile(double percent) const noexcept {
  if (answered_.count() == 0) return std::nullopt;
  const std::uint64_t rank = nearest_rank(percent, count());
  if (rank <= answered_.count()) return answered_.at_rank(rank);
  const std::uint64_t among_failed = rank - answered_.count();
  if (among_failed <= failed_.count())
    return std::max(answered_.max(), failed_.at_rank(among_failed));
  return max();
}

std::optional<std::uint64_t> Latencies::max() const noexcept {
  if (answered_.count() == 0) return std::nullopt;
  return std::max({answered_.max(), failed_.max(), unmade_longest_us_});
}

Latencies Latencies::since(const Latencies& earlier) const noexcept {
  Latencies later;
  later.answered_ = answered_.since(earlier.answered_);
  later.failed_ = failed_.since(earlier.failed_);
  // A generator that catches up has fewer of them than before.
  later.unmade_ = unmade_ - std::min(unmade_, earlier.unmade_);
  later.unmade_longest_us_ = later.unmade_ > 0 ? unmade_longest_us_ : 0;
  return later;
}

void Latencies::merge(const Latencies& other) noexcept {
  answered_.merge(other.answered_);
  failed_.merge(other.failed_);
  unmade_ += other.unmade_;
  unmade_longest_us_ = std::max(unmade_longest_us_, other.unmade_longest_us_);
}

}  // namespace mayfly::load
