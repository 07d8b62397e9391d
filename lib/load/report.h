// The output of a generator run: a line each second, a table at the end, and JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "flow/metrics.h"
#include "load/results.h"
#include "load/settings.h"

namespace mayfly::load {

/// The results of one core.
struct CoreReport {
  std::uint32_t core = 0;  ///< its number in the machine
  LoadResults results;
  flow::ShardStats stack;  ///< the counters of its stack in the same run
};

/// How the whole run went.
struct RunEnd {
  bool interrupted = false;  ///< it was ended before its time
};

/// The machine-readable result: the whole run, and `cores` with the same keys for each.
nlohmann::ordered_json load_json(const ClientSettings& settings, std::span<const CoreReport> cores,
                                 const RunEnd& end = {});

/// Every key that load_json may write, for doc/json.md.
std::vector<JsonKey> load_json_keys();

/// The final table: several lines, each with a line break.
std::string load_table(const ClientSettings& settings, std::span<const CoreReport> cores,
                       const RunEnd& end = {});

/// The progress of a run: on a terminal one line that is overwritten, otherwise plain lines.
class LiveLine {
 public:
  LiveLine(const LoadShape& shape, bool terminal) : shape_(shape), terminal_(terminal) {}

  /// The text to write at `elapsed` after the start; `elapsed` rises from call to call. Rates are
  /// those since the last call, percentiles those of the whole run.
  std::string next(const LoadResults& so_far, const flow::ShardStats& stack, Duration elapsed);
  /// The text to write after the last line.
  std::string end() const { return terminal_ ? "\n" : ""; }

 private:
  LoadShape shape_;
  bool terminal_;
  std::uint64_t completed_ = 0;
  Duration elapsed_{};
};

}  // namespace mayfly::load
