#include "world/hazard_scenario.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "world/as_proxy.h"

namespace mayfly::world {
namespace {

constexpr std::uint32_t kHosts = 4;
constexpr std::uint16_t kPortsEach = 32;
/// Many clients: three quarters directly, one behind a middlebox that blanks timestamps.
constexpr std::uint32_t kManyHosts = 192, kBlankedHosts = 64;
constexpr std::uint32_t kInsideHosts = 32;
constexpr std::uint16_t kInsidePortsEach = 2;
/// A NAT with fewer ports than its hosts would like, each given again after a second, as many do.
constexpr std::uint32_t kNatHosts = 24;
constexpr std::uint16_t kNatPorts = 16;
constexpr Duration kNatPortHold = Duration::from_s(1);
constexpr std::uint16_t kBalancedPorts = 16;
constexpr std::uint16_t kProxyPorts = 64;
constexpr std::uint32_t kUpstreams = 2;
/// Few four-tuples upload, so that one incarnation soon follows the other.
constexpr std::uint32_t kUploadPorts = 4;
/// A connection in twenty is an upload: 1 MB, sent within a fraction of the four seconds in which
/// the ISN clock counts so far. What is late by less meets an incarnation in whose window it may
/// fit.
constexpr std::uint32_t kUploadShare = 20, kUpload = 1'000'000;
constexpr std::uint32_t kShort = 600;  // octets, each way
/// The short exchanges must still be going on when the old duplicates of the first ones arrive.
constexpr Duration kRestMax = Duration::from_s(2), kNatRestMax = Duration::from_s(4);
/// Of many clients one comes now and then.
constexpr Duration kPauseMax = Duration::from_s(1), kNatPauseMax = Duration::from_ms(200);
/// A handshake that takes longer is given up: time for a SYN and three retransmissions. A user
/// behind a NAT waits for as long as a stack tries.
constexpr Duration kHandshakeMax = Duration::from_s(10), kUserWaits = Duration::from_s(75);
/// Copies that come 1 to 20 s late, as shares of all frames: well below any MSL of the standard,
/// well above the holds of the hasty policies.
constexpr double kStray = 0.05;
/// A lossy network has so many times the faults of the others.
constexpr double kWorseLoss = 5, kWorseOrder = 10;
/// More than all four-tuples together.
constexpr std::uint32_t kBlocks = 1'024, kEntries = 4'096;

/// Who closes first, and how. A server that waits for its client needs one that closes.
Parting parting_of(const EndPolicies& policy) {
  const shard::CloseSettings& server = policy.server.close;
  const shard::Closer client = policy.client.close.first;
  if (server.abort || server.first == shard::Closer::reset) return Parting::server_resets;
  if (client == shard::Closer::reset) return Parting::client_resets;
  return server.first == shard::Closer::client && client == shard::Closer::client
             ? Parting::client_first
             : Parting::server_first;
}

/// `octets` each way, all at once, and each four-tuple again as soon as its policy lets it.
Traffic traffic_of(const EndPolicies& policy, std::uint32_t connections, std::uint32_t octets,
                   Duration rest_max) {
  return {.connections = connections,
          .request_min = octets,
          .request_max = octets,
          .answer_min = octets,
          .answer_max = octets,
          .at_once = kBlocks,
          .rest_max = rest_max,
          .patient = false,
          .answers_early = true,
          .handshake_max = kHandshakeMax,
          .grace = policy.server.close.grace,
          .parting = parting_of(policy)};
}

flow::ShardSizes sizes_of(const shard::ShardSettings& settings) {
  return {.connections = kBlocks,
          .time_wait = std::min(settings.time_wait.capacity, kEntries),
          .chunks = kBlocks,
          .receive_buffers = 256,
          .receive_window = settings.tcp.receive_window};
}

HostPlan server_of(const HazardWorldSettings& settings, const EndPolicies& policy) {
  HostPlan server{.name = "server", .is_server = true};
  server.settings.tcp = policy.server.shard.tcp;
  flow::TimeWaitPolicy& time_wait = server.settings.time_wait = policy.server.shard.time_wait;
  if (settings.capacity > 0) time_wait.capacity = settings.capacity;
  server.sizes = sizes_of(server.settings);
  server.wire.faults = settings.link;
  server.wire.stray = kStray;
  return server;
}

HostPlan client_of(const EndPolicies& policy, std::uint32_t addresses, std::uint16_t ports) {
  HostPlan client{.name = "client", .addresses = addresses, .ports = ports};
  client.settings.tcp = policy.client.shard.tcp;
  client.settings.time_wait = policy.client.shard.time_wait;
  client.sizes = sizes_of(client.settings);
  return client;
}

HostPlan& add_client(Scenario& s, const EndPolicies& policy, std::uint32_t addresses,
                     std::uint16_t ports) {
  return s.hosts.emplace_back(client_of(policy, addresses, ports));
}

// No four-tuple is used twice.
void add_many_clients(Scenario& s, const EndPolicies& policy) {
  Traffic& traffic = s.traffics.front();
  traffic.at_once = 1;
  traffic.pause_max = kPauseMax;
  const auto ports =
      static_cast<std::uint16_t>(traffic.connections / (kManyHosts + kBlankedHosts) + kPortsEach);
  add_client(s, policy, kManyHosts, ports);
  HostPlan& blanked = add_client(s, policy, kBlankedHosts, ports);
  blanked.name = "client-blanked";
  blanked.wire.blanks_timestamps = true;
}

void add_unstamped(Scenario& s, const EndPolicies& policy) {
  const std::uint32_t uploads = s.traffics.front().connections / kUploadShare;
  s.traffics.front().connections -= uploads;
  s.traffics.push_back(traffic_of(policy, uploads, kUpload, {}));
  add_client(s, policy, kHosts, kPortsEach);
  HostPlan& uploader = add_client(s, policy, 1, kUploadPorts);
  uploader.name = "uploader";
  uploader.traffic = 1;
  for (HostPlan& host : s.hosts)
    if (!host.is_server) host.settings.tcp.timestamps = false;
}

void add_nat(Scenario& s, const EndPolicies& policy, HazardKind kind) {
  s.faults = s.faults.with(SimFault::nat);
  std::uint32_t hosts = kInsideHosts;
  std::uint16_t ports = kInsidePortsEach;
  if (kind == HazardKind::nat_ports) {
    hosts = kNatHosts;
    ports = 1;
    s.nat.last_port = static_cast<std::uint16_t>(s.nat.first_port + kNatPorts - 1);
    s.traffics.front().at_once = 1;  // a NAT without a free port would drop the others' SYNs
    s.traffics.front().pause_max = kNatPauseMax;
    s.traffics.front().rest_max = kNatRestMax;
  } else if (kind == HazardKind::balancers) {
    hosts = 2;
    ports = kBalancedPorts;
    s.nat.keeps_ports = true;
    s.nat.first_port = HostPlan{}.first_port;
    s.nat.last_port = static_cast<std::uint16_t>(s.nat.first_port + kBalancedPorts - 1);
  }
  if (kind != HazardKind::nat) {
    s.nat.port_hold = kNatPortHold;
    s.traffics.front().handshake_max = kUserWaits;
  }
  add_client(s, policy, hosts, ports).behind_nat = true;
}

void make_worse(net::WireSettings& wire) {
  wire.faults.loss *= kWorseLoss;
  wire.faults.duplicate *= kWorseLoss;
  wire.faults.reorder *= kWorseOrder;
  wire.faults.jitter = wire.faults.jitter * 10;
}

void add_hosts(Scenario& s, const HazardWorldSettings& settings, const EndPolicies& policy,
               HazardKind kind) {
  s.hosts = {server_of(settings, policy)};
  switch (kind) {
    case HazardKind::many_clients: add_many_clients(s, policy); break;
    case HazardKind::unstamped: add_unstamped(s, policy); break;
    case HazardKind::nat:
    case HazardKind::nat_ports:
    case HazardKind::balancers: add_nat(s, policy, kind); break;
    case HazardKind::proxy:
      while (s.hosts.size() < kUpstreams) s.hosts.push_back(s.hosts.front());
      add_client(s, policy, 1, kProxyPorts);
      break;
    case HazardKind::lossy: make_worse(s.hosts.front().wire); [[fallthrough]];
    case HazardKind::stamped: add_client(s, policy, kHosts, kPortsEach); break;
  }
  for (std::size_t number = 0; number < s.hosts.size(); ++number) {
    s.hosts[number].number = number;
    s.hosts[number].name += "-" + std::to_string(number);
  }
}

}  // namespace

Situation situation_of(HazardKind kind) {
  switch (kind) {
    case HazardKind::many_clients: return Situation::many_clients;
    case HazardKind::stamped:
    case HazardKind::unstamped: return Situation::few_clients;
    case HazardKind::nat:
    case HazardKind::nat_ports:
    case HazardKind::balancers: return Situation::nat;
    case HazardKind::proxy: return Situation::proxy;
    case HazardKind::lossy: break;
  }
  return Situation::lossy;
}

std::uint32_t restarts_of(HazardKind kind) { return kind == HazardKind::stamped ? 3 : 0; }

Scenario hazard_scenario(const HazardWorldSettings& settings, const EndPolicies& policy,
                         HazardKind kind) {
  MAYFLY_ASSERT(settings.connections > 0);
  Scenario s;
  s.seed = settings.seed + (static_cast<std::uint64_t>(kind) << 56);
  s.start = Instant{} + Duration::from_s(1);
  s.keeps_promises = false;
  const EndPolicies both = kind == HazardKind::proxy ? as_proxy(policy) : policy;
  s.traffics = {traffic_of(both, settings.connections, kShort, kRestMax)};
  add_hosts(s, settings, both, kind);
  return s;
}

}  // namespace mayfly::world
