// mayfly merge: one report of the parts that several hosts made of a plan.
#include "load/merge.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "admin/stats_json.h"
#include "commands.h"
#include "print.h"
#include "run/preflight.h"

namespace mayfly::app {
namespace {

Result<load::PartReport> read_part(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{fmt::format("{}: cannot be read", path), ErrorKind::usage};
  const auto json = nlohmann::ordered_json::parse(file, nullptr, false);
  if (json.is_discarded()) return Error{fmt::format("{}: is no JSON", path), ErrorKind::usage};
  auto report = load::read_report(json);
  if (!report) return Error{fmt::format("{}: {}", path, report.error().what), ErrorKind::usage};
  return report;
}

Result<load::Gathered> gather_files(const std::vector<std::string>& paths) {
  std::vector<load::NamedPart> parts;
  for (const std::string& path : paths) {
    auto report = read_part(path);
    if (!report) return report.error();
    parts.push_back({path, *std::move(report)});
  }
  return load::gather(std::move(parts));
}

}  // namespace

int merge_command(const MergeOptions& options) {
  if (const auto writes = run::check_output(options.json); !writes) return fail(writes.error());
  const auto gathered = gather_files(options.files);
  if (!gathered) return fail(gathered.error());
  std::vector<load::CoreReport> totals;
  bool failed = !gathered->missing.empty(), interrupted = false;
  for (const load::PartReport& part : gathered->parts) {
    totals.push_back(part.total);
    interrupted |= part.interrupted;
    failed |= part.interrupted || part.total.results.counters.failed_total() > 0;
  }
  const load::PartReport& first = gathered->parts.front();
  fmt::print("{} of {} parts, which began within {:.3g} ms of each other\n{}",
             gathered->parts.size(), first.part.count, gathered->spread.seconds() * 1e3,
             load_table(first.facts, totals, {.interrupted = interrupted}));
  if (!options.json.empty())
    if (const auto written = admin::write_json(options.json, load::merged_json(gathered->parts));
        !written)
      return fail(written.error());
  if (!gathered->missing.empty()) fmt::print(stderr, "mayfly: {}\n", missing_in_words(*gathered));
  return failed ? kRunFailed : kOk;
}

}  // namespace mayfly::app
