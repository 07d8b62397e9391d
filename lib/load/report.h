// The output of a generator run: a line each second, a table at the end, and JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "base/result.h"
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
  std::string plan;          ///< the same for all parts of a plan
  Duration began{};          ///< the first intended start, as time since 1970
};

/// What the words of a report need to know of the load.
struct RunFacts {
  std::string target;  ///< "198.18.0.1 port 80"
  bool is_closed_loop = false;
  std::string left_out;    ///< what the percentiles of a closed loop cannot hold
  std::string arithmetic;  ///< arithmetic_of() the plan
};
RunFacts facts_of(const ClientSettings& settings);

/// A run as load_json() wrote it.
struct PartReport {
  Share part;
  std::string plan;
  Duration began{};
  RunFacts facts;
  bool interrupted = false;
  CoreReport total;
};

/// The machine-readable result: the whole run, and `cores` with the same keys for each. `settings`
/// are those of the whole plan, of which this may be a part.
nlohmann::ordered_json load_json(const ClientSettings& settings, std::span<const CoreReport> cores,
                                 const RunEnd& end = {});

/// Every key that load_json may write, for doc/json.md.
std::vector<JsonKey> load_json_keys();

/// Reads what load_json() wrote. An error says what is wrong with it.
Result<PartReport> read_report(const nlohmann::ordered_json& json);
/// One result of the parts of a plan, at least one: as load_json(), with `parts` instead of
/// `cores`.
nlohmann::ordered_json merged_json(std::span<const PartReport> parts);

/// The final table: several lines, each with a line break.
std::string load_table(const RunFacts& facts, std::span<const CoreReport> cores,
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
