// A token bucket for answers that strangers can provoke: RSTs, ICMP errors.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace mayfly {

class RateLimit {
 public:
  /// `per_second` answers in the long run, `burst` of them at once.
  constexpr RateLimit(std::uint32_t per_second, std::uint32_t burst)
      : cost_us_(1'000'000 / static_cast<std::int64_t>(per_second)),
        credit_max_us_(cost_us_ * static_cast<std::int64_t>(burst)),
        credit_us_(credit_max_us_) {}

  /// May one more go out at `now`?
  bool allow(Instant now) noexcept {
    credit_us_ = std::min(credit_max_us_, credit_us_ + (now - last_).us);
    last_ = now;
    if (credit_us_ < cost_us_) return false;
    credit_us_ -= cost_us_;
    return true;
  }

 private:
  std::int64_t cost_us_, credit_max_us_, credit_us_;
  Instant last_;
};

}  // namespace mayfly
