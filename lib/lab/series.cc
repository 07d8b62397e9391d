#include "lab/series.h"

#include <algorithm>
#include <numeric>

#include "lab/evaluate.h"

namespace mayfly::lab {

namespace {

template <auto kMember>
double value_of(const LabSample& sample) {
  return static_cast<double>(sample.*kMember);
}

}  // namespace

const std::array<SampleColumn, 19> kSampleColumns{{
    {"t", value_of<&LabSample::t>},
    {"cps", value_of<&LabSample::cps>},
    {"offered", value_of<&LabSample::offered>},
    {"refused", value_of<&LabSample::refused>},
    {"reset", value_of<&LabSample::reset>},
    {"failed", value_of<&LabSample::failed>},
    {"exhausted", value_of<&LabSample::exhausted>},
    {"server_time_wait", value_of<&LabSample::server_time_wait>},
    {"client_time_wait", value_of<&LabSample::client_time_wait>},
    {"server_open", value_of<&LabSample::server_open>},
    {"client_open", value_of<&LabSample::client_open>},
    {"server_hold", value_of<&LabSample::server_hold>},
    {"p50_us", value_of<&LabSample::p50_us>},
    {"p99_us", value_of<&LabSample::p99_us>},
    {"p999_us", value_of<&LabSample::p999_us>},
    {"server_busy", value_of<&LabSample::server_busy>},
    {"client_busy", value_of<&LabSample::client_busy>},
    {"server_half_open", value_of<&LabSample::server_half_open>},
    {"server_closing", value_of<&LabSample::server_closing>},
}};

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kChartSamples = 100;
constexpr std::array<std::string_view, 5> kCharted{"t", "cps", "offered", "server_time_wait",
                                                   "client_time_wait"};

/// What the chart of states needs beside these.
constexpr std::array<std::string_view, 4> kStates{"server_open", "server_half_open",
                                                  "server_closing", "client_open"};

const SampleColumn& column(std::string_view name) {
  return *std::ranges::find(kSampleColumns, name, &SampleColumn::name);
}

/// Connections completed until each sample, the first from 0 s on.
std::vector<double> completed_until(const std::vector<LabSample>& samples) {
  std::vector<double> until;
  double sum = 0, before = 0;
  for (const LabSample& s : samples) {
    sum += s.cps * (s.t - before);
    before = s.t;
    until.push_back(sum);
  }
  return until;
}

/// `until` at a time between two samples, on the straight line between them.
double completed_at(const std::vector<LabSample>& samples, const std::vector<double>& until,
                    double t) {
  if (t <= 0) return 0;
  const auto after = std::ranges::lower_bound(samples, t, {}, &LabSample::t);
  if (after == samples.end()) return until.back();
  return until[static_cast<std::size_t>(after - samples.begin())] - after->cps * (after->t - t);
}

Json extent_of(const std::vector<double>& values) {
  const auto [least, most] = std::ranges::minmax(values);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {{"min", least}, {"mean", sum / static_cast<double>(values.size())}, {"max", most}};
}

}  // namespace

std::vector<double> little_entries(const ExperimentRun& run) {
  const TimeWaitHolder holder = holder_of(run.settings);
  if (holder.hold <= Duration{}) return {};
  const bool moves =
      holder.end == TimeWaitHolder::End::server && run.settings.server.shard.time_wait.balance;
  const std::vector<double> until = completed_until(run.samples);
  std::vector<double> entries;
  for (std::size_t i = 0; i < run.samples.size(); ++i) {
    const LabSample& s = run.samples[i];
    const double hold = moves ? s.server_hold : holder.hold.seconds();
    entries.push_back(until[i] - completed_at(run.samples, until, s.t - hold));
  }
  return entries;
}

std::vector<std::size_t> thinned(const std::vector<LabSample>& samples, std::size_t most) {
  std::vector<std::size_t> kept(samples.size());
  std::iota(kept.begin(), kept.end(), std::size_t{0});
  if (samples.size() <= most) return kept;
  const std::size_t stretches = most / 2;
  std::vector<std::size_t> few;
  for (std::size_t i = 0; i < stretches; ++i) {
    const auto begin = kept.begin() + static_cast<std::ptrdiff_t>(i * samples.size() / stretches);
    const auto end =
        kept.begin() + static_cast<std::ptrdiff_t>((i + 1) * samples.size() / stretches);
    const auto [low, high] = std::minmax_element(
        begin, end, [&](std::size_t a, std::size_t b) { return samples[a].cps < samples[b].cps; });
    few.push_back(std::min(*low, *high));
    if (*low != *high) few.push_back(std::max(*low, *high));
  }
  return few;
}

Json chart_json(const ExperimentRun& run) {
  const std::vector<std::size_t> kept = thinned(run.samples, kChartSamples);
  const std::vector<double> little = little_entries(run);
  Json json;
  for (const std::string_view name : kCharted) {
    Json values = Json::array();
    for (const std::size_t i : kept) values.push_back(column(name).of(run.samples[i]));
    json[std::string(name)] = std::move(values);
  }
  for (const std::string_view name : kStates) {
    Json values = Json::array();
    for (const std::size_t i : kept) values.push_back(column(name).of(run.samples[i]));
    json[std::string(name)] = std::move(values);
  }
  if (run.client.is_object() && run.client.contains("latency_us"))
    json["latency"] = run.client["latency_us"];
  json["little"] = Json::array();
  if (!little.empty())
    for (const std::size_t i : kept) json["little"].push_back(little[i]);
  return json;
}

Json extents_json(const ExperimentRun& run) {
  Json json = Json::object();
  if (run.samples.empty()) return json;
  for (const std::string_view name : kCharted) {
    if (name == "t") continue;
    std::vector<double> values;
    for (const LabSample& s : run.samples) values.push_back(column(name).of(s));
    json[std::string(name)] = extent_of(values);
  }
  if (const std::vector<double> little = little_entries(run); !little.empty())
    json["little"] = extent_of(little);
  return json;
}

}  // namespace mayfly::lab
