// A row of the lists that make counters: one row gives the struct its member, the JSON its key,
// the total over cores its rule and doc/json.md its line.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/counter.h"

namespace mayfly {

/// What a number is, and so what its total over cores is.
enum class MetricKind : std::uint8_t {
  /// Only grows. The total is the sum.
  counter,
  /// A present amount. The total is the sum.
  gauge,
  /// The highest value of the gauge in the row before. The total is the highest that all cores are
  /// known to have had at once: the highest of one core, or the sum of the present amounts if that
  /// is higher.
  peak,
  /// A present value that is not an amount. The total is the highest of one core.
  level,
};

/// "counter", "gauge", "peak" or "level".
constexpr std::string_view name_of(MetricKind kind) {
  constexpr std::string_view names[] = {"counter", "gauge", "peak", "level"};
  return names[static_cast<std::size_t>(kind)];
}

/// One number of `Stats`.
template <class Stats, class Value = Counter>
struct Metric {
  MetricKind kind;
  std::string_view name;  ///< the member's
  std::string_view unit;  ///< what one of it is: "frames", "bytes", "us"
  std::string_view path;  ///< in the JSON: "time_wait.now". There `us` become seconds
  std::string_view help;  ///< makes sense on its own
  Value Stats::*value;
};

/// The value of a number that is a Counter or plain.
inline std::uint64_t amount_of(const Counter& counter) noexcept { return counter.get(); }
inline std::uint64_t amount_of(std::uint64_t number) noexcept { return number; }

/// True if each peak in the list follows its gauge, as set_totals requires.
template <class List>
constexpr bool peaks_follow_gauges(const List& metrics) {
  for (std::size_t i = 0; i < metrics.size(); ++i)
    if (metrics[i].kind == MetricKind::peak && (i == 0 || metrics[i - 1].kind != MetricKind::gauge))
      return false;
  return true;
}

/// Sets the members of `total` that `metrics` lists from those of `cores`; 0 if there are none.
template <class Stats, std::size_t N>
void set_totals(const std::array<Metric<Stats>, N>& metrics, std::span<const Stats> cores,
                Stats& total) noexcept {
  std::uint64_t before = 0;  // the total of the row before
  for (const Metric<Stats>& metric : metrics) {
    std::uint64_t sum = 0, most = 0;
    for (const Stats& core : cores) {
      const std::uint64_t one = (core.*metric.value).get();
      sum += one;
      most = std::max(most, one);
    }
    if (metric.kind == MetricKind::peak) sum = std::max(most, before);
    if (metric.kind == MetricKind::level) sum = most;
    (total.*metric.value).set(sum);
    before = sum;
  }
}

}  // namespace mayfly
