#include "run/lab_ends.h"

#include <utility>

namespace mayfly::run {

Result<LabDevices> LabDevices::open(const config::BothEnds& settings,
                                    const StartProgress& progress) {
  auto server = open_devices(settings.server.process, settings.server.cores.size(), progress);
  if (!server) return server.error();
  auto client = open_devices(settings.client.process, settings.client.cores.size(), progress);
  if (!client) return client.error();
  return LabDevices{std::move(*server), std::move(*client)};
}

std::vector<MemoryPlan> plans_of(const config::BothEnds& settings) {
  const config::ServeSettings& server = settings.server;
  const config::LoadSettings& client = settings.client;
  return {plan_memory(server, server.process, "server", ServeRun::bytes_needed(server)),
          plan_memory(client, client.process, "client", LoadRun::bytes_needed(client))};
}

Result<LabEnds> LabEnds::create(const config::BothEnds& settings, LabDevices& devices,
                                const nic::TscClock& clock) {
  auto site = service::Site::load(settings.server.http);
  if (!site) return site.error();
  auto server =
      ServeRun::create(settings.server, std::move(*site), devices.server, clock, {random_secret()});
  if (!server) return server.error();
  auto client = LoadRun::create(settings.client, devices.client, clock, {random_secret()});
  if (!client) return client.error();
  return LabEnds{std::move(*server), std::move(*client)};
}

void LabEnds::start(nic::Eal& eal, const config::BothEnds& settings) {
  server->start(eal, 0);
  client->start(eal, settings.server.cores.size());
}

void LabEnds::stop() {
  client->stop();
  server->stop();
}

}  // namespace mayfly::run
