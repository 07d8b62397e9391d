// mayfly serve: HTTP, echo and discard on the ports of the configuration.
#include <fmt/format.h>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "print.h"
#include "run/controls.h"
#include "run/preflight.h"
#include "run/program.h"
#include "run/serve_run.h"
#include "run/service_manager.h"
#include "run/signals.h"
#include "run/start.h"
#include "run/state_file.h"
#include "run/telemetry.h"
#include "serve_log.h"

namespace mayfly::app {

namespace {

/// What of the run can be asked and changed.
run::Controls<config::ServeSettings>::Run controlled(run::ServeRun& run, FollowedLinks& links,
                                                     ServeLog& log) {
  return {.use = [&](const auto& live) { run.use(live.now()); },
          .stats = [&] { return links.with_links(run.json()); },
          .on_change = log.on_change(),
          .cores = [&] { return run.cores(); },
          .add_to = [&](admin::Reading& reading) { reading.service = run.services(); },
          .links = [&] { return links.json(); },
          .listed = run.listed(),
          .tapped = run.tapped(),
          .importing = [&](Duration hold) { return run.importing(hold); }};
}

}  // namespace

int serve_command(const RunOptions& options) {
  const auto loaded = config::read_serve_settings(options.config, options.sets, options.policy,
                                                  run::this_machine());
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  const config::ServeSettings& settings = *loaded.settings;
  auto site = service::Site::load(settings.http);
  if (!site) {
    fmt::print(stderr, "{}\n", site.error().what);
    return kBadUsage;
  }
  if (const auto writes = run::check_output(options.json); !writes) return fail(writes.error());
  auto numbers = settings.cluster.secret.empty() ? open_numbers(settings.state)
                                                 : run::numbers_of_cluster(settings.cluster.secret);
  if (!numbers) return fail(numbers.error());
  run::catch_signals();
  run::catch_hangups();
  const run::MemoryPlan plan =
      run::plan_memory(settings, settings.process, "server", run::ServeRun::bytes_needed(settings));
  ServeLog log(settings.log);
  const run::StartProgress progress = log.progress(options.is_verbose);
  auto eal = start_process(std::span(&plan, 1), settings.process, settings.cores, progress);
  if (!eal) return fail(eal.error());
  auto devices = open_devices(settings.process, settings.cores.size(), progress);
  if (!devices) return fail(devices.error());
  const nic::TscClock clock(numbers->clock_begins());
  auto run = run::ServeRun::create(settings, std::move(*site), *devices, clock, numbers->secrets);
  if (!run) return fail(run.error());
  FollowedLinks links(settings.process, *devices, clock, **run, log.say());
  links.follow();
  run::Controls<config::ServeSettings> controls(
      {{options.config, options.policy, options.sets},
       settings,
       [&](const auto& wanted, bool rereads) { return (*run)->prepare(wanted, rereads); }},
      controlled(**run, links, log));
  if (const int failed = open_controls(controls, "serve", settings.admin)) return failed;
  print_carried_over((*run)->totals());
  (*run)->start(*eal, 0);
  const auto telemetry = run::telemetry(settings.process, [&] { return (*run)->json(); });
  give_up_capabilities(settings.process, options.json);
  log.ready(settings, *devices, controls.policy());
  run::ServiceManager manager;
  manager.tell_ready(listens_in_words(settings) + " on " + addresses_in_words(settings.process));
  const auto on_drain = [&](std::uint32_t open) {
    controls.set_draining();
    manager.tell_stopping();
    log.draining(open);
  };
  (*run)->watch(options.duration,
                {.stop_asked = [&] { return controls.or_drain(links.stop_asked()); },
                 .each_round =
                     [&] {
                       if (run::reload_asked()) controls.reload("SIGHUP");
                       links.follow();
                       keep_numbers(*numbers, clock, log.say());
                       log.follow(**run, controls);
                       manager.feed_watchdog([&] { return (*run)->cores(); });
                     },
                 .on_drain = on_drain});
  eal->wait();
  fmt::print("{}", (*run)->summary());
  if (options.json.empty()) return links.exit_status(kOk);
  const auto json = links.with_links((*run)->json());
  if (const auto written = admin::write_json(options.json, json); !written)
    return fail(written.error());
  return links.exit_status(kOk);
}

}  // namespace mayfly::app
