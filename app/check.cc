// mayfly check: everything that is wrong with a configuration, or what it would take to run it.
#include <fmt/format.h>

#include "commands.h"
#include "config/read.h"
#include "load/plan.h"
#include "load_run.h"
#include "serve_run.h"
#include "start.h"

namespace mayfly {
namespace {

int report_memory(std::initializer_list<MemoryPlan> plans) {
  std::size_t bytes = 0;
  fmt::print("memory\n");
  for (const MemoryPlan& plan : plans) {
    fmt::print("{}", plan.text);
    bytes += plan.bytes;
  }
  if (const std::string why = why_not_enough_memory(bytes); !why.empty()) {
    fmt::print(stderr, "mayfly: {}\n", why);
    return kBadUsage;
  }
  fmt::print("the configuration is good\n");
  return kOk;
}

void report_tuples(const LoadSettings& settings) {
  const TuplePlan plan = plan_tuples(settings);
  fmt::print("source pairs: {}\n", arithmetic_of(plan));
  if (const std::string warning = warning_of(plan); !warning.empty()) fmt::print("{}\n", warning);
}

template <class T>
bool well(const Loaded<T>& loaded) {
  print_errors(loaded.errors);
  return loaded.settings.has_value();
}

}  // namespace

int check_command(const RunOptions& options, const std::string& kind) {
  if (kind == "load") {
    const auto loaded = read_load_settings(options.config, options.sets);
    if (!well(loaded)) return kBadUsage;
    report_tuples(*loaded.settings);
    return report_memory(
        {plan_memory(*loaded.settings, "client", LoadRun::bytes_needed(*loaded.settings))});
  }
  if (kind == "lab") {
    const auto loaded = read_lab_settings(options.config, options.sets);
    if (!well(loaded)) return kBadUsage;
    const LabSettings& lab = *loaded.settings;
    report_tuples(lab.client);
    return report_memory({plan_memory(lab.server, "server", ServeRun::bytes_needed(lab.server)),
                          plan_memory(lab.client, "client", LoadRun::bytes_needed(lab.client))});
  }
  const auto loaded = read_serve_settings(options.config, options.sets);
  if (!well(loaded)) return kBadUsage;
  return report_memory(
      {plan_memory(*loaded.settings, "server", ServeRun::bytes_needed(*loaded.settings))});
}

}  // namespace mayfly
