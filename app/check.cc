// mayfly check: everything that is wrong with a configuration, or what it would take to run it.
#include <fmt/format.h>

#include "commands.h"
#include "config/read.h"
#include "load/plan.h"
#include "print.h"
#include "run/experiment.h"
#include "run/load_run.h"
#include "run/memory_plan.h"
#include "run/serve_run.h"

namespace mayfly {
namespace {

int report_memory(std::span<const MemoryPlan> plans) {
  fmt::print("{}\n", memory_table(plans));
  if (const auto fits = check_memory(plans, free_memory()); !fits) return fail(fits.error());
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
    const auto loaded = read_load_settings(options.config, options.sets, options.policy);
    if (!well(loaded)) return kBadUsage;
    report_tuples(*loaded.settings);
    const MemoryPlan plan = plan_memory(*loaded.settings, loaded.settings->process, "client",
                                        LoadRun::bytes_needed(*loaded.settings));
    return report_memory(std::span(&plan, 1));
  }
  if (kind == "lab") {
    const auto loaded = read_lab_settings(options.config, options.sets);
    if (!well(loaded)) return kBadUsage;
    for (const LabExperiment& e : loaded.settings->experiments) {
      fmt::print("{}: ", e.name);
      report_tuples(e.client);
    }
    return report_memory(largest_plans(*loaded.settings));
  }
  const auto loaded = read_serve_settings(options.config, options.sets, options.policy);
  if (!well(loaded)) return kBadUsage;
  const MemoryPlan plan = plan_memory(*loaded.settings, loaded.settings->process, "server",
                                      ServeRun::bytes_needed(*loaded.settings));
  return report_memory(std::span(&plan, 1));
}

}  // namespace mayfly
