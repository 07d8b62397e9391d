#include "run/live_lab.h"

#include <chrono>
#include <thread>
#include <utility>

namespace mayfly::run {

config::Loaded<config::BothEnds> LivePair::read(const config::ConfigSource& source,
                                                const config::Machine& machine) const {
  std::vector<std::string> sets;
  for (const std::string& set : source.sets) {
    const bool has_end = set.starts_with("server.") || set.starts_with("client.");
    sets.push_back(has_end ? set : "server." + set);
    if (set.starts_with("close.first=")) sets.push_back("client." + set);
  }
  auto pair = config::read_live_pair(file_, source.policy, sets, machine);
  if (pair.settings) prepare_(*pair.settings);
  return pair;
}

config::Loaded<config::ServeSettings> LivePair::read_server(
    const config::ConfigSource& source) const {
  auto pair = read(source);
  if (!pair.settings) return {std::nullopt, std::move(pair.errors)};
  return {std::move(pair.settings->server), {}};
}

Result<std::unique_ptr<LiveLab>> LiveLab::create(const LivePair& pair,
                                                 const config::BothEnds& settings,
                                                 LabDevices& devices, const nic::TscClock& clock) {
  std::unique_ptr<LiveLab> lab(new LiveLab(pair, settings));
  lab->clock_ = clock;
  auto ends = LabEnds::create(settings, devices, clock);
  if (!ends) return ends.error();
  lab->ends_ = std::move(*ends);
  return lab;
}

void LiveLab::watch(std::optional<Duration> duration, const StopAsked& stop_asked,
                    const std::function<void()>& each_round) {
  const Instant begin = clock_.now();
  while (stop_asked() == Stop::no && !ends_.client->finished() &&
         (!duration || clock_.now() - begin < *duration)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ends_.server->sample();
    each_round();
  }
  ends_.stop();
}

void LiveLab::use(const config::LiveSettings<config::ServeSettings>& live) {
  ends_.server->use(live.now());
  config::ConfigSource source = live.source();
  source.sets.insert(source.sets.end(), live.overrides().begin(), live.overrides().end());
  const auto pair = pair_.read(source);
  if (!pair.settings) return;  // the file has changed since the server's part was read from it
  ends_.client->use(pair.settings->client);
  const std::lock_guard guard(changing_);
  client_time_wait_ = pair.settings->client.shard.time_wait;
}

void LiveLab::add_to(admin::Reading& reading) {
  reading.service = ends_.server->services();
  ends_.client->add_to(reading);
  admin::EndReading& client = reading.client.emplace();
  client.cores = ends_.client->cores();
  client.connections_max = settings_.client.connections.capacity;
  const std::lock_guard guard(changing_);
  client.time_wait = client_time_wait_;
}

nlohmann::ordered_json LiveLab::json() {
  nlohmann::ordered_json json = ends_.server->json();
  json["links"] = nlohmann::ordered_json::array();
  const auto client = ends_.client->json_so_far();
  json["client"] =
      client
          ? *client
          : nlohmann::ordered_json{{"error", nlohmann::ordered_json::array({client.error().what})}};
  return json;
}

}  // namespace mayfly::run
