// The only clock: the CPU's time stamp counter, scaled to microseconds by a multiplication.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

#include "base/time.h"

namespace mayfly::nic {

/// It reads 1 s when it is made, so that zero Instants are in the past, or what the caller says.
/// Cores share one, or have copies: the counter is the same on all of them (constant_tsc). Make it
/// after start_eal, which measures the frequency.
class TscClock {
 public:
  /// What it reads when it is made.
  static constexpr Instant kFirst{1'000'000};

  explicit TscClock(Instant reads = kFirst) : TscClock(rte_get_tsc_hz(), reads) {}
  explicit TscClock(std::uint64_t hz, Instant reads = kFirst) noexcept
      : origin_(rte_rdtsc() - hz),
        hz_(hz),
        us_per_cycle_(scale(hz)),
        base_us_(reads.us - kFirst.us) {}

  /// The counter now.
  static std::uint64_t cycles() noexcept { return rte_rdtsc(); }

  Instant now() const noexcept { return at(cycles()); }
  /// The time at which the counter had this value.
  Instant at(std::uint64_t cycles) const noexcept {
    const auto wide = static_cast<Wide>(cycles - origin_) * us_per_cycle_;
    return {base_us_ + static_cast<std::int64_t>(wide >> kFractionBits)};
  }

  /// Cycles a second.
  std::uint64_t hz() const noexcept { return hz_; }
  std::uint64_t cycles_in(Duration d) const noexcept {
    return static_cast<std::uint64_t>(d.seconds() * static_cast<double>(hz_));
  }

 private:
  // 2^64 / (cycles in a microsecond): the product of 128 bits never overflows, and an error of half
  // a unit in the last place is less than a microsecond in a century.
  static constexpr int kFractionBits = 64;
  __extension__ using Wide = unsigned __int128;
  static std::uint64_t scale(std::uint64_t hz) noexcept {
    return static_cast<std::uint64_t>((Wide{1'000'000} << kFractionBits) / hz);
  }

  std::uint64_t origin_;
  std::uint64_t hz_;
  std::uint64_t us_per_cycle_;
  std::int64_t base_us_;
};

/// The begin of 1970 as an Instant of the clock that reads `now`: the base of the times in
/// captures.
Instant time_of_day_zero(Instant now);

}  // namespace mayfly::nic
