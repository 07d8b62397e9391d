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
  auto site = service::Site::load(settings.server.http);
  if (!site) return site.error();
  auto server =
      ServeRun::create(settings.server, std::move(*site), devices.server, clock, {random_secret()});
  if (!server) return server.error();
  auto client = LoadRun::create(settings.client, devices.client, clock, {random_secret()});
  if (!client) return client.error();
  lab->server_ = std::move(*server);
  lab->client_ = std::move(*client);
  return lab;
}

void LiveLab::start(nic::Eal& eal) {
  server_->start(eal, 0);
  client_->start(eal, settings_.server.cores.size());
}

void LiveLab::watch(std::optional<Duration> duration, const StopAsked& stop_asked,
                    const std::function<void()>& each_round) {
  const Instant begin = clock_.now();
  while (stop_asked() == Stop::no && !client_->finished() &&
         (!duration || clock_.now() - begin < *duration)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    server_->sample();
    each_round();
  }
  client_->stop();
  server_->stop();
}

void LiveLab::use(const config::LiveSettings<config::ServeSettings>& live) {
  server_->use(live.now());
  config::ConfigSource source = live.source();
  source.sets.insert(source.sets.end(), live.overrides().begin(), live.overrides().end());
  const auto pair = pair_.read(source);
  if (!pair.settings) return;  // the file has changed since the server's part was read from it
  client_->use(pair.settings->client);
  const std::lock_guard guard(changing_);
  client_time_wait_ = pair.settings->client.shard.time_wait;
}

void LiveLab::add_to(admin::Reading& reading) {
  reading.service = server_->services();
  client_->add_to(reading);
  admin::EndReading& client = reading.client.emplace();
  client.cores = client_->cores();
  client.connections_max = settings_.client.connections.capacity;
  const std::lock_guard guard(changing_);
  client.time_wait = client_time_wait_;
}

nlohmann::ordered_json LiveLab::json() {
  nlohmann::ordered_json json = server_->json();
  json["links"] = nlohmann::ordered_json::array();
  const auto client = client_->json_so_far();
  json["client"] =
      client
          ? *client
          : nlohmann::ordered_json{{"error", nlohmann::ordered_json::array({client.error().what})}};
  return json;
}

}  // namespace mayfly::run
