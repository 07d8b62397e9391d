#include "load/latencies.h"

#include <algorithm>

namespace mayfly::load {

std::optional<std::uint64_t> Latencies::percentile(double percent) const noexcept {
  if (parts_.answered.count() == 0) return std::nullopt;
  const std::uint64_t rank = nearest_rank(percent, count());
  if (rank <= parts_.answered.count()) return parts_.answered.at_rank(rank);
  const std::uint64_t among_failed = rank - parts_.answered.count();
  if (among_failed <= parts_.failed.count())
    return std::max(parts_.answered.max(), parts_.failed.at_rank(among_failed));
  return max();
}

std::optional<std::uint64_t> Latencies::max() const noexcept {
  if (parts_.answered.count() == 0) return std::nullopt;
  return std::max({parts_.answered.max(), parts_.failed.max(), parts_.unmade_longest_us});
}

Latencies Latencies::since(const Latencies& earlier) const noexcept {
  Latencies later;
  later.parts_.answered = parts_.answered.since(earlier.parts_.answered);
  later.parts_.failed = parts_.failed.since(earlier.parts_.failed);
  // A generator that catches up has fewer of them than before.
  later.parts_.unmade = parts_.unmade - std::min(parts_.unmade, earlier.parts_.unmade);
  later.parts_.unmade_longest_us = later.parts_.unmade > 0 ? parts_.unmade_longest_us : 0;
  return later;
}

void Latencies::merge(const Latencies& other) noexcept {
  parts_.answered.merge(other.parts_.answered);
  parts_.failed.merge(other.parts_.failed);
  parts_.unmade += other.parts_.unmade;
  parts_.unmade_longest_us = std::max(parts_.unmade_longest_us, other.parts_.unmade_longest_us);
}

}  // namespace mayfly::load
