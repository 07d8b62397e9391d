#include "base/histogram.h"

#include <cmath>

#include "base/assert.h"

namespace mayfly {

std::uint64_t nearest_rank(double percent, std::uint64_t count) noexcept {
  const double share = std::clamp(percent, 0.0, 100.0) * static_cast<double>(count) / 100;
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share)), count == 0 ? 0 : 1,
                                   count);
}

std::uint64_t Histogram::end_of(std::size_t bucket) noexcept {
  static_assert(bucket_of(kValueMax) + 1 == kBuckets);
  constexpr std::size_t kExact = std::size_t{2} << kPrecisionBits;
  MAYFLY_ASSERT(bucket < kBuckets);
  if (bucket < kExact) return bucket;
  const std::size_t shift = (bucket >> kPrecisionBits) - 1;
  const std::uint64_t leading = bucket - (shift << kPrecisionBits);
  return ((leading + 1) << shift) - 1;
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
  return at_rank(nearest_rank(percent, count_));
}

std::uint64_t Histogram::at_rank(std::uint64_t rank) const noexcept {
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return std::min(end_of(bucket), max_);
  }
  return max_;
}

std::uint64_t Histogram::count_below(std::uint64_t limit) const noexcept {
  MAYFLY_ASSERT(std::has_single_bit(limit));
  const std::size_t end = bucket_of(std::min(limit, kValueMax));
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < end; ++bucket) below += counts_[bucket];
  return below;
}

bool Histogram::restore(const Exact& exact) noexcept {
  if (count_ == 0) return exact.min == 0 && exact.max == 0 && exact.sum == 0;
  const auto same_bucket = [](std::uint64_t a, std::uint64_t b) {
    return a <= kValueMax && bucket_of(a) == bucket_of(b);
  };
  // Each value is at most 1/64 of itself below the end of its bucket.
  const bool fits = same_bucket(exact.min, min_) && same_bucket(exact.max, max_) &&
                    exact.min <= exact.max && exact.sum <= sum_ && exact.sum >= sum_ * 63 / 64;
  if (!fits) return false;
  min_ = exact.min;
  max_ = exact.max;
  sum_ = exact.sum;
  return true;
}

Histogram Histogram::since(const Histogram& earlier) const noexcept {
  MAYFLY_ASSERT(earlier.count_ <= count_);
  Histogram later;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    const std::uint64_t more = counts_[bucket] - earlier.counts_[bucket];
    if (more == 0) continue;
    later.counts_[bucket] = more;
    later.min_ = std::min(later.min_, end_of(bucket));
    later.max_ = std::min(end_of(bucket), max_);
  }
  later.count_ = count_ - earlier.count_;
  later.sum_ = sum_ - earlier.sum_;
  return later;
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket)
    counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

}  // namespace mayfly
