// Numbers in their written form: "200ms", "64k", "1%". Shared by the configuration and the command
// line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace mayfly::config {

/// "200us", "1.5s", "4min", "1h" or "0"; not negative, no finer than 1 us, at most 2^63 us.
/// Any other number without a unit is an error.
Result<Duration> parse_duration(std::string_view text);

/// The same, but above 0: the length of a run (--duration).
Result<Duration> parse_run_length(std::string_view text);

/// "512", "64k", "1.5M", "2G" (powers of 1000) or "64Ki", "1Mi", "2Gi" (powers of 1024). The
/// result must be whole and fit 64 bits.
Result<std::uint64_t> parse_count(std::string_view text);

/// A count that need not be whole: "100k", "0.5". Finite, not negative.
Result<double> parse_rate(std::string_view text);

/// "1%" or "0.01": a probability from 0 to 1.
Result<double> parse_probability(std::string_view text);

/// "true", "yes", "on" or "false", "no", "off".
Result<bool> parse_boolean(std::string_view text);

/// The shortest text that parse_duration reads as the same: "200ms", "60s", "2h", "0".
std::string format_duration(Duration duration);

/// The shortest text that parse_count reads as the same: "1M", "256Ki", "1460".
std::string format_count(std::uint64_t count);

}  // namespace mayfly::config
