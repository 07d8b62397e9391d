// mayfly check: everything that serve, load or lab would refuse in a configuration, or the memory
// and sources that a run needs.
#include <fmt/format.h>

#include "commands.h"
#include "config/read.h"
#include "load/plan.h"
#include "print.h"
#include "run/experiment.h"
#include "run/load_run.h"
#include "run/memory_plan.h"
#include "run/preflight.h"
#include "run/serve_run.h"

namespace mayfly::app {
namespace {

using config::FileKind;

int report_memory(std::span<const run::MemoryPlan> plans, const char* kind) {
  fmt::print("{}\n", memory_table(plans));
  if (const auto fits = check_memory(plans, run::free_memory()); !fits) return fail(fits.error());
  fmt::print("the configuration is good, for mayfly {}\n", kind);
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
  print_errors(loaded.notes);
  return loaded.settings.has_value();
}

int check_serve(const RunOptions& options) {
  const auto loaded =
      config::read_serve_settings(options.config, options.sets, options.policy, run::everything());
  if (!well(loaded)) return kBadUsage;
  const run::MemoryPlan plan =
      run::plan_memory(*loaded.settings, loaded.settings->process, "server",
                       run::ServeRun::bytes_needed(*loaded.settings));
  return report_memory(std::span(&plan, 1), "serve");
}

int check_load(const RunOptions& options) {
  const auto loaded =
      config::read_load_settings(options.config, options.sets, options.policy, run::everything());
  if (!well(loaded)) return kBadUsage;
  report_tuples(*loaded.settings);
  const run::MemoryPlan plan =
      run::plan_memory(*loaded.settings, loaded.settings->process, "client",
                       run::LoadRun::bytes_needed(*loaded.settings));
  return report_memory(std::span(&plan, 1), "load");
}

int check_lab(const RunOptions& options) {
  const auto loaded = config::read_lab_settings(options.config, options.sets, run::everything());
  if (!well(loaded)) return kBadUsage;
  for (const config::LabExperiment& e : loaded.settings->experiments) {
    fmt::print("{}: ", e.name);
    report_tuples(e.client);
  }
  return report_memory(run::largest_plans(*loaded.settings), "lab");
}

int check_policy(const RunOptions& options) {
  // A bare name would be looked for among the presets.
  const bool has_folder = options.config.find('/') != std::string::npos;
  const auto loaded = config::read_policy(has_folder ? options.config : "./" + options.config);
  if (!well(loaded)) return kBadUsage;
  fmt::print("the configuration is good, as a policy: --policy {}\n", options.config);
  return kOk;
}

FileKind kind_of(const RunOptions& options, const std::string& kind) {
  if (kind == "serve") return FileKind::serve;
  if (kind == "load") return FileKind::load;
  if (kind == "lab") return FileKind::lab;
  if (kind == "policy") return FileKind::policy;
  return config::kind_of(options.config, options.sets);
}

}  // namespace

int check_command(const RunOptions& options, const std::string& kind) {
  switch (kind_of(options, kind)) {
    case FileKind::load: return check_load(options);
    case FileKind::lab: return check_lab(options);
    case FileKind::policy: return check_policy(options);
    case FileKind::serve: break;
  }
  return check_serve(options);
}

}  // namespace mayfly::app
