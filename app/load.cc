// mayfly load: the client generator, against any server.
#include <fmt/format.h>
#include <unistd.h>

#include "admin/stats_json.h"
#include "base/siphash.h"
#include "commands.h"
#include "config/describe.h"
#include "config/read.h"
#include "load/load_app.h"
#include "load/part.h"
#include "load/plan.h"
#include "load/report.h"
#include "print.h"
#include "run/controls.h"
#include "run/load_run.h"
#include "run/preflight.h"
#include "run/program.h"
#include "run/signals.h"
#include "run/start.h"
#include "run/start_time.h"
#include "run/state_file.h"
#include "wire/print.h"

namespace mayfly::app {

namespace {

/// The settings that were read, changed by the options of the command line.
config::LoadSettings with_options(config::LoadSettings settings, const RunOptions& options) {
  if (options.duration) settings.load.duration = *options.duration;
  return settings;
}

nlohmann::ordered_json stats_of(run::LoadRun& run) {
  const auto json = run.json_so_far();
  if (json) return *json;
  return {{"error", nlohmann::ordered_json::array({json.error().what})}};
}

/// What of the run can be asked and changed.
run::Controls<config::LoadSettings>::Run controlled(run::LoadRun& run, FollowedLinks& links) {
  return {.use = [&](const auto& live) { run.use(live.now()); },
          .stats = [&] { return links.with_links(stats_of(run)); },
          .on_change = print_change,
          .cores = [&] { return run.cores(); },
          .add_to = [&](admin::Reading& reading) { run.add_to(reading); },
          .links = [&] { return links.json(); },
          .listed = run.listed(),
          .tapped = run.tapped()};
}

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Which part of the plan this is; the whole of it if --part is not given.
Result<void> take_part(config::LoadSettings& settings, const RunOptions& options) {
  if (options.part.empty()) return {};
  const auto part = load::parse_part(options.part, environment);
  if (!part) return part.error();
  settings.load.part = *part;
  return load::check_part(settings);
}

/// When the first start is intended, by --at; zero if it is not given.
Result<Duration> start_of(const RunOptions& options) {
  if (options.at.empty()) return Duration{};
  const Duration now = run::wall_clock();
  auto start = load::parse_start_time(options.at, now);
  if (start && *start <= now)
    return Error{
        fmt::format("--at {}: that was {:.1f} s ago", options.at, (now - *start).seconds()),
        ErrorKind::usage};
  return start;
}

/// What all parts of a plan have in common, as a hash: their target, sources, load and rules.
std::string plan_of(const config::LoadSettings& settings) {
  constexpr SipKey kAnyKey{};
  std::string text;
  for (const config::KeyValue& row : describe(settings)) {
    const std::string top = row.key.substr(0, row.key.find('.'));
    for (const char* common : {"target", "sources", "load", "close", "time_wait", "tcp"})
      if (top == common) text += row.key + "=" + row.value + "\n";
  }
  return fmt::format("{:016x}", siphash24(std::as_bytes(std::span(text)), kAnyKey));
}

/// A name that has addresses of both families: both are said.
std::string other_address_in_words(const load::TargetSettings& target) {
  if (target.other.empty()) return "";
  return fmt::format(", and {}, which {} takes", target.other, target.six ? "-4" : "-6");
}

/// Where the load goes, and for how long its sources last.
void print_plan(const config::LoadSettings& settings) {
  const load::TuplePlan tuples = plan_tuples(settings);
  if (!settings.target.name.empty())
    fmt::print("target: {} is {}{}\n", settings.target.name, address_of(settings.target),
               other_address_in_words(settings.target));
  fmt::print("sources: {}\n", arithmetic_of(tuples));
  if (const std::string part = load::part_in_words(settings); !part.empty())
    fmt::print("{}\n", part);
  if (const std::string warning = warning_of(tuples); !warning.empty()) fmt::print("{}\n", warning);
}

/// Sets when the first start is intended, if --at says so, and says how good the clock is.
Result<void> begin_at(Duration start, const nic::TscClock& clock, load::LoadShape& load) {
  if (start <= Duration{}) return {};
  const auto at = run::instant_of(start, clock);
  if (!at) return at.error();
  load.begin_at = *at;
  fmt::print("begins in {:.1f} s; {}\n", (*at - clock.now()).seconds(), run::clock_in_words());
  return {};
}

/// What the results are named after and where they go.
struct Destination {
  std::string plan, json;  ///< plan_of(); a file, or empty
};

Result<void> tell_results(run::LoadRun& run, const config::LoadSettings& settings,
                          const Destination& to, FollowedLinks& links) {
  const std::vector<load::CoreReport> reports = run.reports();
  const load::RunEnd end{run.is_interrupted(), to.plan, run.began()};
  fmt::print("{}", load_table(load::facts_of(settings), reports, end));
  if (to.json.empty()) return {};
  return admin::write_json(to.json, links.with_links(load_json(settings, reports, end)));
}

}  // namespace

int load_command(const RunOptions& options) {
  auto loaded =
      config::read_load_settings(options.config, options.sets, options.policy, run::this_machine());
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  config::LoadSettings settings = with_options(*loaded.settings, options);
  if (const auto lasts = load::check_sources(settings); !lasts) return fail(lasts.error());
  if (const auto taken = take_part(settings, options); !taken) return fail(taken.error());
  const auto start = start_of(options);
  if (!start) return fail(start.error());
  const std::string plan_name = plan_of(settings);
  if (const auto writes = run::check_output(options.json); !writes) return fail(writes.error());
  auto numbers = open_numbers(settings.state);
  if (!numbers) return fail(numbers.error());
  run::LoadRun::own_sources(settings);
  run::catch_signals();
  run::catch_hangups();
  const run::MemoryPlan plan =
      run::plan_memory(settings, settings.process, "client", run::LoadRun::bytes_needed(settings));
  const run::StartProgress progress = run::printed_progress();
  auto eal = start_process(std::span(&plan, 1), settings.process, settings.cores, progress);
  if (!eal) return fail(eal.error());
  auto devices = open_devices(settings.process, settings.cores.size(), progress);
  if (!devices) return fail(devices.error());
  print_plan(settings);
  const nic::TscClock clock(numbers->clock_begins());
  if (const auto set = begin_at(*start, clock, settings.load); !set) return fail(set.error());
  auto run = run::LoadRun::create(settings, *devices, clock, numbers->secrets);
  if (!run) return fail(run.error());
  FollowedLinks links(settings.process, *devices, clock, **run);
  links.follow();
  run::Controls<config::LoadSettings> controls(
      {{options.config, options.policy, options.sets},
       *std::move(loaded.settings),
       [&](const config::LoadSettings& wanted, bool) {
         return load::check_sources(with_options(wanted, options));
       }},
      controlled(**run, links));
  if (const int failed = open_controls(controls, "load", settings.admin)) return failed;
  print_carried_over((*run)->totals());
  give_up_capabilities(settings.process, options.json);
  fmt::print("ready\n");
  std::fflush(stdout);
  if (*start > Duration{})
    if (const auto left = run::instant_of(*start, clock); !left) return fail(left.error());
  (*run)->start(*eal, 0);
  load::LiveLine line(settings.load, isatty(STDOUT_FILENO) != 0);
  (*run)->watch(
      {.stop_asked = [&] { return controls.or_drain(links.stop_asked()); },
       .each_round =
           [&] {
             follow_hangups(controls);
             links.follow();
             keep_numbers(*numbers, clock);
           },
       .each_second =
           [&](const load::LoadResults& so_far, const flow::ShardStats& stack, Duration elapsed) {
             fmt::print("{}", line.next(so_far, stack, elapsed));
             std::fflush(stdout);
           }});
  fmt::print("{}", line.end());
  eal->wait();
  if (const auto written = tell_results(**run, settings, {plan_name, options.json}, links);
      !written)
    return fail(written.error());
  return links.exit_status((*run)->succeeded() ? kOk : kRunFailed);
}

}  // namespace mayfly::app
