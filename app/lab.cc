// mayfly lab: server and generator as two cores of this process, over a pair of in-memory rings.
#include <fmt/format.h>

#include <filesystem>
#include <thread>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "load/plan.h"
#include "load_run.h"
#include "nic/ring_pair.h"
#include "serve_run.h"
#include "signals.h"
#include "start.h"

namespace mayfly {
namespace {

constexpr std::uint16_t kRingSize = 16'384;

// Both devices of the pair, and the two halves of the settings that use them.
bool join(LabSettings& lab) {
  const auto queues =
      static_cast<std::uint16_t>(std::max(lab.server.cores.size(), lab.client.cores.size()));
  const auto pair = make_ring_pair("lab", kRingSize, queues);
  if (!pair) {
    fmt::print(stderr, "mayfly: {}\n", pair.error().what);
    return false;
  }
  lab.server.ports[0].device = pair->a;
  lab.client.ports[0].device = pair->b;
  return true;
}

int write_results(const RunOptions& options, ServeRun& server, LoadRun& client,
                  const LabSettings& lab) {
  nlohmann::ordered_json json;
  json["server"] = server.json();
  json["client"] = load_json(lab.client, client.reports());
  std::string path = options.json;
  if (!options.out.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(options.out, failure);
    if (failure) {
      fmt::print(stderr, "mayfly: cannot make {}: {}\n", options.out, failure.message());
      return kRunFailed;
    }
    path = options.out + "/summary.json";
  }
  for (const std::string& target : {path, options.json}) {
    if (target.empty()) continue;
    if (const std::string why = write_json(target, json); !why.empty()) {
      fmt::print(stderr, "mayfly: {}\n", why);
      return kRunFailed;
    }
    if (path == options.json) break;
  }
  return client.succeeded() ? kOk : kRunFailed;
}

}  // namespace

int lab_command(const RunOptions& options) {
  auto loaded = read_lab_settings(options.config, options.sets);
  if (!loaded.settings) {
    print_errors(loaded.errors);
    return kBadUsage;
  }
  LabSettings lab = std::move(*loaded.settings);
  if (options.duration) lab.client.load.duration = *options.duration;
  LoadRun::own_sources(lab.client);
  // A ring's frames come from its sender's pool: the memory plan must know its size.
  lab.server.ports[0].descriptors = lab.client.ports[0].descriptors = kRingSize;
  const auto site = Site::load(lab.server.http);
  if (!site) {
    fmt::print(stderr, "{}\n", site.error().what);
    return kBadUsage;
  }
  catch_signals();
  const MemoryPlan plans[] = {plan_memory(lab.server, "server", ServeRun::bytes_needed(lab.server)),
                              plan_memory(lab.client, "client", LoadRun::bytes_needed(lab.client))};
  std::vector<std::uint32_t> cores = lab.server.cores;
  cores.insert(cores.end(), lab.client.cores.begin(), lab.client.cores.end());
  int status = kOk;
  auto eal = start_process(plans, lab.server, cores, status);
  if (!eal) return status;
  if (!join(lab)) return kRunFailed;
  auto server_devices = open_devices(lab.server);
  auto client_devices = server_devices ? open_devices(lab.client) : std::nullopt;
  if (!client_devices) return kRunFailed;
  const TuplePlan tuples = plan_tuples(lab.client);
  fmt::print("source pairs: {}\n", arithmetic_of(tuples));
  if (const std::string warning = warning_of(tuples); !warning.empty()) fmt::print("{}\n", warning);

  const TscClock clock;
  auto server = ServeRun::create(lab.server, *site, *server_devices, clock);
  auto client = LoadRun::create(lab.client, *client_devices, clock);
  if (!server || !client) {
    fmt::print(stderr, "mayfly: {}\n", server ? client.error().what : server.error().what);
    return kRunFailed;
  }
  (*server)->start(*eal, 0);
  (*client)->start(*eal, lab.server.cores.size());
  fmt::print("ready\n");
  std::fflush(stdout);
  std::jthread sampler([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (*server)->sample();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  (*client)->watch();
  sampler.request_stop();
  sampler.join();
  (*server)->drain_and_stop();
  eal->wait();
  fmt::print("client\n{}server\n{}", load_table(lab.client, (*client)->reports()),
             (*server)->summary());
  return write_results(options, **server, **client, lab);
}

}  // namespace mayfly
