// time_wait.balance: the hold that the table can afford. Entries = rate of closes x hold (Little's
// law), so hold = capacity / rate, within the limits that the user gave.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "flow/settings.h"

namespace mayfly::flow {

class HoldBalance {
 public:
  /// Between two measurements of the rate.
  static constexpr Duration kStep = Duration::from_ms(100);
  /// The part of the capacity that is aimed at. The rest takes what comes before a rise is noticed.
  static constexpr double kFill = 0.85;
  /// A rise of the rate is followed within a few steps, or the table would be full by then; a fall
  /// over some seconds, so that a pause (or a stalled core) does not make the hold swing.
  static constexpr double kAttack = 0.7, kRelease = 0.03;

  /// What an entry made now gets.
  Duration hold() const noexcept { return hold_; }
  /// Connections a second that enter TIME_WAIT, as estimated.
  double rate() const noexcept { return rate_; }
  bool is_due(Instant now) const noexcept { return now >= next_; }

  /// Starts with the whole hold and no rate.
  void begin(const TimeWaitPolicy& policy, Instant now) noexcept {
    hold_ = policy.hold;
    rate_ = 0;
    last_ = now;
    next_ = now + kStep;
  }

  /// `entered`: entries made since the step before; `capacity`: of the table. A core that stood
  /// still measures over the longer time.
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
