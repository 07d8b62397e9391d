// Numbers as people read them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace mayfly::admin {

/// 12345 as "12,345".
inline std::string count_in_words(double value) {
  std::string digits = fmt::format("{:.0f}", std::max(0.0, value));
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

/// "250 ms", "4.2 s"
inline std::string seconds_in_words(double s) {
  return s < 1 ? fmt::format("{:.0f} ms", s * 1e3) : fmt::format("{:.3g} s", s);
}

}  // namespace mayfly::admin
