#include "lab/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/json_fields.h"
#include "lab/advice.h"
#include "lab/ledger_json.h"
#include "lab/report.h"
#include "lab/series.h"
#include "lab/situations_json.h"
#include "load/plan.h"

namespace mayfly::lab {
namespace {

using Json = nlohmann::ordered_json;

Json maybe(const std::optional<bool>& value) { return value ? Json(*value) : Json(nullptr); }

std::string_view name_of(shard::Closer closer) {
  static constexpr std::array<std::string_view, 3> kNames{"server", "client", "reset"};
  return kNames[static_cast<std::size_t>(closer)];
}

std::string_view name_of(flow::TimeWaitPolicy::OnFull on_full) {
  static constexpr std::array<std::string_view, 3> kNames{"evict_oldest", "refuse", "close"};
  return kNames[static_cast<std::size_t>(on_full)];
}

std::string_view name_of(TimeWaitHolder::End end) {
  static constexpr std::array<std::string_view, 3> kNames{"nobody", "server", "client"};
  return kNames[static_cast<std::size_t>(end)];
}

constexpr auto kOriginFields = std::to_array<JsonField<LabOrigin>>({
    {"version", "text", "", "version of Mayfly",
     [](const LabOrigin& o) -> Json { return o.version; }},
    {"commit", "text", "", "commit that it was built from",
     [](const LabOrigin& o) -> Json { return o.commit; }},
    {"machine", "text", "", "processor and system",
     [](const LabOrigin& o) -> Json { return o.machine; }},
    {"when", "text", "", "time of the run", [](const LabOrigin& o) -> Json { return o.when; }},
    {"config_name", "text", "", "name of the configuration's file",
     [](const LabOrigin& o) -> Json { return o.config_name; }},
    {"config", "text", "", "the configuration itself",
     [](const LabOrigin& o) -> Json { return o.config; }},
});

/// The settings of an experiment that concern TIME_WAIT.
constexpr auto kConditionFields = std::to_array<JsonField<ExperimentSettings>>({
    {"closes_first", "text", "",
     "end that closes first: server, client, or reset for the client's RST",
     [](const ExperimentSettings& s) -> Json { return name_of(s.client.close.first); }},
    {"holder", "text", "", "end that holds the TIME_WAIT: nobody, server or client",
     [](const ExperimentSettings& s) -> Json { return name_of(holder_of(s).end); }},
    {"hold_s", "number", "s", "hold of that end; with `balance` the shortest",
     [](const ExperimentSettings& s) -> Json { return holder_of(s).hold.seconds(); }},
    {"balance", "boolean", "", "whether the hold adapts to the table (time_wait.balance)",
     [](const ExperimentSettings& s) -> Json { return s.server.shard.time_wait.balance; }},
    {"capacity", "number", "entries", "TIME_WAIT entries that the server's cores have room for",
     [](const ExperimentSettings& s) -> Json {
       return std::uint64_t{s.server.shard.time_wait.capacity} * s.server.cores.size();
     }},
    {"on_full", "text", "", "what a full table does: evict_oldest, refuse or close",
     [](const ExperimentSettings& s) -> Json { return name_of(s.server.shard.time_wait.on_full); }},
    {"source_pairs", "number", "sources", "the client's sources: addresses x ports",
     [](const ExperimentSettings& s) -> Json { return usable_sources(s.client.sources); }},
    {"concurrency", "number", "connections", "connections kept open at once; 0 for an open loop",
     [](const ExperimentSettings& s) -> Json { return s.client.load.concurrency; }},
    {"warm_up_s", "number", "s", "time at the start that is not judged",
     [](const ExperimentSettings& s) -> Json {
       return std::max(s.warm_up, s.client.load.ramp).seconds();
     }},
    {"duration_s", "number", "s", "time for which connections are started",
     [](const ExperimentSettings& s) -> Json { return s.client.load.duration.seconds(); }},
});

/// Null where no connection completed.
Json latency(double us) { return us > 0 ? Json(us) : Json(nullptr); }

/// A mean over the judged samples; null without any: nothing was measured then.
Json if_judged(const Judged& judged, double LabFigures::*mean) {
  return judged.figures.judged > 0 ? Json(judged.figures.*mean) : Json(nullptr);
}

constexpr auto kExperimentFields = std::to_array<JsonField<Judged>>({
    {"name", "text", "", "name of the experiment",
     [](const Judged& j) -> Json { return j.run->settings.name; }},
    {"title", "text", "", "its title; its name if it has none",
     [](const Judged& j) -> Json {
       const ExperimentSettings& s = j.run->settings;
       return s.title.empty() ? s.name : s.title;
     }},
    {"situation", "text", "", "situation that it belongs to; null for none",
     [](const Judged& j) -> Json {
       const auto& situation = j.run->settings.situation;
       return situation ? Json(world::name_of(*situation)) : Json(nullptr);
     }},
    {"share", "number", "", "share of the calibration that was offered; 0 if the rate was given",
     [](const Judged& j) -> Json { return j.run->settings.share; }},
    {"story", "number", "", "story of the tour that it belongs to, 1 to 6; 0 for none",
     [](const Judged& j) -> Json { return j.run->settings.story; }},
    {"policy", "text", "", "preset or file that it ran under; may be empty",
     [](const Judged& j) -> Json { return j.run->settings.policy; }},
    {"expect", "text", "", "what was expected: none, flat, bound or collapse",
     [](const Judged& j) -> Json { return name_of(j.run->settings.expect); }},
    {"offered_cps", "number", "connections/s", "rate of the schedule; 0 for a closed loop",
     [](const Judged& j) -> Json { return j.figures.offered; }},
    {"expected_cps", "number", "connections/s",
     "rate that the arithmetic allows; 0 if nothing limits it",
     [](const Judged& j) -> Json { return j.figures.expected; }},
    {"because", "text", "", "that arithmetic in words",
     [](const Judged& j) -> Json { return j.figures.because; }},
});

constexpr auto kMeasuredFields = std::to_array<JsonField<Judged>>({
    {"sustained_cps", "number", "connections/s", "mean rate of completed connections",
     [](const Judged& j) { return if_judged(j, &LabFigures::sustained); }},
    {"swing", "number", "", "standard deviation of that rate over the samples / its mean",
     [](const Judged& j) { return if_judged(j, &LabFigures::swing); }},
    {"flat", "boolean", "", "whether the offered rate was carried without a refused SYN",
     [](const Judged& j) -> Json { return j.figures.is_flat(); }},
    {"p50_us", "number", "us", "median latency of the whole run",
     [](const Judged& j) { return latency(j.figures.p50_us); }},
    {"p99_us", "number", "us", "99th percentile of the latency of the whole run",
     [](const Judged& j) { return latency(j.figures.p99_us); }},
    {"server_peak", "number", "entries", "most TIME_WAIT entries at the server",
     [](const Judged& j) -> Json { return j.figures.server_peak; }},
    {"client_peak", "number", "entries", "most TIME_WAIT entries at the client",
     [](const Judged& j) -> Json { return j.figures.client_peak; }},
    {"peak_time_wait", "number", "entries", "most TIME_WAIT entries of the end that held more",
     [](const Judged& j) -> Json { return j.figures.peak_time_wait; }},
    {"peak_time_wait_bytes", "number", "bytes", "memory that these entries take",
     [](const Judged& j) -> Json { return j.figures.peak_time_wait_bytes; }},
    {"refused", "number", "SYNs/s",
     "mean rate of SYNs that the server dropped because a table was full",
     [](const Judged& j) { return if_judged(j, &LabFigures::refused); }},
    {"reset", "number", "connections/s",
     "mean rate of connections that ended by RST, at either end",
     [](const Judged& j) { return if_judged(j, &LabFigures::reset); }},
    {"failed", "number", "connections/s",
     "mean rate of connections that failed, as the client counts",
     [](const Judged& j) { return if_judged(j, &LabFigures::failed); }},
    {"exhausted", "number", "connections/s", "mean rate of starts that found no free source",
     [](const Judged& j) { return if_judged(j, &LabFigures::exhausted); }},
});

constexpr auto kVerdictFields = std::to_array<JsonField<Judged>>({
    {"interrupted", "boolean", "", "whether the user ended it early; then it is not judged",
     [](const Judged& j) -> Json { return j.run->interrupted; }},
    {"holds", "boolean", "", "whether it did what was expected; null if it was not judged",
     [](const Judged& j) -> Json { return maybe(j.holds); }},
    {"verdict", "text", "", "that in words", [](const Judged& j) -> Json { return j.verdict; }},
    {"runs", "number", "",
     "times it was run, the last is told; 1 unless a run did not do what was expected",
     [](const Judged& j) -> Json { return j.run->runs; }},
    {"samples", "number", "samples", "samples taken, lines of samples.csv",
     [](const Judged& j) -> Json { return j.run->samples.size(); }},
    {"judged_samples", "number", "samples",
     "samples in the means, which leave out warm-up and drain",
     [](const Judged& j) -> Json { return j.figures.judged; }},
    {"extents", "object", "",
     "`min`, `mean` and `max` over all samples of `cps`, `offered`, `server_time_wait`, "
     "`client_time_wait` and, where an end holds TIME_WAITs, `little`: the entries that Little's "
     "law gives",
     [](const Judged& j) -> Json { return extents_json(*j.run); }},
    {"server", "object", "", "the server's whole result, with the keys of serve",
     [](const Judged& j) -> Json { return j.run->server; }},
    {"client", "object", "", "the generator's whole result, with the keys of load",
     [](const Judged& j) -> Json { return j.run->client; }},
});

Json json_of(const Judged& judged) {
  Json json;
  write_fields(json, kExperimentFields, judged);
  write_fields(json, kMeasuredFields, judged);
  write_fields(json, kVerdictFields, judged);
  write_fields(json["conditions"], kConditionFields, judged.run->settings);
  return json;
}

std::vector<const Judged*> of_story(const std::vector<Judged>& experiments, std::uint8_t story) {
  std::vector<const Judged*> own;
  for (const Judged& judged : experiments)
    if (judged.run->settings.story == story) own.push_back(&judged);
  return own;
}

double error_of_bound(const Judged& judged) {
  const LabFigures& f = judged.figures;
  return f.expected > 0 ? std::abs(f.sustained - f.expected) / f.expected : 0;
}

/// The largest of those that were expected to do `expect`; of all if there are none; null without
/// any.
template <class Get>
Json largest(const std::vector<const Judged*>& own, Expectation expect, Get get) {
  std::optional<double> most, most_of_all;
  for (const Judged* judged : own) {
    const double value = get(*judged);
    most_of_all = std::max(most_of_all.value_or(value), value);
    if (judged->run->settings.expect == expect) most = std::max(most.value_or(value), value);
  }
  const auto found = most ? most : most_of_all;
  return found ? Json(*found) : Json(nullptr);
}

/// A story with its experiments.
struct Told {
  const Story& story;
  const std::vector<Judged>& all;
  std::vector<const Judged*> own;
};

Json names_of(const Told& told) {
  Json names = Json::array();
  for (const Judged* judged : told.own) names.push_back(judged->run->settings.name);
  return names;
}

double swing_judged(const Judged& judged) { return judged.figures.swing; }

constexpr auto kStoryFields = std::to_array<JsonField<Told>>({
    {"title", "text", "", "title of the story",
     [](const Told& told) -> Json { return told.story.title; }},
    {"words", "text", "", "what is run and what is to be seen",
     [](const Told& told) -> Json { return told.story.words; }},
    {"holds", "boolean", "",
     "whether all of its experiments did what was expected; null if one was not judged",
     [](const Told& told) -> Json { return maybe(story_holds(told.all, told.story.number)); }},
    {"experiments", "array", "", "names of its experiments", names_of},
});

/// The figure by which a story is judged; each story has its own.
struct StoryFigure {
  std::uint8_t first, last;  // stories
  JsonField<Told> field;
};
constexpr auto kStoryFigures = std::to_array<StoryFigure>({
    {1,
     1,
     {"halved", "boolean", "", "story 1: whether at most half of the offered rate was sustained",
      [](const Told& told) -> Json {
        return std::ranges::all_of(told.own, [](const Judged* j) {
          return j->run->settings.expect != Expectation::collapse ||
                 j->figures.sustained <= kCollapseShare * j->figures.offered;
        });
      }}},
    {1,
     1,
     {"swing", "number", "", "story 1: largest swing of those that were expected to collapse",
      [](const Told& told) { return largest(told.own, Expectation::collapse, swing_judged); }}},
    {2,
     2,
     {"error_of_bound", "number", "",
      "story 2: largest share by which a sustained rate missed what the arithmetic allows",
      [](const Told& told) { return largest(told.own, Expectation::bound, error_of_bound); }}},
    {3,
     6,
     {"swing_max", "number", "",
      "stories 3 to 6: largest swing of those that were expected to be flat",
      [](const Told& told) { return largest(told.own, Expectation::flat, swing_judged); }}},
});

Json json_of(const Story& story, const std::vector<Judged>& experiments) {
  const Told told{story, experiments, of_story(experiments, story.number)};
  Json json;
  write_fields(json, kStoryFields, told);
  for (const StoryFigure& figure : kStoryFigures)
    if (figure.first <= story.number && story.number <= figure.last)
      set_at(json, figure.field.path, figure.field.of(told));
  return json;
}

Json stories_json(const std::vector<Judged>& experiments) {
  Json stories = Json::object();
  for (const Story& story : kStories)
    if (!of_story(experiments, story.number).empty())
      stories[std::to_string(story.number)] = json_of(story, experiments);
  return stories;
}

Json part_of(const Json& end, const char* key) {
  return end.is_object() && end.contains(key) ? end[key] : Json(nullptr);
}

/// The keys of the row with a bad value, which the page marks.
Json marks_of(const PolicyRow& row) {
  Json marks = Json::array();
  if (row.is_judged()) {
    const LabFigures& f = row.figures;
    if (f.sustained < kFlatShare * f.offered) marks.push_back("sustained_cps");
    if (f.swing >= kFlatSwing) marks.push_back("swing");
    if (f.refused > 0) marks.push_back("refused");
  }
  if (row.ledger != nullptr)
    for (const Harm& harm : kHarms)
      if (row.ledger->*harm.count > 0) marks.push_back(harm.key);
  return marks;
}

/// `value` of a row that has an experiment; else null.
template <class Get>
Json if_run(const PolicyRow& row, Get value) {
  return row.run != nullptr ? Json(value(row)) : Json(nullptr);
}

template <class T>
Json figure_of(const PolicyRow& row, T LabFigures::*figure) {
  return row.run != nullptr ? Json(row.figures.*figure) : Json(nullptr);
}

/// Null if no sample was judged.
Json mean_of(const PolicyRow& row, double LabFigures::*mean) {
  return row.figures.judged > 0 ? figure_of(row, mean) : Json(nullptr);
}

constexpr auto kPolicyFields =
    std::to_array<JsonField<PolicyRow>>({
        {"name", "text", "", "name of the policy",
         [](const PolicyRow& row) -> Json { return row.name; }},
        {"experiment", "text", "",
         "name of the experiment that represents it; null if none ran under it",
         [](const PolicyRow& row) {
           return if_run(row, [](const PolicyRow& r) { return r.run->settings.name; });
         }},
        {"interrupted", "boolean", "", "whether the user ended that experiment early",
         [](const PolicyRow& row) -> Json { return row.run != nullptr && row.run->interrupted; }},
        {"flat", "boolean", "",
         "whether the offered rate was carried without a refused SYN; null if none ran",
         [](const PolicyRow& row) {
           return if_run(row, [](const PolicyRow& r) { return r.is_flat(); });
         }},
        {"sustained_cps", "number", "connections/s",
         "mean rate of completed connections; null if none ran",
         [](const PolicyRow& row) { return mean_of(row, &LabFigures::sustained); }},
        {"swing", "number", "", "standard deviation of that rate over the samples / its mean",
         [](const PolicyRow& row) { return mean_of(row, &LabFigures::swing); }},
        {"p99_us", "number", "us", "99th percentile of the latency of the whole run",
         [](const PolicyRow& row) { return latency(row.figures.p99_us); }},
        {"peak_time_wait", "number", "entries", "most TIME_WAIT entries of the end that held more",
         [](const PolicyRow& row) { return figure_of(row, &LabFigures::peak_time_wait); }},
        {"bytes", "number", "bytes", "memory that these entries take",
         [](const PolicyRow& row) { return figure_of(row, &LabFigures::peak_time_wait_bytes); }},
        {"server_bytes", "number", "bytes", "memory of the most entries at the server",
         [](const PolicyRow& row) {
           return if_run(row, [](const PolicyRow& r) {
             return r.figures.server_peak * plan::kTimeWaitBytes;
           });
         }},
        {"client_bytes", "number", "bytes", "memory of the most entries at the client",
         [](const PolicyRow& row) {
           return if_run(row, [](const PolicyRow& r) {
             return r.figures.client_peak * plan::kTimeWaitBytes;
           });
         }},
        {"refused", "number", "SYNs/s",
         "mean rate of SYNs that the server dropped because a table was full",
         [](const PolicyRow& row) { return mean_of(row, &LabFigures::refused); }},
        {"harms", "number", "",
         "harms of the hazard ledger together; null if it was not in the hazard lab",
         [](const PolicyRow& row) -> Json {
           return row.ledger != nullptr ? Json(row.harms()) : Json(nullptr);
         }},
        {"marks", "array", "", "keys of this row with a bad value", marks_of},
        {"time_wait", "object", "", "the server's `time_wait` in that experiment",
         [](const PolicyRow& row) {
           return if_run(row,
                         [](const PolicyRow& r) { return part_of(r.run->server, "time_wait"); });
         }},
        {"client_time_wait", "object", "", "the client's `time_wait` in that experiment",
         [](const PolicyRow& row) {
           return if_run(row,
                         [](const PolicyRow& r) { return part_of(r.run->client, "time_wait"); });
         }},
        {"wire_harm", "object", "", "the server's `harm` in that experiment",
         [](const PolicyRow& row) {
           return if_run(row, [](const PolicyRow& r) { return part_of(r.run->server, "harm"); });
         }},
    });

constexpr auto kAdviceFields = std::to_array<JsonField<Advice>>({
    {"user", "text", "", "kind of user that the advice is for",
     [](const Advice& a) -> Json { return a.user; }},
    {"situation", "text", "", "situation of that user",
     [](const Advice& a) -> Json { return a.situation; }},
    {"policy", "text", "", "recommended policy; null if none of those measured is suitable",
     [](const Advice& a) -> Json { return a.policy.empty() ? Json(nullptr) : Json(a.policy); }},
    {"words", "text", "", "why", [](const Advice& a) -> Json { return a.words; }},
});

Json json_of(const PolicyRow& row) {
  Json json;
  write_fields(json, kPolicyFields, row);
  for (const Harm& harm : kHarms)
    json[std::string(harm.key)] =
        row.ledger != nullptr ? Json(row.ledger->*harm.count) : Json(nullptr);
  return json;
}

}  // namespace

std::string_view name_of(Expectation expectation) {
  static constexpr std::array<std::string_view, 4> kNames{"none", "flat", "bound", "collapse"};
  return kNames[static_cast<std::size_t>(expectation)];
}

std::vector<Judged> judge(const LabResult& result) {
  std::vector<Judged> all;
  for (const ExperimentRun& run : result.experiments) {
    Judged judged{.run = &run, .figures = figures_of(run)};
    const std::optional<LabVerdict> verdict = verdict_on(run.settings, judged.figures);
    if (run.interrupted) {
      judged.verdict = fmt::format("interrupted after {:.1f} s: not judged",
                                   run.samples.empty() ? 0.0 : run.samples.back().t);
    } else if (verdict) {
      judged.holds = verdict->holds;
      judged.verdict = verdict->words;
      if (run.runs > 1) judged.verdict += fmt::format(", in run {} of it", run.runs);
    }
    all.push_back(std::move(judged));
  }
  return all;
}

std::optional<bool> story_holds(const std::vector<Judged>& experiments, std::uint8_t story) {
  bool any = false, open = false;
  for (const Judged* judged : of_story(experiments, story)) {
    if (judged->run->settings.expect == Expectation::none) continue;
    any = true;
    if (!judged->holds)
      open = true;
    else if (!*judged->holds)
      return false;
  }
  if (!any || open) return std::nullopt;
  return true;
}

Json lab_json(const LabResult& result) {
  const std::vector<Judged> experiments = judge(result);
  const std::vector<PolicyRow> policies = policy_rows(result);
  Json json;
  write_fields(json["origin"], kOriginFields, result.origin);
  json["summary"] = summary_words(experiments, policies);
  json["calibration"] = calibration_json(result.calibration);
  json["situations"] = situations_json(result);
  json["experiments"] = Json::array();
  for (const Judged& judged : experiments) json["experiments"].push_back(json_of(judged));
  json["stories"] = stories_json(experiments);
  json["policies"] = Json::array();
  for (const PolicyRow& row : policies) json["policies"].push_back(json_of(row));
  json["hazards"] = ledger_json(result);
  json["advice"] = objects_of(advice_on(policies), kAdviceFields);
  if (result.experiments.size() == 1) {  // a single run has the keys of serve and load too
    json["server"] = result.experiments[0].server;
    json["client"] = result.experiments[0].client;
  }
  return json;
}

std::vector<JsonKey> lab_json_keys() {
  std::vector<JsonKey> keys;
  list_keys(keys, kOriginFields, "origin.");
  keys.push_back({"summary", "text", "", "the whole result in a few sentences"});
  list_situation_keys(keys);
  list_keys(keys, kExperimentFields, "experiments.N.");
  list_keys(keys, kMeasuredFields, "experiments.N.");
  list_keys(keys, kVerdictFields, "experiments.N.");
  list_keys(keys, kConditionFields, "experiments.N.conditions.");
  list_keys(keys, kStoryFields, "stories.N.");
  for (const StoryFigure& figure : kStoryFigures)
    list_keys(keys, std::array{figure.field}, "stories.N.");
  list_keys(keys, kPolicyFields, "policies.N.");
  list_harm_keys(keys, "policies.N.");
  list_ledger_keys(keys);
  list_keys(keys, kAdviceFields, "advice.N.");
  keys.push_back({"server", "object", "", "of a single experiment: its `server`"});
  keys.push_back({"client", "object", "", "of a single experiment: its `client`"});
  return keys;
}

}  // namespace mayfly::lab
