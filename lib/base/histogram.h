// A histogram of latencies in the manner of HdrHistogram: exact below 128, then 64 buckets to each
// power of two, so that a value is known to 1/64 of itself whatever its size. 18 kB each.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"

namespace mayfly {

/// The nearest-rank place of a percentile (0 to 100) among `count` values, from 1 on; 0 if there
/// are none.
std::uint64_t nearest_rank(double percent, std::uint64_t count) noexcept;

/// Counts of unsigned integers in any one unit (latencies: microseconds). Not thread-safe: another
/// thread may only read a copy made by the writer.
class Histogram {
 public:
  /// Larger values count as this one.
  static constexpr std::uint64_t kValueMax = std::uint64_t{1} << 40;

  /// Counts `value`, once or `times` times.
  void record(std::uint64_t value) noexcept { record(value, 1); }
  void record(std::uint64_t value, std::uint64_t times) noexcept {
    if (times == 0) return;
    value = std::min(value, kValueMax);
    const std::size_t bucket = bucket_of(value);
    MAYFLY_ASSERT(bucket < counts_.size());
    counts_[bucket] += times;
    count_ += times;
    sum_ += static_cast<double>(value) * static_cast<double>(times);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  /// The nearest-rank percentile for `percent` in 0 .. 100: the least value that at least that
  /// share of all values does not exceed, rounded up to the end of its bucket (by at most 1/64 of
  /// itself) but never above max(). 0 if nothing was recorded.
  std::uint64_t percentile(double percent) const noexcept;
  /// The value that stands at this place among all, from 1 to count(), rounded likewise. 0 if
  /// nothing was recorded.
  std::uint64_t at_rank(std::uint64_t rank) const noexcept;

  std::uint64_t count() const noexcept { return count_; }
  /// How many values are below `limit`, a power of two: there a bucket ends.
  std::uint64_t count_below(std::uint64_t limit) const noexcept;
  double sum() const noexcept { return sum_; }
  /// The exact extremes and mean; 0 if nothing was recorded.
  std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const noexcept { return max_; }
  double mean() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

  /// Calls f(value, count) for every bucket that is not empty, upwards; `value` is its largest.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket)
      if (counts_[bucket] > 0) f(end_of(bucket), counts_[bucket]);
  }
  /// What a histogram knows apart from its buckets.
  struct Exact {
    std::uint64_t min = 0, max = 0;
    double sum = 0;
  };
  Exact exact() const noexcept { return {min(), max_, sum_}; }
  /// The values were recorded as those of for_each(), and these are the exact figures of the
  /// originals. False, and nothing is changed: they do not belong to these buckets.
  bool restore(const Exact& exact) noexcept;

  /// What was recorded after `earlier`, a copy of this histogram's former state. Extremes are those
  /// of the buckets.
  Histogram since(const Histogram& earlier) const noexcept;

  /// Adds all that `other` has counted.
  void merge(const Histogram& other) noexcept;
  /// Removes all counts.
  void reset() noexcept { *this = {}; }

 private:
  static constexpr unsigned kPrecisionBits = 6;

  /// Values with the same leading 1 + kPrecisionBits bits and the same width share a bucket.
  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    const unsigned shift = shift_of(value);
    return (std::size_t{shift} << kPrecisionBits) + (value >> shift);
  }
  static constexpr unsigned shift_of(std::uint64_t value) noexcept {
    return static_cast<unsigned>(std::bit_width(value | (1U << kPrecisionBits))) - 1 -
           kPrecisionBits;
  }
  /// The largest value of a bucket.
  static std::uint64_t end_of(std::size_t bucket) noexcept;

  /// bucket_of(kValueMax) + 1
  static constexpr std::size_t kBuckets = ((40 - kPrecisionBits + 1) << kPrecisionBits) + 1;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0, min_ = kValueMax, max_ = 0;
  double sum_ = 0;
};

}  // namespace mayfly
