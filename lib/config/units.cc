#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "config/error.h"

namespace mayfly::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kTimeUnits = std::to_array<Unit>(
    {{"us", 1}, {"ms", 1'000}, {"s", 1'000'000}, {"min", 60'000'000}, {"h", 3'600'000'000}});
constexpr std::array kCountUnits = std::to_array<Unit>({{"", 1},
                                                        {"k", 1'000},
                                                        {"M", 1'000'000},
                                                        {"G", 1'000'000'000},
                                                        {"Ki", 1 << 10},
                                                        {"Mi", 1 << 20},
                                                        {"Gi", 1 << 30}});

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The parts of "1.50k".
struct Decimal {
  std::string_view whole, fraction, unit;
};

Result<Decimal> split(std::string_view text) {
  if (text.starts_with('-')) return Error{in_quotes(text) + " is negative"};
  const auto digits = [](std::string_view from) {
    return from.substr(0, static_cast<std::size_t>(
                              std::find_if_not(from.begin(), from.end(), is_digit) - from.begin()));
  };
  Decimal parts{.whole = digits(text), .fraction = {}, .unit = {}};
  std::string_view rest = text.substr(parts.whole.size());
  if (rest.starts_with('.')) {
    parts.fraction = digits(rest.substr(1));
    if (parts.fraction.empty()) return Error{in_quotes(text) + " has no digit after its point"};
    rest.remove_prefix(1 + parts.fraction.size());
  }
  if (parts.whole.empty()) return Error{in_quotes(text) + " is not a number"};
  parts.unit = rest;
  return parts;
}

Result<std::uint64_t> factor_of(std::string_view text, std::string_view unit,
                                std::span<const Unit> units) {
  const auto* known = std::find_if(units.data(), units.data() + units.size(),
                                   [unit](const Unit& u) { return u.name == unit; });
  if (known != units.data() + units.size()) return known->factor;
  std::string names;
  for (const Unit& u : units) {
    if (!u.name.empty()) names += fmt::format("{}{}", names.empty() ? "" : " ", u.name);
  }
  return Error{fmt::format("{} has an unknown unit; there are: {}", in_quotes(text), names)};
}

/// The number times its unit, exactly, or an error if that is not whole or does not fit 64 bits.
Result<std::uint64_t> scale(std::string_view text, const Decimal& parts, std::uint64_t factor) {
  constexpr std::size_t kFractionDigits = 9;  // factors reach 2^32: the product fits 64 bits
  std::uint64_t whole = 0;
  const auto [end, failure] =
      std::from_chars(parts.whole.data(), parts.whole.data() + parts.whole.size(), whole);
  std::uint64_t value = 0;
  if (failure != std::errc{} || __builtin_mul_overflow(whole, factor, &value)) {
    return Error{in_quotes(text) + " is too large"};
  }
  if (parts.fraction.empty()) return value;
  if (parts.fraction.size() > kFractionDigits)
    return Error{in_quotes(text) + " has too many digits"};
  std::uint64_t numerator = 0, denominator = 1;
  for (const char digit : parts.fraction) {
    numerator = numerator * 10 + static_cast<std::uint64_t>(digit - '0');
    denominator *= 10;
  }
  numerator *= factor;
  if (numerator % denominator != 0) return Error{in_quotes(text) + " is too fine: it is not whole"};
  if (__builtin_add_overflow(value, numerator / denominator, &value)) {
    return Error{in_quotes(text) + " is too large"};
  }
  return value;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Result<Decimal> parts = split(text);
  if (!parts) return parts.error();
  if (parts->unit.empty()) {
    if (text == "0") return Duration{};
    return Error{fmt::format("{0} has no unit; write {1}s or {1}ms", in_quotes(text), text)};
  }
  const Result<std::uint64_t> factor = factor_of(text, parts->unit, kTimeUnits);
  if (!factor) return factor.error();
  const Result<std::uint64_t> us = scale(text, *parts, *factor);
  if (!us) return us.error();
  if (*us > std::numeric_limits<std::int64_t>::max())
    return Error{in_quotes(text) + " is too large"};
  return Duration{static_cast<std::int64_t>(*us)};
}

Result<Duration> parse_run_length(std::string_view text) {
  auto length = parse_duration(text);
  if (length && length->us == 0) return Error{"must be above 0"};
  return length;
}

Result<std::uint64_t> parse_count(std::string_view text) {
  const Result<Decimal> parts = split(text);
  if (!parts) return parts.error();
  const Result<std::uint64_t> factor = factor_of(text, parts->unit, kCountUnits);
  if (!factor) return factor.error();
  return scale(text, *parts, *factor);
}

Result<double> parse_rate(std::string_view text) {
  const Result<Decimal> parts = split(text);
  if (!parts) return parts.error();
  const Result<std::uint64_t> factor = factor_of(text, parts->unit, kCountUnits);
  if (!factor) return factor.error();
  double value = 0;
  const char* end = text.data() + text.size() - parts->unit.size();
  const auto [stopped, failure] =
      std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (failure != std::errc{} || stopped != end) return Error{in_quotes(text) + " is not a number"};
  return value * static_cast<double>(*factor);
}

Result<double> parse_probability(std::string_view text) {
  const bool percent = text.ends_with('%');
  const Result<double> number = parse_rate(percent ? text.substr(0, text.size() - 1) : text);
  if (!number) return Error{in_quotes(text) + " is not a probability"};
  const double probability = percent ? *number / 100 : *number;
  if (probability > 1) return Error{in_quotes(text) + " is more than 100%"};
  return probability;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return Error{in_quotes(text) + " is neither true nor false"};
}

std::string format_duration(Duration duration) {
  if (duration.us == 0) return "0";
  const auto us = static_cast<std::uint64_t>(duration.us);
  // "60s" and "60min" are usual: minutes and hours are used from two on.
  for (auto unit = kTimeUnits.rbegin(); unit != kTimeUnits.rend(); ++unit) {
    const std::uint64_t least = unit->factor > 1'000'000 ? 2 * unit->factor : unit->factor;
    if (us >= least && us % unit->factor == 0) {
      return fmt::format("{}{}", us / unit->factor, unit->name);
    }
  }
  return fmt::format("{}us", us);
}

std::string format_count(std::uint64_t count) {
  std::string shortest = fmt::format("{}", count);
  for (const Unit& unit : kCountUnits) {
    if (count == 0 || count % unit.factor != 0) continue;
    std::string text = fmt::format("{}{}", count / unit.factor, unit.name);
    if (text.size() < shortest.size()) shortest = std::move(text);
  }
  return shortest;
}

}  // namespace mayfly::config
