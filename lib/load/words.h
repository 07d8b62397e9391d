// Numbers as people read them: 1234567 is "1,234,567".
#pragma once

#include <cstdint>
#include <string>

namespace mayfly {

inline std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4)
    digits.insert(digits.size() - from_end, 1, ',');
  return digits;
}

/// Rounded down: a limit must not be promised too high. `n` is not negative.
inline std::string grouped(double n) { return grouped(static_cast<std::uint64_t>(n)); }
inline std::string grouped(std::uint32_t n) { return grouped(std::uint64_t{n}); }

}  // namespace mayfly
