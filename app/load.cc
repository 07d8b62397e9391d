// mayfly load: the client generator, against any server.
#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "load/load_app.h"
#include "load/plan.h"
#include "load/report.h"
#include "load_run.h"
#include "signals.h"
#include "start.h"

namespace mayfly {

int load_command(const RunOptions& options) {
  auto loaded = read_load_settings(options.config, options.sets);
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  LoadSettings settings = std::move(*loaded.settings);
  if (options.duration) settings.load.duration = *options.duration;
  LoadRun::own_sources(settings);
  catch_signals();
  const TuplePlan tuples = plan_tuples(settings);
  const MemoryPlan plan = plan_memory(settings, "client", LoadRun::bytes_needed(settings));
  int status = kOk;
  auto eal = start_process(std::span(&plan, 1), settings, settings.cores, status);
  if (!eal) return status;
  auto devices = open_devices(settings);
  if (!devices) return kRunFailed;
  fmt::print("source pairs: {}\n", arithmetic_of(tuples));
  if (const std::string warning = warning_of(tuples); !warning.empty()) fmt::print("{}\n", warning);

  auto run = LoadRun::create(settings, *devices, TscClock());
  if (!run) {
    fmt::print(stderr, "mayfly: {}\n", run.error().what);
    return kRunFailed;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  (*run)->start(*eal, 0);
  (*run)->watch();
  eal->wait();
  const std::vector<CoreReport> reports = (*run)->reports();
  fmt::print("{}", load_table(settings, reports));
  if (!options.json.empty()) {
    if (const std::string why = write_json(options.json, load_json(settings, reports));
        !why.empty()) {
      fmt::print(stderr, "mayfly: {}\n", why);
      return kRunFailed;
    }
  }
  return (*run)->succeeded() ? kOk : kRunFailed;
}

}  // namespace mayfly
