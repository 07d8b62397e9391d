// mayfly lab --live: server, generator and the disease in one process, with the page of both.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "admin/endpoints.h"
#include "admin/stats_json.h"
#include "commands.h"
#include "lab_wire.h"
#include "print.h"
#include "run/controls.h"
#include "run/live_lab.h"
#include "run/memory_plan.h"
#include "run/preflight.h"
#include "run/program.h"
#include "run/signals.h"
#include "run/start.h"

namespace mayfly::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "conf/lab/live.yaml";
constexpr const char* kPage = "127.0.0.1:9000";
constexpr const char* kDisease = "strict-rfc9293";

/// The file that is used if none is given: in the current folder, or in that of the sources that
/// this program was built from.
std::string default_file() {
  std::error_code failure;
  if (fs::exists(kFile, failure)) return kFile;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  return (program.parent_path() / "../.." / kFile).lexically_normal().string();
}

std::vector<std::uint32_t> cores_of(const config::BothEnds& pair) {
  std::vector<std::uint32_t> cores = pair.server.cores;
  cores.insert(cores.end(), pair.client.cores.begin(), pair.client.cores.end());
  return cores;
}

/// Serves the page until the end. The exit status.
int run_live(const RunOptions& options, const run::LivePair& pair, const config::BothEnds& settings,
             const config::ConfigSource& source, nic::Eal& eal) {
  auto devices = run::LabDevices::open(settings, run::printed_progress());
  if (!devices) return fail(devices.error());
  const nic::TscClock clock;
  auto made = run::LiveLab::create(pair, settings, *devices, clock);
  if (!made) return fail(made.error());
  run::LiveLab& lab = **made;
  using Live = config::LiveSettings<config::ServeSettings>;
  run::Controls<config::ServeSettings> controls(
      Live(
          source, settings.server,
          [&](const auto& wanted, bool rereads) { return lab.prepare(wanted, rereads); },
          [&](const auto& from) { return pair.read_server(from); }),
      {.use = [&](const Live& live) { lab.use(live); },
       .stats = [&] { return lab.json(); },
       .on_change = print_change,
       .cores = [&] { return lab.cores(); },
       .add_to = [&](admin::Reading& reading) { lab.add_to(reading); },
       .links = [] { return nlohmann::ordered_json::array(); },
       .listed = lab.listed(),
       .tapped = lab.tapped()});
  if (const int failed = open_controls(controls, "lab", settings.server.admin)) return failed;
  lab.start(eal);
  fmt::print("ready: the disease is on its way; Ctrl-C ends it\n");
  std::fflush(stdout);
  lab.watch(
      options.duration, [&] { return controls.or_drain(run::stop_asked()); },
      [&] { follow_hangups(controls); });
  eal.wait();
  const auto json = lab.json();
  fmt::print("completed {} connections; the policy at the end: {}\n",
             json["completed"].get<std::uint64_t>(), controls.policy());
  if (options.json.empty()) return kOk;
  if (const auto written = admin::write_json(options.json, json); !written)
    return fail(written.error());
  return kOk;
}

}  // namespace

int live_lab_command(const RunOptions& options) {
  const config::ConfigSource source{options.config.empty() ? default_file() : options.config,
                                    options.policy.empty() ? kDisease : options.policy,
                                    options.sets};
  LabWireEnds wire;
  const admin::AdminSettings admin{.socket = options.socket.empty() ? "auto" : options.socket,
                                   .page = options.page.empty() ? kPage : options.page,
                                   .token_file = options.token_file};
  const run::LivePair pair(source.file, [&](config::BothEnds& ends) {
    run::LoadRun::own_sources(ends.client);
    ends.server.process.ports[0].device = wire.server;
    ends.client.process.ports[0].device = wire.client;
    ends.server.process.ports[0].descriptors = kRingSize;
    ends.client.process.ports[0].descriptors = kRingSize;
    ends.server.admin = admin;
  });
  if (const auto why = admin::why_no_page(admin)) return fail({*why, ErrorKind::usage});
  if (const auto writes = run::check_output(options.json); !writes) return fail(writes.error());
  auto loaded = pair.read(source, run::this_machine());
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  config::BothEnds settings = std::move(*loaded.settings);
  run::catch_signals();
  run::catch_hangups();
  const auto plans = run::plans_of(settings);
  auto eal =
      start_process(plans, settings.server.process, cores_of(settings), run::printed_progress());
  if (!eal) return fail(eal.error());
  const auto made = make_wire(config::LabWire::ring, settings);
  if (!made) return fail(made.error());
  wire = *made;
  settings.server.process.ports[0].device = wire.server;
  settings.client.process.ports[0].device = wire.client;
  return run_live(options, pair, settings, source, *eal);
}

}  // namespace mayfly::app
