// Time as a value. Nothing below the ports reads a clock: each burst is handed one Instant.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace mayfly {

/// A span of time in microseconds; may be negative.
struct Duration {
  std::int64_t us = 0;

  /// Milliseconds and seconds; the product must fit 63 bits of microseconds.
  static constexpr Duration from_ms(std::int64_t n) { return {n * 1'000}; }
  static constexpr Duration from_s(std::int64_t n) { return {n * 1'000'000}; }
  /// Longer than any time-out that can be configured.
  static constexpr Duration max() { return {std::numeric_limits<std::int64_t>::max() / 4}; }

  /// Whole milliseconds, rounded towards zero.
  constexpr std::int64_t ms() const { return us / 1'000; }
  constexpr double seconds() const { return static_cast<double>(us) / 1e6; }

  auto operator<=>(const Duration&) const = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.us - b.us}; }
  friend constexpr Duration operator*(Duration a, std::int64_t n) { return {a.us * n}; }
  friend constexpr Duration operator/(Duration a, std::int64_t n) { return {a.us / n}; }
};

/// A point in time: microseconds since the clock's own start, which is the default. Not negative.
struct Instant {
  std::int64_t us = 0;

  /// Later than any deadline.
  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max() / 2}; }
  constexpr bool is_never() const { return us >= never().us; }

  /// Milliseconds in 32 bits, the clock behind TSval too (RFC 7323 5.4: 1 ms to 1 s a tick). Wraps.
  constexpr std::uint32_t ts_ms() const { return static_cast<std::uint32_t>(us / 1'000); }

  auto operator<=>(const Instant&) const = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.us + d.us}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.us - d.us}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.us - b.us}; }
};

/// 5_us, 5_ms, 5_s, 5_min.
inline namespace literals {
constexpr Duration operator""_us(unsigned long long n) { return {static_cast<std::int64_t>(n)}; }
constexpr Duration operator""_ms(unsigned long long n) {
  return Duration::from_ms(static_cast<std::int64_t>(n));
}
constexpr Duration operator""_s(unsigned long long n) {
  return Duration::from_s(static_cast<std::int64_t>(n));
}
constexpr Duration operator""_min(unsigned long long n) {
  return Duration::from_s(60 * static_cast<std::int64_t>(n));
}
}  // namespace literals

}  // namespace mayfly
