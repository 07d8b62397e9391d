#include "world/hazard_scenario.h"

#include <algorithm>

#include "base/assert.h"

namespace mayfly::world {
namespace {

constexpr std::uint32_t kHosts = 4, kPortsEach = 32;
constexpr std::uint32_t kInsideHosts = 32, kInsidePortsEach = 2;
/// Few four-tuples upload, so that one incarnation soon follows the other.
constexpr std::uint32_t kUploadPorts = 4;
/// A connection in twenty is an upload: 1 MB, sent within a fraction of the four seconds in which
/// the ISN clock counts so far. What is late by less meets an incarnation in whose window it may
/// fit.
constexpr std::uint32_t kUploadShare = 20, kUpload = 1'000'000;
constexpr std::uint32_t kShort = 600;  // octets, each way
/// The short exchanges must still be going on when the old duplicates of the first ones arrive.
constexpr Duration kRestMax = Duration::from_s(2);
/// A handshake that takes longer is given up: time for a SYN and three retransmissions.
constexpr Duration kHandshakeMax = Duration::from_s(10);
/// Copies that come 1 to 20 s late, as shares of all frames: well below any MSL of the standard,
/// well above the holds of the hasty policies.
constexpr double kStray = 0.05;
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
  if (settings.capacity > 0 && time_wait.on_full != flow::TimeWaitPolicy::OnFull::refuse)
    time_wait.capacity = std::min(time_wait.capacity, settings.capacity);
  server.sizes = sizes_of(server.settings);
  server.wire.faults = settings.link;
  server.wire.stray = kStray;
  return server;
}

HostPlan client_of(const EndPolicies& policy, HazardKind kind) {
  HostPlan client{.name = "client", .addresses = kHosts, .ports = kPortsEach};
  client.settings.tcp = policy.client.shard.tcp;
  client.settings.time_wait = policy.client.shard.time_wait;
  if (kind == HazardKind::unstamped) client.settings.tcp.timestamps = false;
  if (kind == HazardKind::nat) {
    client.addresses = kInsideHosts;
    client.ports = kInsidePortsEach;
    client.behind_nat = true;
  }
  client.sizes = sizes_of(client.settings);
  return client;
}

}  // namespace

Scenario hazard_scenario(const HazardWorldSettings& settings, const EndPolicies& policy,
                         HazardKind kind) {
  Scenario s;
  s.seed = settings.seed + (static_cast<std::uint64_t>(kind) << 56);
  s.start = Instant{} + Duration::from_s(1);
  s.keeps_promises = false;
  if (kind == HazardKind::nat) s.faults = s.faults.with(SimFault::nat);
  const bool uploads = kind == HazardKind::unstamped;
  MAYFLY_ASSERT(settings.connections > 0);
  const std::uint32_t upload_count = uploads ? settings.connections / kUploadShare : 0;
  s.traffics = {traffic_of(policy, settings.connections - upload_count, kShort, kRestMax)};
  s.hosts = {server_of(settings, policy), client_of(policy, kind)};
  if (uploads) {
    s.traffics.push_back(traffic_of(policy, upload_count, kUpload, {}));
    HostPlan uploader = client_of(policy, kind);
    uploader.name = "uploader";
    uploader.addresses = 1;
    uploader.ports = kUploadPorts;
    uploader.traffic = 1;
    s.hosts.push_back(uploader);
  }
  for (std::size_t number = 0; number < s.hosts.size(); ++number) s.hosts[number].number = number;
  return s;
}

}  // namespace mayfly::world
