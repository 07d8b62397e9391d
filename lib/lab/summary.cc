#include "lab/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/advice.h"
#include "lab/report.h"
#include "lab/series.h"
#include "load/plan.h"

namespace mayfly {
namespace {

using Json = nlohmann::ordered_json;

Json maybe(const std::optional<bool>& value) { return value ? Json(*value) : Json(nullptr); }

std::string_view name_of(Closer closer) {
  static constexpr std::array<std::string_view, 3> kNames{"server", "client", "reset"};
  return kNames[static_cast<std::size_t>(closer)];
}

std::string_view name_of(TimeWaitPolicy::OnFull on_full) {
  static constexpr std::array<std::string_view, 3> kNames{"evict_oldest", "refuse", "close"};
  return kNames[static_cast<std::size_t>(on_full)];
}

std::string_view name_of(TimeWaitHolder::End end) {
  static constexpr std::array<std::string_view, 3> kNames{"nobody", "server", "client"};
  return kNames[static_cast<std::size_t>(end)];
}

Json json_of(const LabOrigin& origin) {
  return {{"version", origin.version},         {"commit", origin.commit},
          {"machine", origin.machine},         {"when", origin.when},
          {"config_name", origin.config_name}, {"config", origin.config}};
}

/// What an experiment was run with, as far as TIME_WAIT goes.
Json conditions_of(const ExperimentSettings& s) {
  const TimeWaitHolder holder = holder_of(s);
  return {{"closes_first", name_of(s.client.close.first)},
          {"holder", name_of(holder.end)},
          {"hold_s", holder.hold.seconds()},
          {"balance", s.server.time_wait.balance},
          {"capacity", std::uint64_t{s.server.time_wait.capacity} * s.server.cores.size()},
          {"on_full", name_of(s.server.time_wait.on_full)},
          {"source_pairs", usable_pairs(s.client.sources)},
          {"concurrency", s.client.load.concurrency},
          {"warm_up_s", std::max(s.warm_up, s.client.load.ramp).seconds()},
          {"duration_s", s.client.load.duration.seconds()}};
}

Json json_of(const Judged& judged) {
  const ExperimentSettings& s = judged.run->settings;
  const LabFigures& f = judged.figures;
  return {{"name", s.name},
          {"title", s.title.empty() ? s.name : s.title},
          {"story", s.story},
          {"policy", s.policy},
          {"conditions", conditions_of(s)},
          {"expect", name_of(s.expect)},
          {"offered_cps", f.offered},
          {"expected_cps", f.expected},
          {"because", f.because},
          {"sustained_cps", f.sustained},
          {"swing", f.swing},
          {"flat", f.is_flat()},
          {"p50_us", f.p50_us},
          {"p99_us", f.p99_us},
          {"peak_time_wait", f.peak_time_wait},
          {"peak_time_wait_bytes", f.peak_time_wait_bytes},
          {"refused", f.refused},
          {"reset", f.reset},
          {"failed", f.failed},
          {"exhausted", f.exhausted},
          {"interrupted", judged.run->interrupted},
          {"holds", maybe(judged.holds)},
          {"verdict", judged.verdict},
          {"samples", judged.run->samples.size()},
          {"judged_samples", f.judged},
          {"extents", extents_json(*judged.run)},
          {"server", judged.run->server},
          {"client", judged.run->client}};
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

/// The largest of those that were to do `expect`, of all if none was; null without any.
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

Json json_of(const Story& story, const std::vector<Judged>& experiments) {
  const std::vector<const Judged*> own = of_story(experiments, story.number);
  const auto swing = [](const Judged& j) { return j.figures.swing; };
  Json json{{"title", story.title},
            {"words", story.words},
            {"holds", maybe(story_holds(experiments, story.number))},
            {"experiments", Json::array()}};
  for (const Judged* judged : own) json["experiments"].push_back(judged->run->settings.name);
  if (story.number == 1) {
    json["halved"] = std::ranges::all_of(own, [](const Judged* j) {
      return j->run->settings.expect != Expectation::collapse ||
             j->figures.sustained <= kCollapseShare * j->figures.offered;
    });
    json["swing"] = largest(own, Expectation::collapse, swing);
  } else if (story.number == 2) {
    json["error_of_bound"] = largest(own, Expectation::bound, error_of_bound);
  } else {
    json["swing_max"] = largest(own, Expectation::flat, swing);
  }
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

/// The keys of the row that a reader has to be warned of.
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

Json json_of(const PolicyRow& row) {
  const bool ran = row.run != nullptr;
  const auto figure = [&](const auto& value) { return ran ? Json(value) : Json(nullptr); };
  const LabFigures& f = row.figures;
  Json json{{"name", row.name},
            {"experiment", ran ? Json(row.run->settings.name) : Json(nullptr)},
            {"interrupted", ran && row.run->interrupted},
            {"flat", ran ? Json(row.is_flat()) : Json(nullptr)},
            {"sustained_cps", figure(f.sustained)},
            {"swing", figure(f.swing)},
            {"p99_us", figure(f.p99_us)},
            {"peak_time_wait", figure(f.peak_time_wait)},
            {"bytes", figure(f.peak_time_wait_bytes)},
            {"refused", figure(f.refused)}};
  for (const Harm& harm : kHarms)
    json[std::string(harm.key)] =
        row.ledger != nullptr ? Json(row.ledger->*harm.count) : Json(nullptr);
  json["harms"] = row.ledger != nullptr ? Json(row.harms()) : Json(nullptr);
  json["marks"] = marks_of(row);
  json["time_wait"] = ran ? part_of(row.run->server, "time_wait") : Json(nullptr);
  json["client_time_wait"] = ran ? part_of(row.run->client, "time_wait") : Json(nullptr);
  json["wire_harm"] = ran ? part_of(row.run->server, "harm") : Json(nullptr);
  return json;
}

Json hazards_json(const LabResult& result) {
  Json ledger = Json::array();
  for (const LedgerRow& row : result.ledger) {
    Json line{
        {"policy", row.policy}, {"connections", row.connections}, {"completed", row.completed}};
    for (const Harm& harm : kHarms) line[std::string(harm.key)] = row.*harm.count;
    line["harms"] = row.harms();
    line["challenges"] = row.challenges;
    line["peak_time_wait"] = row.peak_time_wait;
    ledger.push_back(std::move(line));
  }
  Json legend = Json::array();
  for (const Harm& harm : kHarms)
    legend.push_back({{"key", harm.key},
                      {"title", harm.title},
                      {"meaning", harm.meaning},
                      {"clause", harm.clause}});
  return {{"seed", result.hazard_seed}, {"ledger", ledger}, {"legend", legend}};
}

Json advice_json(const std::vector<PolicyRow>& policies) {
  Json json = Json::array();
  for (const Advice& advice : advice_on(policies))
    json.push_back({{"user", advice.user},
                    {"situation", advice.situation},
                    {"policy", advice.policy.empty() ? Json(nullptr) : Json(advice.policy)},
                    {"words", advice.words}});
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
  Json json{{"origin", json_of(result.origin)},
            {"summary", summary_words(experiments, policies)},
            {"experiments", Json::array()}};
  for (const Judged& judged : experiments) json["experiments"].push_back(json_of(judged));
  json["stories"] = stories_json(experiments);
  json["policies"] = Json::array();
  for (const PolicyRow& row : policies) json["policies"].push_back(json_of(row));
  json["hazards"] = hazards_json(result);
  json["advice"] = advice_json(policies);
  if (result.experiments.size() == 1) {  // a single run is read like those of serve and load
    json["server"] = result.experiments[0].server;
    json["client"] = result.experiments[0].client;
  }
  return json;
}

}  // namespace mayfly
