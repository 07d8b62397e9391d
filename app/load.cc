// mayfly load: the client generator, against any server.
#include <fmt/format.h>
#include <unistd.h>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "load/load_app.h"
#include "load/plan.h"
#include "load/report.h"
#include "print.h"
#include "run/controls.h"
#include "run/load_run.h"
#include "run/preflight.h"
#include "run/program.h"
#include "run/signals.h"
#include "run/start.h"
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
          .reread = [](const config::LoadSettings&) { return Result<void>(); },
          .stats = [&] { return links.with_links(stats_of(run)); },
          .on_change = print_change,
          .cores = [&] { return run.cores(); },
          .add_to = [&](admin::Reading& reading) { run.add_to(reading); },
          .links = [&] { return links.json(); },
          .listed = run.listed()};
}

/// Where the load goes, and for how long its sources last.
void print_plan(const config::LoadSettings& settings) {
  const load::TuplePlan tuples = plan_tuples(settings);
  if (!settings.target.name.empty())
    fmt::print("target: {} is {}\n", settings.target.name, to_string(settings.target.address));
  fmt::print("sources: {}\n", arithmetic_of(tuples));
  if (const std::string warning = warning_of(tuples); !warning.empty()) fmt::print("{}\n", warning);
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
  const nic::TscClock clock(numbers->origin);
  auto run = run::LoadRun::create(settings, *devices, clock, numbers->secret);
  if (!run) return fail(run.error());
  FollowedLinks links(settings.process, *devices, clock,
                      [&] { return (*run)->silent_neighbour(); });
  links.follow();
  run::Controls<config::LoadSettings> controls(
      {{options.config, options.policy, options.sets},
       *std::move(loaded.settings),
       [&](const config::LoadSettings& wanted) {
         return load::check_sources(with_options(wanted, options));
       }},
      controlled(**run, links));
  if (const auto opened = controls.open(); !opened) return fail(opened.error());
  print_page(settings.admin);
  fmt::print("ready\n");
  std::fflush(stdout);
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
  const std::vector<load::CoreReport> reports = (*run)->reports();
  const load::RunEnd end{.interrupted = (*run)->is_interrupted()};
  fmt::print("{}", load_table(settings, reports, end));
  if (!options.json.empty()) {
    const auto written =
        admin::write_json(options.json, links.with_links(load_json(settings, reports, end)));
    if (!written) return fail(written.error());
  }
  return links.exit_status((*run)->succeeded() ? kOk : kRunFailed);
}

}  // namespace mayfly::app
