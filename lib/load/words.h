// Numbers for people to read: 1234567 is "1,234,567", and as bytes "1.23 MB".
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace mayfly::load {

inline std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4)
    digits.insert(digits.size() - from_end, 1, ',');
  return digits;
}

/// Rounded down: a limit must not be promised too high. `n` is not negative.
inline std::string grouped(double n) { return grouped(static_cast<std::uint64_t>(n)); }
inline std::string grouped(std::uint32_t n) { return grouped(std::uint64_t{n}); }

/// Powers of 1000, three digits.
inline std::string in_bytes(std::uint64_t n) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto size = static_cast<double>(n);
  std::size_t unit = 0;
  for (; size >= 999.5; ++unit) size /= 1000;
  return fmt::format("{:.3g} {}", size, kUnits[unit]);
}

}  // namespace mayfly::load
