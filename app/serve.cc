// mayfly serve: HTTP, echo and discard on the ports that the configuration names.
#include <fmt/format.h>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "reload.h"
#include "serve_run.h"
#include "signals.h"
#include "start.h"

namespace mayfly {

int serve_command(const RunOptions& options) {
  const auto loaded = read_serve_settings(options.config, options.sets, options.policy);
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  const ServeSettings& settings = *loaded.settings;
  const auto site = Site::load(settings.http);
  if (!site) {
    fmt::print(stderr, "{}\n", site.error().what);
    return kBadUsage;
  }
  catch_signals();
  catch_hangups();
  const MemoryPlan plan = plan_memory(settings, "server", ServeRun::bytes_needed(settings));
  int status = kOk;
  auto eal = start_process(std::span(&plan, 1), settings, settings.cores, status);
  if (!eal) return status;
  auto devices = open_devices(settings);
  if (!devices) return kRunFailed;
  auto run = ServeRun::create(settings, *site, *devices, TscClock());
  if (!run) {
    fmt::print(stderr, "mayfly: {}\n", run.error().what);
    return kRunFailed;
  }
  Controls<ServeSettings> controls(
      {{options.config, options.policy, options.sets}, settings},
      {.use = [&](const ServeSettings& wanted) { (*run)->use(wanted); },
       .stats = [&] { return (*run)->json(); }});
  if (const std::string why = controls.open(); !why.empty()) {
    fmt::print(stderr, "mayfly: {}\n", why);
    return kRunFailed;
  }
  (*run)->start(*eal, 0);
  fmt::print("ready: {} on {}\n", listens_in_words(settings), addresses_in_words(settings));
  std::fflush(stdout);
  (*run)->watch(options.duration, [&] { controls.follow_hangups(); });
  eal->wait();
  fmt::print("{}", (*run)->summary());
  if (options.json.empty()) return kOk;
  if (const std::string why = write_json(options.json, (*run)->json()); !why.empty()) {
    fmt::print(stderr, "mayfly: {}\n", why);
    return kRunFailed;
  }
  return kOk;
}

}  // namespace mayfly
