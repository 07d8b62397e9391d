// Limits for answers that anybody can provoke: RSTs, ICMP, challenge ACKs.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "base/siphash.h"
#include "base/time.h"

namespace mayfly {

/// A token bucket over time that never goes back.
class RateLimit {
 public:
  /// Allows `per_second` answers (1 to a million) in the long run, and `burst` of them (at least 1)
  /// at once.
  constexpr RateLimit(std::uint32_t per_second, std::uint32_t burst)
      : cost_us_(1'000'000 / static_cast<std::int64_t>(per_second)),
        credit_max_us_(cost_us_ * static_cast<std::int64_t>(burst)),
        credit_us_(credit_max_us_) {
    MAYFLY_ASSERT(cost_us_ > 0 && burst > 0);
  }

  /// Counts one answer at `now` if it may be sent, and returns whether it may.
  bool allow(Instant now) noexcept {
    earn(now);
    if (credit_us_ < cost_us_) return false;
    credit_us_ -= cost_us_;
    return true;
  }

  /// How many may be sent at `now`. They count once they are spent.
  std::uint32_t allowed(Instant now) noexcept {
    earn(now);
    return static_cast<std::uint32_t>(credit_us_ / cost_us_);
  }
  /// Counts `n` answers, of those that allowed() has returned.
  void spend(std::uint32_t n) noexcept {
    credit_us_ -= cost_us_ * static_cast<std::int64_t>(n);
    MAYFLY_ASSERT(credit_us_ >= 0);
  }

 private:
  void earn(Instant now) noexcept {
    MAYFLY_ASSERT(now >= last_);
    credit_us_ = std::min(credit_max_us_, credit_us_ + (now - last_).us);
    last_ = now;
  }

  std::int64_t cost_us_, credit_max_us_, credit_us_;
  Instant last_;
};

/// A limit per second that outsiders cannot know exactly. If it were known, an attacker who counts
/// the answers to his own segments could infer whether his forged segments for somebody else's
/// connection drew answers too (CVE-2016-5696).
class SecretLimit {
 public:
  /// The limit is drawn anew each second, with `key`, from half of `per_second` (at least 1) to one
  /// and a half of it.
  constexpr SecretLimit(std::uint32_t per_second, const SipKey& key)
      : per_second_(per_second), key_(key) {
    MAYFLY_ASSERT(per_second > 0);
  }

  /// Counts one answer at `now` if it may be sent, and returns whether it may.
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
