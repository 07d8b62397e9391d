// mayfly lab: experiments with server and generator as cores of this process, the hazard lab, and
// the report on both.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "commands.h"
#include "config/derive.h"
#include "config/read.h"
#include "lab/evaluate.h"
#include "lab/hazards.h"
#include "lab/report.h"
#include "lab_files.h"
#include "lab_progress.h"
#include "lab_wire.h"
#include "load/plan.h"
#include "origin.h"
#include "print.h"
#include "run/experiment.h"
#include "run/load_run.h"
#include "run/preflight.h"
#include "run/program.h"
#include "run/signals.h"
#include "run/start.h"

namespace mayfly::app {
namespace {

/// Makes the folder for the files of the lab, before anything runs.
Result<void> make_folder(const std::string& folder) {
  std::error_code failure;
  if (!folder.empty()) std::filesystem::create_directories(folder, failure);
  if (!failure) return {};
  return Error{fmt::format("cannot make {}: {}", folder, failure.message())};
}

/// Sets the names of the two devices in every experiment.
Result<void> join(config::LabSettings& lab) {
  const auto wire = make_wire(lab.wire, lab.experiments.front());
  if (!wire) return wire.error();
  for (config::LabExperiment& e : lab.experiments) {
    e.server.process.ports[0].device = wire->server;
    e.client.process.ports[0].device = wire->client;
  }
  return {};
}

/// The experiment as it is offered on this machine.
Result<config::LabExperiment> offered_share(config::LabExperiment experiment,
                                            const lab::Calibration& calibration) {
  if (experiment.share <= 0) return experiment;
  if (calibration.cps <= 0)
    return Error{fmt::format(
        "{}: what this machine carries is not known, as connections failed in {}; is it busy?",
        experiment.name, calibration.experiment)};
  experiment.client.load.rate = std::round(experiment.share * calibration.cps);
  if (const auto lasts = lab::check_lasts(experiment.lab_pair()); !lasts)
    return Error{experiment.name + ": " + lasts.error().what, lasts.error().kind};
  return experiment;
}

/// Runs the experiments one after the other; `result` gets those that have ended.
Result<void> run_experiments(const config::LabSettings& lab, nic::Eal& eal,
                             const run::StopAsked& stop, LabProgress& progress,
                             lab::LabResult& result) {
  auto devices = run::LabDevices::open(lab.experiments.front(), run::printed_progress());
  if (!devices) return devices.error();
  const nic::TscClock clock;
  for (const config::LabExperiment& e : lab.experiments) {
    if (stop() != run::Stop::no) return {};
    auto offered = offered_share(e, result.calibration);
    if (!offered) return offered.error();
    const auto run_once = [&] {
      return run_experiment(
          *offered, lab.sample, *devices, eal, clock, stop,
          [&](const lab::LabSample& sample) { progress.on_sample(*offered, sample); });
    };
    auto run = lab::run_as_expected(run_once);
    if (!run) return Error{e.name + ": " + run.error().what};
    progress.on_end(*run);
    if (e.calibrates) result.calibration = calibration_of(*run);
    result.experiments.push_back(std::move(*run));
  }
  return {};
}

/// Runs everything; `result` has what was finished before an interruption or a failure.
Result<void> run_all(const config::LabSettings& lab, nic::Eal& eal, const run::StopAsked& stop,
                     lab::LabResult& result) {
  LabProgress progress(lab, isatty(STDOUT_FILENO) != 0);
  if (!lab.experiments.empty())
    if (auto done = run_experiments(lab, eal, stop, progress, result); !done) return done;
  if (lab.hazards.policies.empty() || stop() != run::Stop::no) return {};
  auto ledger = run_hazards(lab.hazards, [&](std::size_t done, std::size_t all) {
    progress.on_hazards(done, all);
    return stop() == run::Stop::no;
  });
  if (!ledger) return Error{"hazards: " + ledger.error().what};
  result.hazard_seed = lab.hazards.seed;
  result.hazard_seeds = lab.hazards.seeds;
  result.ledger = std::move(*ledger);
  return {};
}

/// True if every experiment completed a connection, and no connection failed in those that are
/// neither held against an expectation nor compared in a situation.
bool succeeded(const lab::ExperimentRun& run) {
  const bool judged = run.settings.expect != lab::Expectation::none || run.settings.story > 0 ||
                      run.settings.situation;  // what fails there is a result
  return run.client["completed"].get<std::uint64_t>() > 0 &&
         (judged || run.interrupted || run.client["failed_total"].get<std::uint64_t>() == 0);
}

}  // namespace

int lab_command(const RunOptions& options) {
  auto loaded = config::read_lab_settings(options.config, options.sets, run::this_machine());
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  config::LabSettings lab = std::move(*loaded.settings);
  const bool is_single = lab.experiments.size() == 1;
  for (config::LabExperiment& e : lab.experiments) {
    if (options.duration && is_single) config::last_for(e, *options.duration);
    if (const auto lasts = lab::check_lasts(e.lab_pair()); !lasts)
      return fail({e.name + ": " + lasts.error().what, lasts.error().kind});
    run::LoadRun::own_sources(e.client);
    // The frames of a ring come from the sender's pool, so the memory plan needs its size.
    e.server.process.ports[0].descriptors = e.client.process.ports[0].descriptors = kRingSize;
  }
  std::vector<std::uint32_t> cores{0};
  nic::ProcessSettings process;
  if (!lab.experiments.empty()) {
    process = lab.experiments[0].server.process;
    cores = lab.experiments[0].server.cores;
    const auto& more = lab.experiments[0].client.cores;
    cores.insert(cores.end(), more.begin(), more.end());
  }
  if (const auto writes = run::check_output(options.json); !writes) return fail(writes.error());
  if (const auto writes = run::check_output_folder(options.out); !writes)
    return fail(writes.error());
  if (const auto made = make_folder(options.out); !made) return fail(made.error());
  run::catch_signals();
  auto eal = start_process(run::largest_plans(lab), process, cores, run::printed_progress());
  if (!eal) return fail(eal.error());
  if (!lab.experiments.empty())
    if (const auto joined = join(lab); !joined) return fail(joined.error());

  lab::LabResult result;
  result.origin = origin_of(options.config);
  result.situations = lab.situations;
  const auto begin = std::chrono::steady_clock::now();
  const bool has_limit = options.duration && !is_single;
  const auto is_late = [&] {
    return has_limit && std::chrono::steady_clock::now() - begin >=
                            std::chrono::microseconds(options.duration->us);
  };
  const auto stop = [&] {
    const run::Stop asked = run::stop_asked();
    return asked == run::Stop::no && is_late() ? run::Stop::orderly : asked;
  };
  const auto done = run_all(lab, *eal, stop, result);
  fmt::print("\n{}", lab_table(result));
  const bool is_written = write_results(options, result);
  if (!done) return fail(done.error());
  if (run::stop_asked() != run::Stop::no)
    return fail({"interrupted: the results contain what was measured until then"});
  if (is_late())
    fmt::print("ended by --duration: {} of {} experiments ran\n", result.experiments.size(),
               lab.experiments.size());
  return is_written && std::ranges::all_of(result.experiments, succeeded) ? kOk : kRunFailed;
}

}  // namespace mayfly::app
