#include "config/derive.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace mayfly::config {
namespace {

void derive_common(shard::EndSettings& settings, const std::vector<nic::PortSettings>& ports,
                   const Scope& scope) {
  constexpr int kHeaderBytes = 40, kHalfOpenShare = 4, kOrphanShare = 4;
  if (!scope.has("connections.half_open"))
    settings.shard.syn.half_open = std::max(1u, settings.connections.capacity / kHalfOpenShare);
  if (!scope.has("tcp.orphans_max"))
    settings.shard.orphans.most = std::max(1u, settings.connections.capacity / kOrphanShare);
  settings.shard.time_wait.rules.timestamps_missing = settings.shard.tcp.timestamps_missing;
  if (scope.has("tcp.mss")) return;
  for (const nic::PortSettings& port : ports) {
    settings.shard.tcp.mss =
        std::min(settings.shard.tcp.mss, static_cast<std::uint16_t>(port.mtu - kHeaderBytes));
  }
}

/// Sets the only port of one end of the lab, at `address` unless the file has an address.
void derive_port(std::vector<nic::PortSettings>& ports, const Scope& scope,
                 const link::InterfaceAddress& address) {
  if (!scope.has("ports")) ports.resize(1);
  if (!ports.empty() && !scope.has("ports.0.addresses")) {
    ports[0].addresses = {address};
  }
}

}  // namespace

void derive(ServeSettings& settings, const Scope& scope, const std::string& file) {
  derive_common(settings, settings.process.ports, scope);
  // What peers send has to fit into another packet too (RFC 2003, 2473).
  if (!scope.has("tcp.mss")) settings.shard.tcp.mss -= settings.cluster.outer_header();
  const std::filesystem::path base = std::filesystem::path(file).parent_path();
  for (service::RouteSettings& route : settings.http.routes) {
    if (route.folder) route.folder = (base / *route.folder).lexically_normal().string();
  }
}

void derive(ProgramSettings& settings, const Scope& scope) {
  derive_common(settings, settings.process.ports, scope);
}

void derive(LoadSettings& settings, const Scope& scope) {
  derive_common(settings, settings.process.ports, scope);
  // The first connections would wait for it, and their latencies be those of the waiting.
  for (std::size_t i = 0; i < settings.process.ports.size(); ++i)
    if (!scope.has("ports." + std::to_string(i) + ".detect_duplicates"))
      settings.process.ports[i].detects_duplicates = false;
  if (scope.has("sources.addresses") || settings.process.ports.empty()) return;
  const auto& addresses = settings.process.ports[0].addresses;
  const auto& addresses6 = settings.process.ports[0].addresses6;
  if (settings.target.six && !addresses6.empty()) {
    settings.sources.six = addresses6[0].first;
    settings.sources.first = {addresses6[0].first.low()};
    settings.sources.last = {addresses6[0].last.low()};
    return;
  }
  if (addresses.empty()) return;
  settings.sources.first = addresses[0].first;
  settings.sources.last = addresses[0].last;
}

BothEnds lab_defaults() {
  BothEnds pair;
  pair.server.cores = {0};
  pair.server.listen = {service::ListenSettings{}};
  pair.client.cores = {1};
  return pair;
}

void derive(BothEnds& pair, const Scope& server, const Scope& client, const std::string& file) {
  constexpr Ipv4Address kServer{0xc6120001}, kClientFirst{0xc6120101}, kClientLast{0xc6120164};
  derive_port(pair.server.process.ports, server, {kServer, kServer, 15});
  derive_port(pair.client.process.ports, client, {kClientFirst, kClientLast, 15});
  derive(pair.server, server, file);
  // Of a server with both families it is the IPv4 address, unless the file names the other.
  if (!client.has("target.address") && !pair.server.process.ports.empty()) {
    const nic::PortSettings& port = pair.server.process.ports[0];
    if (!port.addresses.empty()) {
      pair.client.target.address = port.addresses[0].first;
    } else if (!port.addresses6.empty()) {
      pair.client.target.six = port.addresses6[0].first;
    }
  }
  derive(pair.client, client);
  if (!client.has("target.port") && !pair.server.listen.empty()) {
    pair.client.target.port = pair.server.listen[0].port;
  }
  if (!client.has("hugepages")) pair.client.process.hugepages = pair.server.process.hugepages;
}

void derive(LabExperiment& experiment, const Scope& scope) {
  constexpr int kShareOfTheRun = 5;
  const Duration duration = experiment.client.load.duration;
  if (scope.has("warm_up") || duration.us == 0) return;
  experiment.warm_up = std::min(experiment.warm_up, duration / kShareOfTheRun);
}

void last_for(LabExperiment& experiment, Duration duration) {
  load::LoadShape& load = experiment.client.load;
  const double part = load.duration.us > 0 ? duration.seconds() / load.duration.seconds() : 0;
  const auto scaled = [part](Duration time) {
    return Duration{static_cast<std::int64_t>(static_cast<double>(time.us) * part)};
  };
  experiment.warm_up = load.duration.us > 0 ? scaled(experiment.warm_up)
                                            : std::min(experiment.warm_up, duration / 5);
  load.ramp = load.duration.us > 0 ? scaled(load.ramp) : std::min(load.ramp, duration);
  load.duration = duration;
}

}  // namespace mayfly::config
