#include "run/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "admin/stats_json.h"
#include "config/read.h"
#include "config/units.h"
#include "run/exit_status.h"
#include "run/memory_plan.h"
#include "run/preflight.h"

namespace mayfly::run {
namespace {

struct ProgramOptions {
  std::string config, policy, json;
  std::vector<std::string> sets;
  std::optional<Duration> duration;
};

// A value is the exit status of a program that must end.
std::optional<int> read_command_line(int argc, char** argv, ProgramOptions& options) {
  CLI::App app{"A program on Mayfly.", argc > 0 ? argv[0] : "program"};
  std::string duration;
  app.add_option("-c,--config", options.config, "the YAML file to read")->required();
  app.add_option("--policy", options.policy,
                 "a preset of conf/policy/ by name, or a file like those, laid over the file");
  app.add_option("--set", options.sets, "override a key: --set time_wait.hold=5s (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--duration", duration, "end after this time: 30s, 5min");
  app.add_option("--json", options.json, "write the counters to this file at the end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadUsage;
  }
  if (duration.empty()) return std::nullopt;
  const auto parsed = config::parse_run_length(duration);
  if (!parsed) {
    fmt::print(stderr, "--duration {}: {}\n", duration, parsed.error().what);
    return kBadUsage;
  }
  options.duration = *parsed;
  return std::nullopt;
}

}  // namespace

StartProgress printed_progress() {
  const auto print = [](const std::string& text) { fmt::print("{}\n", text); };
  return {.on_plan = print,
          .on_step = print,
          .on_wait = [told = std::string()](const std::string& waiting_for) mutable {
            if (waiting_for != told) fmt::print("waiting for {}\n", told = waiting_for);
            std::fflush(stdout);
            return stop_asked() == Stop::no;
          }};
}

std::optional<int> ProgramHost::start(int argc, char** argv) {
  ProgramOptions options;
  if (const auto status = read_command_line(argc, argv, options)) return status;
  auto loaded =
      config::read_program_settings(options.config, options.sets, options.policy, this_machine());
  if (!loaded.settings) {
    for (const auto& error : loaded.errors) fmt::print(stderr, "{}\n", to_string(error));
    return kBadUsage;
  }
  if (const auto writes = check_output(options.json); !writes) return fail(writes.error());
  settings_ = *std::move(loaded.settings);
  duration_ = options.duration;
  json_ = options.json;
  catch_signals();
  const StartProgress progress = printed_progress();
  const MemoryPlan plan = plan_memory(settings_, settings_.process, "program", 0);
  auto eal = start_process(std::span(&plan, 1), settings_.process, settings_.cores, progress);
  if (!eal) return fail(eal.error());
  eal_.emplace(*std::move(eal));
  auto devices = open_devices(settings_.process, settings_.cores.size(), progress);
  if (!devices) return fail(devices.error());
  devices_ = *std::move(devices);
  clock_.emplace();
  began_ = clock_->now();
  links_.emplace(LinkWatch::of(settings_.process, devices_, began_));
  return std::nullopt;
}

Result<std::vector<CoreWires>> ProgramHost::wires() {
  return wire_up("program", {random_secret()}, settings_, settings_.process, devices_, *clock_);
}

int ProgramHost::fail(const Error& error) const {
  fmt::print(stderr, "{}\n", error.what);
  return exit_status_of(error);
}

void ProgramHost::say_ready() const {
  fmt::print("ready\n");
  std::fflush(stdout);
}

void ProgramHost::say_draining(std::uint32_t open) const {
  if (open > 0) fmt::print("draining: {} connections are open; Ctrl-C again to reset them\n", open);
  std::fflush(stdout);
}

void ProgramHost::follow_links() {
  for (const LinkNews& news : links_->look(clock_->now())) fmt::print(stderr, "{}\n", news.words);
  const auto why = links_->why_given_up(clock_->now());
  if (!why) return;
  is_hopeless_ = true;
  fmt::print(stderr, "{}\n", *why);
}

bool ProgramHost::is_time_up() const {
  return stop_asked() != Stop::no || (duration_ && clock_->now() - began_ >= *duration_);
}

int ProgramHost::end(const std::vector<flow::ShardStats>& stats) {
  eal_->wait();
  const flow::ShardStats sum = total_of(stats);
  fmt::print("accepted {}, opened {}, packets {} in, {} out\n", sum.accepted.get(),
             sum.opened.get(), sum.rx_packets.get(), sum.tx_packets.get());
  const int status = is_hopeless_ ? kRunFailed : kOk;
  if (json_.empty()) return status;
  auto json = admin::server_json(stats, clock_->now() - began_);
  json["links"] = links_->json(clock_->now());
  const auto written = admin::write_json(json_, json);
  return written ? status : fail(written.error());
}

}  // namespace mayfly::run
