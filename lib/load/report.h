// What a run of the generator shows: a line each second, a table at the end, and JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "config/settings.h"
#include "flow/metrics.h"
#include "load/results.h"

namespace mayfly {

/// What a core's stack says of the same run.
struct StackFigures {
  std::uint64_t packets_rx = 0, packets_tx = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t drops = 0;  ///< received frames not processed to their end, for all reasons
  std::uint64_t time_wait_now = 0, time_wait_peak = 0;
  std::uint64_t time_wait_reused = 0;         ///< ended early by our own connects (time_wait.reuse)
  std::uint64_t cycles = 0, busy_cycles = 0;  ///< TSC, of all polls and of those that did work
  std::uint64_t busy_polls = 0;

  static StackFigures of(const ShardStats& stats) noexcept;
  /// Adds another core's. The peaks are added too: they need not have been at the same time.
  void merge(const StackFigures& other) noexcept;
};

struct CoreReport {
  std::uint32_t core = 0;  ///< its number in the machine
  LoadResults results;
  StackFigures stack;
};

/// The machine-readable result: the whole run, and `cores` with the same keys for each.
nlohmann::ordered_json load_json(const LoadSettings& settings, std::span<const CoreReport> cores);

/// The final table; several lines, the last one ended.
std::string load_table(const LoadSettings& settings, std::span<const CoreReport> cores);

/// The progress of a run, for a terminal as one line that is written over, otherwise as plain
/// lines.
class LiveLine {
 public:
  LiveLine(const LoadShape& shape, bool terminal) : shape_(shape), terminal_(terminal) {}

  /// What to write now, `elapsed` after the start and later than at the last call. Rates are those
  /// since the last call, percentiles those of the whole run.
  std::string next(const LoadResults& so_far, const StackFigures& stack, Duration elapsed);
  /// What to write after the last line.
  std::string end() const { return terminal_ ? "\n" : ""; }

 private:
  LoadShape shape_;
  bool terminal_;
  std::uint64_t completed_ = 0;
  Duration elapsed_{};
};

}  // namespace mayfly
