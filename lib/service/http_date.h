// Dates as HTTP writes them (RFC 9110 5.6.7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mayfly::service {

/// Seconds since the beginning of 1970, UTC.
using UnixSeconds = std::int64_t;

inline constexpr std::size_t kHttpDateBytes = 29;

/// As IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". `when` is in the years 1970 to 9999.
std::array<char, kHttpDateBytes> http_date(UnixSeconds when) noexcept;

/// The time that a field value states in any of the three forms, which all recipients must accept;
/// none if it is no date. A year of two digits is in 1970 to 2069.
std::optional<UnixSeconds> parse_http_date(std::string_view text) noexcept;

}  // namespace mayfly::service
