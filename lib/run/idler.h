// What a core does while nothing arrives: it polls on, or it sleeps for short times.
#pragma once

#include <rte_cycles.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

#include "base/time.h"
#include "shard/settings.h"

namespace mayfly::run {

/// Of one core; for its polling thread.
class Idler {
 public:
  /// With adaptive, a core without work for kAwake begins to sleep: each time as long as it has
  /// been without work, and kSleep at most. A frame waits less than a millisecond, and a ring of
  /// 1,024 descriptors holds what 2.5 million frames a second bring meanwhile. It stays awake for
  /// so short a time since a peer on the same processor, whom its first answer wakes, may have to
  /// wait for the end of it: with 1 ms a first connection from the same machine took 1.2 ms.
  static constexpr Duration kAwake{200}, kSleep{400};

  explicit Idler(shard::Idle mode) noexcept : mode_(mode) {}

  /// For the thread that will call rest(): its sleeps end on time, not up to 50 us later.
  void begin() const noexcept {
    if (mode_ == shard::Idle::adaptive) prctl(PR_SET_TIMERSLACK, 1UL);
  }
  /// After each poll, which began at `now`. True if the core should rest().
  bool is_idle(bool did_work, Instant now) noexcept {
    if (did_work) {
      polls_ = 0;
      worked_ = now;
      return false;
    }
    return ++polls_ > kIdlePolls || (mode_ == shard::Idle::adaptive && now - worked_ > kAwake);
  }
  /// How long to sleep, if the next timer is due at `due`.
  Duration sleep_until(Instant due, Instant now) const noexcept {
    if (mode_ == shard::Idle::poll || due <= now || now - worked_ <= kAwake) return {};
    return std::min({kSleep, now - worked_, due - now});
  }
  void rest(Instant due, Instant now) const noexcept {
    const Duration sleep = sleep_until(due, now);
    if (sleep.us == 0) return rte_delay_us_block(kPauseUs);
    const timespec time{.tv_sec = 0, .tv_nsec = sleep.us * 1'000};
    nanosleep(&time, nullptr);
  }

 private:
  // A core that had nothing to do for about a millisecond polls less often. This leaves cycles to
  // its sibling thread, and makes it rare that the core is inside a driver when the other end of
  // the device goes away (doc/devices.md).
  static constexpr std::uint32_t kIdlePolls = 10'000;
  static constexpr unsigned kPauseUs = 5;

  shard::Idle mode_;
  std::uint32_t polls_ = 0;
  Instant worked_;
};

}  // namespace mayfly::run
