// Limits for answers that strangers can provoke: RSTs, ICMP, challenge ACKs.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "base/siphash.h"
#include "base/time.h"

namespace mayfly {

/// A token bucket.
class RateLimit {
 public:
  /// `per_second` answers in the long run, `burst` of them at once.
  constexpr RateLimit(std::uint32_t per_second, std::uint32_t burst)
      : cost_us_(1'000'000 / static_cast<std::int64_t>(per_second)),
        credit_max_us_(cost_us_ * static_cast<std::int64_t>(burst)),
        credit_us_(credit_max_us_) {
    MAYFLY_ASSERT(cost_us_ > 0 && burst > 0);
  }

  /// May one more go out at `now`?
  bool allow(Instant now) noexcept {
    MAYFLY_ASSERT(now >= last_);
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

/// About so many a second, and nobody can tell how many just now. Were it a known number, whoever
/// counts what he gets of it would learn whether a stranger's guess about another's connection drew
/// an answer too (CVE-2016-5696).
class SecretLimit {
 public:
  /// In each second half of `per_second` to one and a half of it, drawn with `key`.
  constexpr SecretLimit(std::uint32_t per_second, const SipKey& key)
      : per_second_(per_second), key_(key) {
    MAYFLY_ASSERT(per_second > 0);
  }

  /// May one more go out at `now`?
  bool allow(Instant now) noexcept {
    const std::int64_t second = now.us / Duration::from_s(1).us;
    if (second != second_) {
      second_ = second;
      const std::uint64_t drawn = siphash13<1>({static_cast<std::uint64_t>(second)}, key_);
      left_ = per_second_ / 2 + static_cast<std::uint32_t>(drawn % per_second_);
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::uint32_t per_second_, left_ = 0;
  SipKey key_;
  std::int64_t second_ = -1;
};

}  // namespace mayfly
