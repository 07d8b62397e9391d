#include "lab/situations_json.h"

#include "lab/ledger_json.h"
#include "lab/situations.h"
#include "lab/words.h"
#include "load/plan.h"
#include "plan/demand.h"

namespace mayfly::lab {
namespace {

using Json = nlohmann::ordered_json;

/// A policy's row with what it is compared with.
struct Line {
  const SituationRow& row;
  const SituationTable& table;
  const Calibration& calibration;
};

Json maybe(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

/// A figure of the run; null if nothing was judged.
template <class Get>
Json if_judged(const Line& line, Get get) {
  return line.row.is_judged() ? Json(get(line.row.figures)) : Json(nullptr);
}
template <class Get>
Json if_simulated(const Line& line, Get get) {
  return line.row.ledger != nullptr ? Json(get(*line.row.ledger)) : Json(nullptr);
}

/// Keys of the row with a bad value, which the page marks.
Json marks_of(const Line& line) {
  Json marks = Json::array();
  if (line.row.is_judged()) {
    const LabFigures& f = line.row.figures;
    if (f.sustained < kCarriesShare * line.table.best_cps) marks.push_back("sustained_cps");
    if (f.swing >= kFlatSwing) marks.push_back("swing");
    if (f.refused > 0) marks.push_back("refused");
    if (f.exhausted > 0) marks.push_back("exhausted");
  }
  if (const world::LedgerRow* ledger = line.row.ledger; ledger != nullptr) {
    if (ledger->kept_out > 0) marks.push_back("kept_out");
    if (ledger->kept_out_longest.seconds() > kPatienceSeconds)
      marks.push_back("kept_out_longest_s");
    for (const Harm& harm : kHarms)
      if (ledger->*harm.count > 0) marks.push_back(harm.key);
  }
  return marks;
}

constexpr auto kLineFields = std::to_array<JsonField<Line>>({
    {"policy", "text", "", "name of the policy",
     [](const Line& line) -> Json { return line.row.policy; }},
    {"experiment", "text", "", "name of its experiment at line rate; null if it did not run",
     [](const Line& line) -> Json {
       return line.row.run != nullptr ? Json(line.row.run->settings.name) : Json(nullptr);
     }},
    {"sustained_cps", "number", "connections/s", "at line rate: mean rate of completed connections",
     [](const Line& line) {
       return if_judged(line, [](const LabFigures& f) { return f.sustained; });
     }},
    {"of_calibration", "number", "", "that rate as a share of the calibration",
     [](const Line& line) -> Json {
       if (!line.row.is_judged() || line.calibration.cps <= 0) return nullptr;
       return line.row.figures.sustained / line.calibration.cps;
     }},
    {"swing", "number", "",
     "at line rate: standard deviation of the rate over its samples / its "
     "mean",
     [](const Line& line) { return if_judged(line, [](const LabFigures& f) { return f.swing; }); }},
    {"p99_us", "number", "us", "at line rate: 99th percentile of the latency of the whole run",
     [](const Line& line) -> Json {
       const double us = line.row.figures.p99_us;
       return line.row.is_judged() && us > 0 ? Json(us) : Json(nullptr);
     }},
    {"refused", "number", "SYNs/s",
     "at line rate: mean rate of SYNs that the server dropped because a table was full",
     [](const Line& line) {
       return if_judged(line, [](const LabFigures& f) { return f.refused; });
     }},
    {"exhausted", "number", "connections/s",
     "at line rate: mean rate of starts that found no free source port",
     [](const Line& line) {
       return if_judged(line, [](const LabFigures& f) { return f.exhausted; });
     }},
    {"failed", "number", "connections/s",
     "at line rate: mean rate of connections that failed, as the client counts",
     [](const Line& line) {
       return if_judged(line, [](const LabFigures& f) { return f.failed; });
     }},
    {"server_time_wait", "number", "entries", "at line rate: most TIME_WAIT entries at the server",
     [](const Line& line) {
       return if_judged(line, [](const LabFigures& f) { return f.server_peak; });
     }},
    {"server_bytes", "number", "bytes", "memory of these",
     [](const Line& line) {
       return if_judged(line,
                        [](const LabFigures& f) { return f.server_peak * plan::kTimeWaitBytes; });
     }},
    {"client_time_wait", "number", "entries", "at line rate: most TIME_WAIT entries at the client",
     [](const Line& line) {
       return if_judged(line, [](const LabFigures& f) { return f.client_peak; });
     }},
    {"client_bytes", "number", "bytes", "memory of these",
     [](const Line& line) {
       return if_judged(line,
                        [](const LabFigures& f) { return f.client_peak * plan::kTimeWaitBytes; });
     }},
});

constexpr auto kSimulatedFields = std::to_array<JsonField<Line>>({
    {"connections", "number", "connections", "simulated: connections that the clients began",
     [](const Line& line) {
       return if_simulated(line, [](const world::LedgerRow& row) { return row.connections; });
     }},
    {"kept_out", "number", "connections",
     "simulated: newcomers whose SYN met silence, or a refusal after their reset",
     [](const Line& line) {
       return if_simulated(line, [](const world::LedgerRow& row) { return row.kept_out; });
     }},
    {"kept_out_per_million", "number", "", "the same in a million connections",
     [](const Line& line) { return maybe(per_million(line.row, &world::LedgerRow::kept_out)); }},
    {"kept_out_longest_s", "number", "s", "simulated: longest time for which one was kept out",
     [](const Line& line) {
       return if_simulated(
           line, [](const world::LedgerRow& row) { return row.kept_out_longest.seconds(); });
     }},
    {"harms", "number", "", "simulated: all harms together",
     [](const Line& line) {
       return if_simulated(line, [](const world::LedgerRow& row) { return row.harms(); });
     }},
    {"harms_per_million", "number", "", "the same in a million connections",
     [](const Line& line) -> Json {
       if (line.row.ledger == nullptr) return nullptr;
       return maybe(harms_per_million(*line.row.ledger));
     }},
    {"marks", "array", "", "keys of this row with a bad value", marks_of},
});

struct Scene {
  const SituationTable& table;
  const Calibration& calibration;

  const SituationWords& words() const {
    return kSituationWords[static_cast<std::size_t>(table.situation)];
  }
};

Json policies_of(const Scene& scene) {
  Json policies = Json::array();
  for (const SituationRow& row : scene.table.rows) {
    Json json;
    const Line line{row, scene.table, scene.calibration};
    write_fields(json, kLineFields, line);
    write_fields(json, kSimulatedFields, line);
    for (const Harm& harm : kHarms)
      json["per_million"][std::string(harm.key)] = maybe(per_million(row, harm.count));
    policies.push_back(std::move(json));
  }
  return policies;
}

/// A figure that all experiments of the situation share; null if none ran.
template <class Get>
Json shared(const Scene& scene, Get get) {
  for (const SituationRow& row : scene.table.rows)
    if (row.run != nullptr) return get(row.run->settings);
  return nullptr;
}

constexpr auto kSituationFields = std::to_array<JsonField<Scene>>({
    {"name", "text", "", "name of the situation",
     [](const Scene& scene) -> Json { return world::name_of(scene.table.situation); }},
    {"title", "text", "", "the situation in a few words",
     [](const Scene& scene) -> Json { return scene.words().title; }},
    {"words", "text", "", "who is in it",
     [](const Scene& scene) -> Json { return scene.words().who; }},
    {"at_line_rate", "text", "", "what its experiments do; may be empty",
     [](const Scene& scene) -> Json {
       return scene.table.settings != nullptr ? scene.table.settings->title : std::string();
     }},
    {"simulated", "text", "", "what the simulator does in it",
     [](const Scene& scene) -> Json { return scene.words().simulated; }},
    {"policy", "text", "", "recommended policy; null if nothing was measured",
     [](const Scene& scene) -> Json {
       return scene.table.policy.empty() ? Json(nullptr) : Json(scene.table.policy);
     }},
    {"why", "text", "", "why this one",
     [](const Scene& scene) -> Json { return scene.table.words; }},
    {"command", "text", "", "the command that serves with it",
     [](const Scene& scene) -> Json { return scene.table.command; }},
    {"offered_cps", "number", "connections/s", "rate offered to every policy; null if none ran",
     [](const Scene& scene) {
       return shared(scene, [](const ExperimentSettings& s) -> Json { return s.client.load.rate; });
     }},
    {"share", "number", "", "that rate as a share of the calibration; null if none ran",
     [](const Scene& scene) {
       return shared(scene, [](const ExperimentSettings& s) -> Json { return s.share; });
     }},
    {"clock", "number", "", "the holds of all policies were divided by it; null if none ran",
     [](const Scene& scene) -> Json {
       return scene.table.settings != nullptr ? Json(scene.table.settings->clock) : Json(nullptr);
     }},
    {"capacity", "number", "entries", "TIME_WAIT entries of the server under every policy",
     [](const Scene& scene) {
       return shared(scene, [](const ExperimentSettings& s) -> Json {
         return std::uint64_t{s.server.shard.time_wait.capacity} * s.server.cores.size();
       });
     }},
    {"source_pairs", "number", "sources", "the client's sources under every policy",
     [](const Scene& scene) {
       return shared(scene, [](const ExperimentSettings& s) -> Json {
         return usable_sources(s.client.sources);
       });
     }},
});

constexpr auto kCalibrationFields = std::to_array<JsonField<Calibration>>({
    {"experiment", "text", "", "experiment that measured what this machine carries",
     [](const Calibration& c) -> Json { return c.experiment; }},
    {"cps", "number", "connections/s",
     "that rate, without TIME_WAIT: the median of its samples; null if connections failed",
     [](const Calibration& c) -> Json { return c.cps > 0 ? Json(c.cps) : Json(nullptr); }},
});

}  // namespace

Json situations_json(const LabResult& result) {
  Json situations = Json::array();
  for (const SituationTable& table : situation_tables(result)) {
    const Scene scene{table, result.calibration};
    Json json;
    write_fields(json, kSituationFields, scene);
    json["policies"] = policies_of(scene);
    situations.push_back(std::move(json));
  }
  return situations;
}

Json calibration_json(const Calibration& calibration) {
  if (calibration.experiment.empty()) return nullptr;
  Json json;
  write_fields(json, kCalibrationFields, calibration);
  return json;
}

void list_situation_keys(std::vector<JsonKey>& keys) {
  list_keys(keys, kCalibrationFields, "calibration.");
  list_keys(keys, kSituationFields, "situations.N.");
  list_keys(keys, kLineFields, "situations.N.policies.N.");
  list_keys(keys, kSimulatedFields, "situations.N.policies.N.");
  list_harm_keys(keys, "situations.N.policies.N.per_million.");
}

}  // namespace mayfly::lab
