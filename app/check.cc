// mayfly check: all errors of a configuration, or the memory and sources that a run needs.
#include <fmt/format.h>

#include "commands.h"
#include "config/read.h"
#include "load/plan.h"
#include "print.h"
#include "run/experiment.h"
#include "run/load_run.h"
#include "run/memory_plan.h"
#include "run/serve_run.h"

namespace mayfly::app {
namespace {

int report_memory(std::span<const run::MemoryPlan> plans) {
  fmt::print("{}\n", memory_table(plans));
  if (const auto fits = check_memory(plans, run::free_memory()); !fits) return fail(fits.error());
  fmt::print("the configuration is good\n");
  return kOk;
}

void report_tuples(const config::LoadSettings& settings) {
  const load::TuplePlan plan = plan_tuples(settings);
  fmt::print("sources: {}\n", arithmetic_of(plan));
  if (const std::string warning = warning_of(plan); !warning.empty()) fmt::print("{}\n", warning);
}

template <class T>
bool well(const config::Loaded<T>& loaded) {
  print_errors(loaded.errors);
  return loaded.settings.has_value();
}

}  // namespace

int check_command(const RunOptions& options, const std::string& kind) {
  if (kind == "load") {
    const auto loaded = config::read_load_settings(options.config, options.sets, options.policy);
    if (!well(loaded)) return kBadUsage;
    report_tuples(*loaded.settings);
    const run::MemoryPlan plan =
        run::plan_memory(*loaded.settings, loaded.settings->process, "client",
                         run::LoadRun::bytes_needed(*loaded.settings));
    return report_memory(std::span(&plan, 1));
  }
  if (kind == "lab") {
    const auto loaded = config::read_lab_settings(options.config, options.sets);
    if (!well(loaded)) return kBadUsage;
    for (const config::LabExperiment& e : loaded.settings->experiments) {
      fmt::print("{}: ", e.name);
      report_tuples(e.client);
    }
    return report_memory(run::largest_plans(*loaded.settings));
  }
  const auto loaded = config::read_serve_settings(options.config, options.sets, options.policy);
  if (!well(loaded)) return kBadUsage;
  const run::MemoryPlan plan =
      run::plan_memory(*loaded.settings, loaded.settings->process, "server",
                       run::ServeRun::bytes_needed(*loaded.settings));
  return report_memory(std::span(&plan, 1));
}

}  // namespace mayfly::app
