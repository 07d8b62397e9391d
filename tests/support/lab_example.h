// A lab's result as a model of the two ends makes it, without any packet: all six stories, an
// interrupted experiment, one without a story, and a ledger. For tests of what reads results.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "lab/evaluate.h"
#include "lab/result.h"
#include "world/ledger.h"

namespace mayfly::testing {

using OnFull = flow::TimeWaitPolicy::OnFull;

/// The base of every experiment: 100 addresses offer 100,000/s to a table of 50,000, held for 2 s.
inline lab::ExperimentSettings example_settings(std::string name,
                                                shard::Closer first = shard::Closer::server) {
  lab::ExperimentSettings s;
  s.name = std::move(name);
  s.server.close.first = first == shard::Closer::reset ? shard::Closer::server : first;
  s.client.close.first = first;
  s.server.shard.time_wait.hold = s.client.shard.time_wait.hold = Duration::from_s(2);
  s.server.shard.time_wait.capacity = 50'000;
  s.server.shard.time_wait.on_full = OnFull::refuse;
  s.client.sources = {.first = {0xc6120101}, .last = {0xc6120164}};
  s.client.load.rate = 100'000;
  s.client.load.duration = Duration::from_s(8);
  s.client.load.overcommit = true;
  return s;
}

/// One end's entries in steps of 10 ms: those older than the hold leave, those that fit come in.
class ModelEnd {
 public:
  static constexpr double kStep = 0.01;

  ModelEnd(double hold, double room, bool evicts)
      : steps_(static_cast<std::size_t>(hold / kStep + 0.5)), room_(room), evicts_(evicts) {}

  /// How many of `wanted` get in.
  double step(double wanted) {
    if (steps_ == 0) return wanted;
    if (came_.size() >= steps_) held_ -= came_[came_.size() - steps_];
    const double in = evicts_ ? wanted : std::clamp(room_ - held_, 0.0, wanted);
    came_.push_back(in);
    held_ += in;
    return in;
  }
  std::uint64_t held() const { return static_cast<std::uint64_t>(std::min(held_, room_)); }

 private:
  std::size_t steps_;
  double room_;
  bool evicts_;
  double held_ = 0;
  std::vector<double> came_;
};

inline ModelEnd model_of(const lab::ExperimentSettings& s) {
  const lab::TimeWaitHolder holder = holder_of(s);
  const bool at_client = holder.end == lab::TimeWaitHolder::End::client;
  const flow::TimeWaitPolicy& policy = s.server.shard.time_wait;
  const double pairs =
      static_cast<double>(s.client.sources.last.host - s.client.sources.first.host + 1) *
      (s.client.sources.port_last - s.client.sources.port_first + 1);
  const double hold =
      policy.balance ? 0.85 * policy.capacity / s.client.load.rate : holder.hold.seconds();
  return {hold, at_client ? pairs : policy.capacity,
          !at_client && policy.on_full != OnFull::refuse};
}

/// Samples of 100 ms, with a little noise of `seed`.
inline std::vector<lab::LabSample> example_samples(const lab::ExperimentSettings& s,
                                                   std::uint64_t seed) {
  Prng prng(seed);
  ModelEnd end = model_of(s);
  const bool at_client = holder_of(s).end == lab::TimeWaitHolder::End::client;
  const double offered = s.client.load.rate > 0 ? s.client.load.rate : 80'000;
  std::vector<lab::LabSample> samples;
  for (int i = 1; i <= static_cast<int>(s.client.load.duration.seconds() * 10 + 0.5); ++i) {
    double in = 0;
    for (int k = 0; k < 10; ++k) in += end.step(offered * ModelEnd::kStep);
    const double noise = 1 + (static_cast<double>(prng.below(2'001)) - 1'000) / 100'000;
    lab::LabSample sample{.t = 0.1 * i, .cps = in * 10 * noise, .offered = offered};
    (at_client ? sample.exhausted : sample.refused) = std::max(0.0, offered - in * 10);
    if (s.client.load.rate <= 0) sample.offered = sample.refused = 0;
    (at_client ? sample.client_time_wait : sample.server_time_wait) = end.held();
    sample.server_hold = s.server.shard.time_wait.balance
                             ? 0.85 * s.server.shard.time_wait.capacity / offered
                             : s.server.shard.time_wait.hold.seconds();
    sample.server_open = sample.client_open = 40 + prng.below(20);
    sample.p50_us = 21 + static_cast<double>(prng.below(4));
    sample.p99_us = 60 + static_cast<double>(prng.below(30));
    sample.p999_us = 2 * sample.p99_us;
    sample.server_busy = 0.11 + 0.4 * sample.cps / 100'000;
    sample.client_busy = 0.13 + 0.5 * sample.cps / 100'000;
    samples.push_back(sample);
  }
  return samples;
}

inline lab::ExperimentRun example_run(lab::ExperimentSettings s, std::uint64_t seed = 1) {
  lab::ExperimentRun run{.settings = std::move(s)};
  run.samples = example_samples(run.settings, seed);
  std::uint64_t peak = 0, opened = 0;
  for (const lab::LabSample& sample : run.samples) {
    peak = std::max({peak, sample.server_time_wait, sample.client_time_wait});
    opened += static_cast<std::uint64_t>(sample.cps / 10);
  }
  const bool at_server = holder_of(run.settings).end == lab::TimeWaitHolder::End::server;
  const bool evicts = run.settings.server.shard.time_wait.on_full == OnFull::evict_oldest;
  auto ages = nlohmann::ordered_json::array();
  if (evicts && at_server)
    ages = {{{"below", 512}, {"count", opened - peak - 90}}, {{"below", 1'024}, {"count", 90}}};
  run.server["harm"] = {{"rst_to_last_ack", 0}, {"reset_in_last_ack", 0}};
  run.server["time_wait"] = {{"now", 0},
                             {"peak", at_server ? peak : 0},
                             {"opened", at_server ? opened : 0},
                             {"expired", evicts || !at_server ? 0 : opened},
                             {"evicted", evicts && at_server ? opened - peak : 0},
                             {"evicted_age_ms", std::move(ages)},
                             {"reopened", 0},
                             {"restored", 0},
                             {"killed", 0},
                             {"fin_again", 3}};
  run.client["latency_us"] = {{"p50", 22}, {"p90", 41}, {"p99", 78}, {"p999", 160}, {"max", 900}};
  run.client["time_wait"] = {{"peak", at_server ? 0 : peak}, {"now", 0}, {"reused", 0}};
  return run;
}

/// `change` sees the settings before they are run.
template <class Change>
lab::ExperimentRun example_run(std::string name, std::uint8_t story, lab::Expectation expect,
                               shard::Closer first, Change change) {
  lab::ExperimentSettings s = example_settings(std::move(name), first);
  s.story = story;
  s.expect = expect;
  change(s);
  return example_run(std::move(s), 7 + story);
}

inline lab::ExperimentRun example_run(std::string name, std::uint8_t story, lab::Expectation expect,
                                      shard::Closer first = shard::Closer::server) {
  return example_run(std::move(name), story, expect, first, [](lab::ExperimentSettings&) {});
}

inline void add_diseases(lab::LabResult& result) {
  using enum lab::Expectation;
  result.experiments.push_back(
      example_run("disease-server", 1, collapse, shard::Closer::server,
                  [](auto& s) { s.title = "A table of 50,000, held for 2 s"; }));
  result.experiments.push_back(example_run(
      "disease-client", 2, bound, shard::Closer::client, [](lab::ExperimentSettings& s) {
        s.title = "One address with 4,000 ports";
        s.client.sources = {
            .first = {0xc6120101}, .last = {0xc6120101}, .port_first = 1'024, .port_last = 5'023};
        s.warm_up = Duration::from_s(2);
      }));
}

inline void add_balance(lab::LabResult& result) {
  using enum lab::Expectation;
  const auto hold = [&](const char* name, std::int64_t ms, lab::Expectation expect) {
    result.experiments.push_back(
        example_run(name, 4, expect, shard::Closer::server, [ms](lab::ExperimentSettings& s) {
          s.title = "A hold of " + std::to_string(ms) + " ms";
          s.server.shard.time_wait.hold = Duration::from_ms(ms);
        }));
  };
  hold("hold-250ms", 250, flat);
  hold("hold-400ms", 400, flat);
  hold("hold-700ms", 700, bound);
  hold("hold-1s", 1'000, bound);
  result.experiments.push_back(
      example_run("balanced", 4, flat, shard::Closer::server, [](lab::ExperimentSettings& s) {
        s.policy = "balanced";
        s.title = "The hold follows the table";
        s.server.shard.time_wait.balance = true;
        s.server.shard.time_wait.floor = Duration::from_ms(100);
      }));
}

inline void add_cures(lab::LabResult& result) {
  using enum lab::Expectation;
  const auto policy = [](lab::ExperimentSettings& s) { s.policy = s.name; };
  result.experiments.push_back(example_run("client-first", 3, flat, shard::Closer::client, policy));
  result.experiments.push_back(example_run(
      "client-first-few", 3, bound, shard::Closer::client, [](lab::ExperimentSettings& s) {
        s.title = "Client first, but only 4 addresses with 4,000 ports";
        s.client.sources = {
            .first = {0xc6120101}, .last = {0xc6120104}, .port_first = 1'024, .port_last = 5'023};
        s.warm_up = Duration::from_s(2);
      }));
  add_balance(result);
  const auto full = [&](const char* name, OnFull on_full) {
    result.experiments.push_back(
        example_run(name, 5, flat, shard::Closer::server, [=](lab::ExperimentSettings& s) {
          s.policy = name;
          s.server.shard.time_wait.on_full = on_full;
        }));
  };
  full("evict-oldest", OnFull::evict_oldest);
  full("linux-default", OnFull::close);
  full("rfc6191", OnFull::evict_oldest);
  result.experiments.push_back(
      example_run("hand-over", 5, flat, shard::Closer::server, [](lab::ExperimentSettings& s) {
        s.policy = "hand-over";
        s.server.shard.time_wait.rules.rst = tcp::TimeWaitRules::OnRst::accept;
        s.client.shard.time_wait.hand_over = true;
      }));
  result.experiments.push_back(example_run("reset", 5, flat, shard::Closer::reset, policy));
  result.experiments.push_back(
      example_run("none", 5, flat, shard::Closer::server, [](lab::ExperimentSettings& s) {
        s.policy = "none";
        s.server.shard.time_wait.hold = {};
      }));
}

inline void add_reopening(lab::LabResult& result) {
  result.experiments.push_back(example_run(
      "reopened", 6, lab::Expectation::flat, shard::Closer::server, [](lab::ExperimentSettings& s) {
        s.policy = "newcomer";
        s.title = "One address and a hold of a minute";
        s.server.shard.time_wait.hold = Duration::from_s(60);
        s.server.shard.time_wait.on_full = OnFull::evict_oldest;  // the model does not reopen
      }));
}

inline void add_ledger(lab::LabResult& result) {
  const auto row = [&](const char* policy, std::uint64_t last_ack, std::uint64_t old_data,
                       std::uint64_t killed, std::uint64_t blackholed, std::uint64_t peak) {
    world::LedgerRow line{.policy = policy,
                          .connections = 6'000,
                          .reset_in_last_ack = last_ack,
                          .old_data = old_data,
                          .killed = killed,
                          .blackholed = blackholed,
                          .challenges = 412,
                          .peak_time_wait = peak};
    line.completed = line.connections - line.harms();
    result.ledger.push_back(line);
  };
  result.hazard_seed = 20'261;
  row("strict-rfc9293", 0, 0, 0, 0, 6'000);
  row("client-first", 0, 0, 0, 0, 5'980);
  row("balanced", 0, 0, 0, 0, 1'400);
  row("rfc6191", 0, 0, 0, 0, 2'212);
  row("evict-oldest", 9, 1, 0, 0, 256);
  row("linux-default", 0, 0, 2, 0, 3'870);
  row("linux-tw-recycle", 4, 2, 0, 1'183, 640);
  row("hand-over", 3, 0, 1, 0, 2'900);
  row("reset", 214, 37, 61, 0, 0);
  row("none", 188, 52, 14, 0, 0);
}

inline lab::LabOrigin example_origin() {
  return {.version = "0.1.0",
          .commit = "0161bc6",
          .machine = "8 x Example CPU at 3.0 GHz, Debian 12",
          .when = "2026-11-22 16:00 UTC",
          .config_name = "tour.yaml",
          .config = "# <script>alert(1)</script> & \"quotes\"\nwire: ring\nsample: 100ms\n"};
}

inline lab::LabResult lab_example() {
  lab::LabResult result{.origin = example_origin()};
  add_diseases(result);
  add_cures(result);
  add_reopening(result);
  lab::ExperimentRun cut = example_run("soak", 0, lab::Expectation::flat, shard::Closer::client);
  cut.samples.resize(33);
  cut.interrupted = true;
  result.experiments.push_back(std::move(cut));
  result.experiments.push_back(example_run("closed-loop", 0, lab::Expectation::none,
                                           shard::Closer::client, [](lab::ExperimentSettings& s) {
                                             s.client.load.rate = 0;
                                             s.client.load.concurrency = 64;
                                           }));
  add_ledger(result);
  return result;
}

/// One policy in one situation: its experiment, and its line of the situation's ledger.
inline void add_compared(lab::LabResult& result, world::Situation situation,
                         const std::string& policy, OnFull on_full,
                         const world::LedgerRow& simulated) {
  lab::ExperimentSettings s = example_settings(std::string(name_of(situation)) + "." + policy);
  s.policy = policy;
  s.situation = situation;
  s.share = 0.8;
  s.warm_up = Duration::from_ms(200);
  s.server.shard.time_wait.on_full = on_full;
  s.server.shard.time_wait.hold = Duration::from_ms(policy == "none" ? 0 : 1'000);
  s.client.load.rate = 160'000;
  s.client.load.duration = Duration::from_s(2);
  result.experiments.push_back(example_run(std::move(s), 3));
  const auto found = std::ranges::find(result.ledger, policy, &world::LedgerRow::policy);
  world::LedgerRow& row = found != result.ledger.end()
                              ? *found
                              : result.ledger.emplace_back(world::LedgerRow{.policy = policy});
  row.situations.resize(world::kSituationCount);
  add_to(row.situations[static_cast<std::size_t>(situation)], simulated);
  add_to(row, simulated);
}

/// A calibration and policies that are compared in all situations, without stories.
inline lab::LabResult compared_example() {
  using world::LedgerRow;
  lab::LabResult result{.origin = example_origin(), .calibration = {"calibration", 200'000}};
  const LedgerRow strict{.connections = 2'000,
                         .completed = 1'500,
                         .kept_out = 500,
                         .kept_out_longest = Duration::from_s(75)};
  const LedgerRow newcomer{.connections = 2'000, .completed = 2'000};
  const LedgerRow nothing{
      .connections = 2'000, .completed = 1'990, .reset_in_last_ack = 6, .old_data = 4};
  for (std::size_t i = 0; i < world::kSituationCount; ++i) {
    const auto situation = static_cast<world::Situation>(i);
    result.situations.push_back({.situation = situation, .title = "4 addresses", .clock = 480});
    add_compared(result, situation, "strict-rfc9293", OnFull::refuse, strict);
    add_compared(result, situation, "newcomer", OnFull::evict_oldest, newcomer);
    add_compared(result, situation, "none", OnFull::evict_oldest, nothing);
  }
  return result;
}

inline lab::LabResult hazards_only_example() {
  lab::LabResult result{.origin = example_origin()};
  add_ledger(result);
  return result;
}

inline lab::LabResult one_experiment_example() {
  lab::LabResult result{.origin = example_origin()};
  result.experiments.push_back(
      example_run("run", 0, lab::Expectation::none, shard::Closer::client));
  return result;
}

}  // namespace mayfly::testing
