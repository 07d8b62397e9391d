// How long what was offered took, failures included. What came to its end has its time; what did
// not has only a bound: it would have taken longer than it waited. So failures stand above all
// that was answered, in the order of their waits, and a percentile that falls among them is a
// lower bound. A server that drops the slow ones looks no faster for it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/histogram.h"

namespace mayfly::load {

/// Times in microseconds. Not thread-safe, as Histogram.
class Latencies {
 public:
  /// All that is known of some: see the class's calls.
  struct Parts {
    Histogram answered, failed;
    std::uint64_t unmade = 0, unmade_longest_us = 0;
  };
  Latencies() = default;
  explicit Latencies(const Parts& parts) : parts_(parts) {}
  const Parts& parts() const noexcept { return parts_; }

  /// It came to its end after `us`.
  void answered(std::uint64_t us) noexcept { parts_.answered.record(us); }
  /// It failed after it had waited for `us`.
  void failed(std::uint64_t us) noexcept { parts_.failed.record(us); }
  /// `count` were offered and not even begun, and waited for up to `longest_us`. Replaces what was
  /// said before.
  void unmade(std::uint64_t count, std::uint64_t longest_us) noexcept {
    parts_.unmade = count;
    parts_.unmade_longest_us = longest_us;
  }

  /// The nearest-rank percentile over all that was offered and is over; none if nothing was
  /// answered.
  std::optional<std::uint64_t> percentile(double percent) const noexcept;
  /// The longest time or wait; none if nothing was answered.
  std::optional<std::uint64_t> max() const noexcept;

  /// Of those that were answered alone.
  const Histogram& of_answered() const noexcept { return parts_.answered; }
  /// Those that have a time or a bound.
  std::uint64_t count() const noexcept {
    return parts_.answered.count() + parts_.failed.count() + parts_.unmade;
  }

  /// What came after `earlier`, a copy of a former state.
  Latencies since(const Latencies& earlier) const noexcept;
  void merge(const Latencies& other) noexcept;

 private:
  Parts parts_;
};

}  // namespace mayfly::load
