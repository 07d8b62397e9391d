// Figures of a report that are made of counters: inside load/ alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "load/report.h"

namespace mayfly::load {

/// part / whole; 0 if `whole` is 0.
inline double per(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// `n` per second; 0 if no time has passed.
inline double rate_of(std::uint64_t n, Duration time) {
  return time.us <= 0 ? 0 : static_cast<double>(n) / time.seconds();
}

inline double offered_cps(const LoadResults& r) {
  return rate_of(r.counters.offered + r.counters.behind, r.ran);
}

inline std::uint64_t packets_of(const flow::ShardStats& s) {
  return s.rx_packets.get() + s.tx_packets.get();
}

/// The cost of each completed connection; that of failed ones is included. None if none was
/// completed.
inline std::optional<double> per_completed(std::uint64_t cost, const CoreReport& r) {
  const std::uint64_t completed = r.results.counters.completed;
  return completed == 0 ? std::nullopt : std::optional(per(cost, completed));
}
inline std::optional<double> packets_per_connection(const CoreReport& r) {
  return per_completed(packets_of(r.stack), r);
}
inline std::optional<double> cycles_per_connection(const CoreReport& r) {
  return per_completed(r.stack.busy_cycles.get(), r);
}

/// The sum of cores, or of parts.
CoreReport total_of(std::span<const CoreReport> reports);

}  // namespace mayfly::load
