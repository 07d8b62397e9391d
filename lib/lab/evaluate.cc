#include "lab/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lab/words.h"
#include "load/plan.h"
#include "load/schedule.h"

namespace mayfly::lab {
namespace {

using End = TimeWaitHolder::End;

template <class Get>
double mean(const std::vector<LabSample>& samples, Get get) {
  if (samples.empty()) return 0;
  double sum = 0;
  for (const LabSample& s : samples) sum += get(s);
  return sum / static_cast<double>(samples.size());
}

double swing_of(const std::vector<LabSample>& samples, double sustained) {
  if (sustained <= 0) return 0;
  const double variance =
      mean(samples, [&](const LabSample& s) { return (s.cps - sustained) * (s.cps - sustained); });
  return std::sqrt(variance) / sustained;
}

/// A number deep in a result of serve or load; 0 where there is none.
double number_at(const nlohmann::ordered_json& json, const std::string& group,
                 const std::string& key) {
  if (!json.is_object() || !json.contains(group) || !json[group].is_object()) return 0;
  const auto found = json[group].find(key);
  return found != json[group].end() && found->is_number() ? found->get<double>() : 0;
}

/// The most entries of one end: as it counted them, or as a sample saw them.
std::uint64_t peak_of(const ExperimentRun& run, const nlohmann::ordered_json& end,
                      std::uint64_t LabSample::*entries) {
  auto peak = static_cast<std::uint64_t>(number_at(end, "time_wait", "peak"));
  for (const LabSample& s : run.samples) peak = std::max(peak, s.*entries);
  return peak;
}

/// The lifetime of an entry under the policy if the peer has this address.
template <class Address>
Duration hold_under(const flow::TimeWaitPolicy& policy, const tcp::TcpSettings& tcp,
                    const Address& peer) {
  Duration hold = policy.hold;
  const auto near = std::ranges::find_if(
      policy.nearness, [&](const flow::NearPrefix& each) { return each.prefix.covers(peer); });
  if (near != policy.nearness.end()) hold = near->hold;
  // RTO is at its least on a wire as short as the lab's (RFC 6298 2.4).
  if (policy.recycle && tcp.timestamps) hold = std::min(hold, tcp.rto_min * 7 / 2);
  if (policy.balance) hold = std::min(hold, policy.floor);
  return hold;
}

End end_that_holds(const LabPair& pair) {
  const shard::Closer first = pair.client.close.first;
  if (first == shard::Closer::reset || pair.server.close.abort) return End::nobody;
  const flow::TimeWaitPolicy &server = pair.server.shard.time_wait,
                             &client = pair.client.shard.time_wait;
  using OnRst = tcp::TimeWaitRules::OnRst;
  // Faber, Touch and Yue 1999, 4: the end that closes second takes the TIME_WAIT over.
  if (first == shard::Closer::server)
    return client.hand_over && server.rules.rst == OnRst::accept ? End::client : End::server;
  return server.hand_over && client.rules.rst == OnRst::accept ? End::server : End::client;
}

/// The client's source is also free again after reuse_delay, if the generator may reuse it.
Duration client_hold(const load::ClientSettings& client) {
  const auto hold_for = [&](const auto& peer) {
    return hold_under(client.shard.time_wait, client.shard.tcp, peer);
  };
  const Duration hold =
      client.target.six ? hold_for(*client.target.six) : hold_for(client.target.address);
  const bool reuses = client.shard.time_wait.reuse == 1 && client.shard.tcp.timestamps;
  return reuses ? std::min(hold, client.shard.time_wait.reuse_delay) : hold;
}

/// Connections that the load can start at most. max() = that is not known beforehand.
double starts_of(const load::LoadShape& shape) {
  if (shape.connections > 0) return static_cast<double>(shape.connections);
  if (shape.concurrency > 0 || shape.duration <= Duration{})
    return std::numeric_limits<double>::max();
  return shape.rate * shape.duration.seconds();
}

Bound divided(std::uint64_t things, const char* name, Duration hold) {
  const double cps = static_cast<double>(things) / hold.seconds();
  return {cps, fmt::format("{} {} / {:.6g} s = {}/s", load::grouped(things), name, hold.seconds(),
                           load::grouped(cps))};
}

/// The rate that the end with the TIME_WAIT allows (Little's law: entries = rate x hold).
Bound bound_of_holder(const LabPair& pair) {
  const TimeWaitHolder holder = holder_of(pair);
  if (holder.end == End::nobody || holder.hold <= Duration{}) return {};
  const std::uint64_t pairs = usable_sources(pair.client.sources);
  const double starts = starts_of(pair.client.load);
  if (holder.end == End::client && starts <= static_cast<double>(pairs)) return {};
  if (holder.end == End::client) return divided(pairs, "sources", holder.hold);
  const flow::TimeWaitPolicy& policy = pair.server.shard.time_wait;
  const std::uint64_t capacity = std::uint64_t{policy.capacity} * pair.server.cores.size();
  // An entry is a four-tuple, and where a SYN may end it, a table with room for all never fills.
  const bool room_for_all =
      pairs <= capacity && policy.rules.reopen != tcp::TimeWaitRules::Reopen::off;
  if (policy.on_full != flow::TimeWaitPolicy::OnFull::refuse || room_for_all ||
      starts <= static_cast<double>(capacity))
    return {};
  return divided(capacity, "entries", holder.hold);
}

std::string measured_words(const LabFigures& f) {
  std::string words = shown(f.sustained) + "/s";
  if (f.offered > 0) words += fmt::format(" of {}/s offered", load::grouped(f.offered));
  words += fmt::format(", unevenness {:.2f}", f.swing);
  if (f.refused > 0) words += fmt::format(", {}/s refused", shown(f.refused));
  return words;
}

LabVerdict bound_verdict(const LabFigures& f) {
  if (f.expected <= 0) return {false, "nothing limits this rate, so there is no bound"};
  const double error = (f.sustained - f.expected) / f.expected;
  return {std::abs(error) <= kBoundError,
          fmt::format("{}/s where the arithmetic allows {}/s ({:+.1f} %)", shown(f.sustained),
                      load::grouped(f.expected), error * 100)};
}

}  // namespace

Duration load_end(const load::LoadShape& shape) {
  Duration end = shape.duration > Duration{} ? shape.duration : Duration::max();
  if (shape.connections > 0 && shape.concurrency == 0 && shape.rate > 0)
    end = std::min(end, intended_start(shape, shape.connections));
  return end;
}

std::vector<LabSample> judged_samples(const ExperimentRun& run) {
  const load::LoadShape& shape = run.settings.client.load;
  const double from = std::max(run.settings.warm_up, shape.ramp).seconds();
  const double to = load_end(shape).seconds();
  std::vector<LabSample> judged;
  double before = 0;
  for (const LabSample& s :
       run.samples) {  // by the middle of its time, which begins at the last sample
    const double middle = (std::exchange(before, s.t) + s.t) / 2;
    if (from <= middle && middle <= to) judged.push_back(s);
  }
  return judged;
}

LabFigures figures_of(const ExperimentRun& run) {
  const load::LoadShape& shape = run.settings.client.load;
  const std::vector<LabSample> samples = judged_samples(run);
  Bound bound = bound_of(run.settings);
  LabFigures f{.offered = shape.concurrency == 0 ? shape.rate : 0,
               .expected = bound.cps,
               .because = std::move(bound.because),
               .judged = samples.size()};
  f.sustained = mean(samples, [](const LabSample& s) { return s.cps; });
  f.swing = swing_of(samples, f.sustained);
  f.p50_us = number_at(run.client, "latency_us", "p50");
  f.p99_us = number_at(run.client, "latency_us", "p99");
  f.server_peak = peak_of(run, run.server, &LabSample::server_time_wait);
  f.client_peak = peak_of(run, run.client, &LabSample::client_time_wait);
  f.peak_time_wait = std::max(f.server_peak, f.client_peak);
  f.peak_time_wait_bytes = f.peak_time_wait * plan::kTimeWaitBytes;
  f.refused = mean(samples, [](const LabSample& s) { return s.refused; });
  f.reset = mean(samples, [](const LabSample& s) { return s.reset; });
  f.failed = mean(samples, [](const LabSample& s) { return s.failed; });
  f.exhausted = mean(samples, [](const LabSample& s) { return s.exhausted; });
  return f;
}

Calibration calibration_of(const ExperimentRun& run) {
  std::vector<double> rates;
  bool is_clean = !run.interrupted;
  for (const LabSample& s : judged_samples(run)) {
    rates.push_back(s.cps);
    is_clean &= s.failed <= 0;
  }
  Calibration calibration{.experiment = run.settings.name};
  if (!is_clean || rates.empty()) return calibration;
  const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2);
  std::ranges::nth_element(rates, middle);
  calibration.cps = *middle;
  return calibration;
}

bool is_as_expected(const ExperimentRun& run) {
  if (run.settings.calibrates) return calibration_of(run).cps > 0;
  const std::optional<LabVerdict> verdict = verdict_on(run.settings, figures_of(run));
  return !verdict || verdict->holds;
}

TimeWaitHolder holder_of(const LabPair& pair) {
  const End end = end_that_holds(pair);
  if (end == End::nobody) return {};
  if (end == End::client) return {end, client_hold(pair.client)};
  const auto hold_for = [&](const auto& peer) {
    return hold_under(pair.server.shard.time_wait, pair.server.shard.tcp, peer);
  };
  const load::SourceSettings& sources = pair.client.sources;
  return {end, sources.six ? hold_for(*sources.six) : hold_for(sources.first)};
}

Bound bound_of(const LabPair& pair) {
  const load::LoadShape& shape = pair.client.load;
  const double offered = shape.concurrency == 0 ? shape.rate : 0;
  Bound bound = bound_of_holder(pair);
  if (offered > 0 && (bound.cps <= 0 || offered < bound.cps))
    bound = {offered, fmt::format("{}/s offered", load::grouped(offered))};
  return bound;
}

Result<void> check_lasts(const LabPair& pair) {
  const load::LoadShape& shape = pair.client.load;
  if (shape.overcommit) return {};
  if (auto pairs = check_sources(pair.client); !pairs) return pairs;
  const TimeWaitHolder holder = holder_of(pair);
  const Bound bound = bound_of_holder(pair);
  if (holder.end != End::server || bound.cps <= 0 || bound.cps >= shape.rate) return {};
  const std::uint64_t capacity =
      std::uint64_t{pair.server.shard.time_wait.capacity} * pair.server.cores.size();
  const auto seconds = [](double s) { return Duration{static_cast<std::int64_t>(s * 1e6)}; };
  const plan::Shortage shortage{
      .of = plan::Shortage::Of::table,
      .needed = static_cast<std::uint64_t>(shape.rate * holder.hold.seconds()),
      .there = capacity,
      .after = seconds(static_cast<double>(capacity) / shape.rate),
      .rate_max = bound.cps};
  if (load_end(shape) <= shortage.after) return {};
  return Error{words_of(shortage) + "; to run it all the same: load.overcommit: true",
               ErrorKind::usage};
}

std::optional<LabVerdict> verdict_on(const ExperimentSettings& settings, const LabFigures& f) {
  if (settings.expect == Expectation::none) return std::nullopt;
  if (f.judged == 0) return LabVerdict{false, "no sample was taken after the warm-up"};
  switch (settings.expect) {
    case Expectation::flat: return LabVerdict{f.is_flat(), measured_words(f)};
    case Expectation::bound: return bound_verdict(f);
    case Expectation::collapse:
      return LabVerdict{f.sustained <= kCollapseShare * f.offered && f.swing > kCollapseSwing,
                        measured_words(f)};
    case Expectation::none: break;
  }
  return std::nullopt;
}

}  // namespace mayfly::lab
