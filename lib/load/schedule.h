// When connections are to start: a pure function of time and of how many are open.
//
// Open loop: start number n has a fixed instant, whatever happens to the connections before it. A
// generator that falls behind starts late, but latency is measured from the intended instant, so a
// stall of the server shows in all the connections that it delayed (no coordinated omission).
//
// Closed loop: a fixed number of connections is kept open; the next starts when one has ended.
#pragma once

#include <cstdint>
#include <limits>

#include "base/time.h"
#include "load/settings.h"

namespace mayfly::load {

/// Open loop: when the start with this number (from 0, over all parts) is due, as time from the
/// begin of the run. The rate rises linearly from 0 during `shape.ramp` and is then constant.
/// `shape.rate` is above 0.
Duration intended_start(const LoadShape& shape, std::uint64_t number) noexcept;

/// Open loop: how many starts, over all parts, are due before `elapsed`.
std::uint64_t starts_before(const LoadShape& shape, Duration elapsed) noexcept;

/// Closed loop: how many connections should be open at once, over all parts; at least one during
/// the ramp.
std::uint32_t concurrency_at(const LoadShape& shape, Duration elapsed) noexcept;

/// The starts of one core: those of its process (`shape.part`), dealt out to the cores. The
/// schedule ends after `shape.duration` or `shape.connections`, whichever comes first, or by
/// stop().
class Schedule {
 public:
  Schedule(const LoadShape& shape, Share core) noexcept;

  /// Begins the run. Called once, before anything else.
  void begin(Instant now) noexcept;
  bool begun() const noexcept { return begun_; }
  /// Before begin(): true if it was stopped already.
  bool stopped() const noexcept { return !begun_ && !end_.is_never(); }

  /// Open loop: how late a start that was intended before the end may be made after it.
  static constexpr Duration kLate = Duration::from_ms(10);

  /// True if a start is due, while `open` connections of this core are open.
  bool due(Instant now, std::uint64_t open) const noexcept {
    return now >= next_at_ && next_at_ < end_ && !over(now) &&
           (open_loop() || open < wanted_at(now));
  }

  /// The intended instant of the start that is due.
  Instant intended(Instant now) const noexcept { return open_loop() ? next_at_ : now; }
  /// Goes on to the next start: the one that is due was made or tried.
  void take() noexcept;

  /// Closed loop: no start before `until`. A refused start would otherwise be due again at once.
  void pause(Instant until) noexcept {
    if (!open_loop()) next_at_ = until;
  }

  /// True if no start will be due any more.
  bool over(Instant now) const noexcept {
    if (now < end_) return spent();
    return !open_loop() || next_at_ >= end_ || now >= end_ + kLate || spent();
  }
  /// True if all `shape.connections` have been started.
  bool spent() const noexcept { return number_ >= connections_; }
  /// Ends the schedule now, if it has not ended before.
  void stop(Instant now) noexcept {
    if (now < end_) end_ = now;
  }

  bool open_loop() const noexcept { return shape_.concurrency == 0; }
  Instant began_at() const noexcept { return start_; }
  /// When the schedule ends by time; never() if only `connections` ends it.
  Instant end() const noexcept { return end_; }
  /// Starts of this core that were made or tried.
  std::uint64_t taken() const noexcept { return taken_; }
  /// Open loop: how long the next start has been due at `now`; 0 if it is not.
  Duration lateness(Instant now) const noexcept {
    if (!open_loop() || !begun_ || spent() || next_at_ >= std::min(now, end_)) return {};
    return now - next_at_;
  }
  /// Open loop: starts that were intended before `now`, or the end if that is earlier, and not
  /// taken.
  std::uint64_t behind(Instant now) const noexcept;

 private:
  std::uint64_t wanted_at(Instant now) const noexcept;
  std::uint64_t own_share(std::uint64_t whole) const noexcept {
    return core_.of(shape_.part.of(whole));
  }

  LoadShape shape_;
  Share core_;
  std::uint64_t connections_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number_ = 0;  ///< over all parts, of the next start
  std::uint64_t taken_ = 0;
  Instant start_{}, end_ = Instant::never(), next_at_ = Instant::never();
  bool begun_ = false;
};

}  // namespace mayfly::load
