// A shard's counters as JSON: the machine-readable result of serve, and of the server's side of the
// lab.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "flow/metrics.h"

namespace mayfly {

/// A copy of one core's counters, or the sum of several.
using StatsSnapshot = ShardStats;

/// Sums plain counts; peaks and present numbers are summed too, since each core has its own table.
/// The hold is the longest of all cores'.
StatsSnapshot sum_of(std::span<const StatsSnapshot> cores);

/// Connections that ended as TCP means it: both FINs exchanged.
std::uint64_t completed_of(const StatsSnapshot& stats);

/// The `serve` keys. `active`: from the first connection to the last, the base of `cps`.
nlohmann::ordered_json server_json(std::span<const StatsSnapshot> cores, Duration active);

/// Writes `json` to the file, or standard output for "-". Empty = well; else why not.
std::string write_json(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace mayfly
