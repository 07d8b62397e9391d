// What a core does while nothing arrives: it polls on, or it sleeps until something does.
#pragma once

#include <poll.h>

#include <cstdint>
#include <ctime>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "shard/settings.h"

namespace mayfly::run {

/// Of one core; for its polling thread, but for wake().
class Idler {
 public:
  /// With adaptive, a core begins to sleep after it was without work for kAwake. It stays awake for
  /// so short a time since a peer on the same processor, whom its first answer wakes, may have to
  /// wait for the end of it: with 1 ms a first connection from the same machine took 1.2 ms.
  static constexpr Duration kAwake{200};
  /// If no device tells when it has received, it sleeps each time as long as it has been without
  /// work, and so long at most. A frame waits less than a millisecond, and a ring of 1,024
  /// descriptors holds what 1.2 million frames a second bring meanwhile.
  static constexpr Duration kSleep{800};
  /// Else a frame ends the sleep, or wake() does, or this time.
  static constexpr Duration kWait{10'000};

  /// `rx_events`: descriptors of which one becomes readable when a frame has come; none if there
  /// may be frames without that. They outlive the idler.
  explicit Idler(shard::Idle mode, std::span<const int> rx_events = {});

  /// For the thread that will call rest(): its sleeps end on time, not up to 50 us later.
  void begin() const noexcept;
  /// After each poll, which began at `now`. True if the core should rest().
  bool is_idle(bool did_work, Instant now) noexcept {
    if (did_work) {
      polls_ = 0;
      worked_ = now;
      return false;
    }
    return ++polls_ > kIdlePolls || (mode_ == shard::Idle::adaptive && now - worked_ > kAwake);
  }
  /// How long to sleep at most, if the next timer is due at `due`.
  Duration sleep_until(Instant due, Instant now) const noexcept;
  void rest(Instant due, Instant now) noexcept;
  /// Ends a sleep that a frame would end, or keeps the next one from beginning: there is something
  /// else to do. For any thread.
  void wake() const noexcept;

 private:
  // A core that had nothing to do for about a millisecond polls less often. This leaves cycles to
  // its sibling thread, and makes it rare that the core is inside a driver when the other end of
  // the device goes away (doc/devices.md).
  static constexpr std::uint32_t kIdlePolls = 10'000;
  static constexpr unsigned kPauseUs = 5;

  shard::Idle mode_;
  std::uint32_t polls_ = 0;
  Instant worked_;
  Fd woken_;                       // readable after wake()
  std::vector<pollfd> rx_events_;  // and woken_, the last; empty: nothing ends a sleep
};

}  // namespace mayfly::run
