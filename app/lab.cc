// mayfly lab: experiments with server and generator as two cores of this process, the hazard lab,
// and the report of both.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "experiment.h"
#include "lab/hazards.h"
#include "lab/report.h"
#include "lab_progress.h"
#include "load/plan.h"
#include "load_run.h"
#include "nic/ring_pair.h"
#include "origin.h"
#include "serve_run.h"
#include "signals.h"
#include "start.h"

namespace mayfly {
namespace {

constexpr std::uint16_t kRingSize = 16'384;

/// What the files of the lab are written to, made before anything runs.
std::string make_folder(const std::string& folder) {
  std::error_code failure;
  if (!folder.empty()) std::filesystem::create_directories(folder, failure);
  return failure ? fmt::format("cannot make {}: {}", folder, failure.message()) : "";
}

std::string write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? "" : fmt::format("cannot write {}: {}", path, std::strerror(errno));
}

/// Everything that has to be the same in all experiments, since the devices are.
std::string why_not_together(const LabSettings& lab) {
  const ExperimentSettings& first = lab.experiments.front();
  for (const ExperimentSettings& e : lab.experiments) {
    if (e.server.cores != first.server.cores || e.client.cores != first.client.cores)
      return fmt::format("experiment {} has other cores than {}: all share them", e.name,
                         first.name);
  }
  return {};
}

/// Names both devices of the pair in every experiment.
std::string join(LabSettings& lab) {
  const ExperimentSettings& first = lab.experiments.front();
  std::string server, client;
  if (lab.wire == LabWire::ring) {
    const auto queues =
        static_cast<std::uint16_t>(std::max(first.server.cores.size(), first.client.cores.size()));
    const auto pair = make_ring_pair("lab", kRingSize, queues);
    if (!pair) return pair.error().what;
    server = pair->a;
    client = pair->b;
  } else {
    const auto end = [](int number, const char* role) {
      return fmt::format(
          "net_memif{},role={},id=0,socket=/tmp/mayfly-lab-{}.sock,"
          "socket-abstract=no,rsize=14",
          number, role, getpid());
    };
    server = end(0, "server");
    client = end(1, "client");
  }
  for (ExperimentSettings& e : lab.experiments) {
    e.server.ports[0].device = server;
    e.client.ports[0].device = client;
  }
  return {};
}

/// Runs everything; what was done before an interruption or a failure is in `result`. The failure
/// in words, if there was one.
std::string run_all(const LabSettings& lab, Eal& eal, const EndAsked& end_asked,
                    LabResult& result) {
  LabProgress progress(lab, isatty(STDOUT_FILENO) != 0);
  if (!lab.experiments.empty()) {
    auto server = open_devices(lab.experiments[0].server);
    auto client = server ? open_devices(lab.experiments[0].client) : std::nullopt;
    if (!client) return "the devices could not be opened";
    LabDevices devices{std::move(*server), std::move(*client)};
    const TscClock clock;
    for (const ExperimentSettings& e : lab.experiments) {
      if (end_asked()) return {};
      auto run = run_experiment(e, lab.sample, devices, eal, clock, end_asked,
                                [&](const LabSample& sample) { progress.on_sample(e, sample); });
      if (!run) return e.name + ": " + run.error().what;
      progress.on_end(*run);
      result.experiments.push_back(std::move(*run));
    }
  }
  if (lab.hazards.policies.empty() || end_asked()) return {};
  auto ledger = run_hazards(lab.hazards, [&](std::size_t done, std::size_t all) {
    progress.on_hazards(done, all);
    return !end_asked();
  });
  if (!ledger) return "hazards: " + ledger.error().what;
  result.hazard_seed = lab.hazards.seed;
  result.ledger = std::move(*ledger);
  return {};
}

/// summary.json, samples.csv and report.html; and the JSON where else it is wanted.
std::string write_results(const RunOptions& options, const LabResult& result) {
  const nlohmann::ordered_json json = lab_json(result);
  if (!options.json.empty())
    if (std::string why = write_json(options.json, json); !why.empty()) return why;
  if (options.out.empty()) return {};
  if (std::string why = write_json(options.out + "/summary.json", json); !why.empty()) return why;
  if (std::string why = write_text(options.out + "/samples.csv", samples_csv(result)); !why.empty())
    return why;
  if (std::string why = write_text(options.out + "/report.html", report_html(result)); !why.empty())
    return why;
  fmt::print("\nthe report: {}/report.html\n", options.out);
  return {};
}

int fail(int status, const std::string& why) {
  fmt::print(stderr, "mayfly: {}\n", why);
  return status;
}

/// Every experiment completed something, and those that expect nothing in particular lost nothing.
bool succeeded(const ExperimentRun& run) {
  const bool judged = run.settings.expect != Expectation::none || run.settings.story > 0;
  return run.client["completed"].get<std::uint64_t>() > 0 &&
         (judged || run.interrupted || run.client["failed_total"].get<std::uint64_t>() == 0);
}

}  // namespace

int lab_command(const RunOptions& options) {
  auto loaded = read_lab_settings(options.config, options.sets);
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  LabSettings lab = std::move(*loaded.settings);
  const bool is_single = lab.experiments.size() == 1;
  for (ExperimentSettings& e : lab.experiments) {
    if (options.duration && is_single) e.client.load.duration = *options.duration;
    if (const std::string why = refusal_of(e); !why.empty())
      return fail(kBadUsage, e.name + ": " + why);
    LoadRun::own_sources(e.client);
    // A ring's frames come from its sender's pool: the memory plan must know its size.
    e.server.ports[0].descriptors = e.client.ports[0].descriptors = kRingSize;
  }
  std::vector<std::uint32_t> cores{0};
  CommonSettings process;
  if (!lab.experiments.empty()) {
    if (const std::string why = why_not_together(lab); !why.empty()) return fail(kBadUsage, why);
    process = lab.experiments[0].server;
    cores = process.cores;
    const auto& more = lab.experiments[0].client.cores;
    cores.insert(cores.end(), more.begin(), more.end());
  }
  if (const std::string why = make_folder(options.out); !why.empty()) return fail(kRunFailed, why);
  catch_signals();
  int status = kOk;
  auto eal = start_process(largest_plans(lab), process, cores, status);
  if (!eal) return status;
  if (!lab.experiments.empty())
    if (const std::string why = join(lab); !why.empty()) return fail(kRunFailed, why);

  LabResult result{.origin = origin_of(options.config)};
  const auto begin = std::chrono::steady_clock::now();
  const bool has_limit = options.duration && !is_single;
  const auto is_late = [&] {
    return has_limit && std::chrono::steady_clock::now() - begin >=
                            std::chrono::microseconds(options.duration->us);
  };
  const std::string failure = run_all(
      lab, *eal, [&] { return stops_asked() > 0 || is_late(); }, result);
  fmt::print("\n{}", lab_table(result));
  if (const std::string why = write_results(options, result); !why.empty())
    return fail(kRunFailed, why);
  if (!failure.empty()) return fail(kRunFailed, failure);
  if (stops_asked() > 0)
    return fail(kRunFailed, "interrupted: the results hold what was measured until then");
  if (is_late())
    fmt::print("ended by --duration: {} of {} experiments ran\n", result.experiments.size(),
               lab.experiments.size());
  return std::ranges::all_of(result.experiments, succeeded) ? kOk : kRunFailed;
}

}  // namespace mayfly
