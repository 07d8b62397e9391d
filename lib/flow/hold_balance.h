// time_wait.balance: the longest hold for which the table has room. Entries = rate of closes x hold
// (Little's law), so hold = capacity / rate, within the limits time_wait.floor and time_wait.hold.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "flow/settings.h"

namespace mayfly::flow {

/// Estimates the rate of closes and derives the hold from it. Call step() whenever is_due().
class HoldBalance {
 public:
  /// The time between two measurements of the rate.
  static constexpr Duration kStep = Duration::from_ms(100);
  /// The fraction of the capacity to fill. The rest is for entries made before a rise of the rate
  /// is noticed.
  static constexpr double kFill = 0.85;
  /// The weight of a new measurement that is above or below the estimate. A rise of the rate is
  /// followed within a few steps, else the table would fill up; a fall over some seconds, so that a
  /// pause (or a stalled core) does not make the hold swing.
  static constexpr double kAttack = 0.7, kRelease = 0.03;

  /// The hold (2MSL) for an entry made now.
  Duration hold() const noexcept { return hold_; }
  /// Connections a second that enter TIME_WAIT, as estimated.
  double rate() const noexcept { return rate_; }
  bool is_due(Instant now) const noexcept { return now >= next_; }

  /// Starts with policy.hold and a rate of 0.
  void begin(const TimeWaitPolicy& policy, Instant now) noexcept {
    hold_ = policy.hold;
    rate_ = 0;
    last_ = now;
    next_ = now + kStep;
  }

  /// Takes a measurement, later than the last one. `entered`: entries made since then; `capacity`:
  /// entries that the table may have. If the core was stalled, the time measured over is longer
  /// than kStep.
  void step(const TimeWaitPolicy& policy, std::uint64_t entered, std::uint32_t capacity,
            Instant now) noexcept {
    const double measured = static_cast<double>(entered) / (now - last_).seconds();
    rate_ += (measured > rate_ ? kAttack : kRelease) * (measured - rate_);
    last_ = now;
    next_ = now + kStep;
    const double wanted = kFill * capacity / std::max(rate_, 1e-3) * 1e6;
    const double most = static_cast<double>(policy.hold.us);
    const double least = std::min(static_cast<double>(policy.floor.us), most);
    hold_ = Duration{static_cast<std::int64_t>(std::clamp(wanted, least, most))};
  }

 private:
  Duration hold_{};
  double rate_ = 0;
  Instant last_, next_;
};

}  // namespace mayfly::flow
