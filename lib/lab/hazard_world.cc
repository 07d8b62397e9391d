#include "lab/hazard_world.h"

#include <algorithm>
#include <vector>

#include "base/endian.h"
#include "wire/layout.h"

namespace mayfly {
namespace {

constexpr Ipv4Address kServer{0xc612'0001};                         // 198.18.0.1
constexpr Ipv4Address kClients{0xc612'0101}, kInside{0xc613'0101};  // 198.18.1.1, 198.19.1.1
constexpr Ipv4Address kOutside{0xc612'0201};                        // 198.18.2.1
constexpr std::uint8_t kPrefix = 15;
constexpr std::uint16_t kPort = 7;  // echo
constexpr std::uint16_t kFirstPort = 10'000, kFirstUploadPort = 20'000;
constexpr std::uint8_t kOutsideSegment = 0, kInsideSegment = 1;

constexpr std::uint32_t kHosts = 4, kPortsEach = 32;
constexpr std::uint32_t kInsideHosts = 32, kInsidePortsEach = 2;
/// Few four-tuples upload, so that one incarnation soon follows the other.
constexpr std::uint32_t kUploadPorts = 4;
/// A connection in twenty is an upload: 1 MB, sent within a fraction of the four seconds in which
/// the ISN clock counts so far. What is late by less meets an incarnation in whose window it may
/// fit.
constexpr std::uint32_t kUploadShare = 20, kUpload = 1'000'000;
constexpr std::uint32_t kRequest = 600, kAnswer = 600;
/// The short exchanges must still be going on when the old duplicates of the first ones arrive.
constexpr Duration kPauseMax = Duration::from_s(2);
/// Copies that come 1 to 20 s late, as shares of all frames: well below any MSL of the standard,
/// well above the holds of the hasty policies.
constexpr double kStray = 0.05;

/// More than all four-tuples together.
constexpr std::uint32_t kBlocks = 1'024, kEntries = 4'096;

constexpr MacAddress mac_of(std::uint8_t station) { return {{2, 0, 0, 0, 0, station}}; }

ShardConfig shard_config(const char* name, std::uint8_t station, InterfaceAddress address,
                         const TimeWaitPolicy& policy, const TcpSettings& tcp, Prng& random) {
  ShardConfig config;
  config.name = name;
  config.sizes = {.connections = kBlocks,
                  .time_wait = std::min(policy.capacity, kEntries),
                  .chunks = kBlocks,
                  .receive_buffers = 256,
                  .receive_window = tcp.receive_window};
  config.secret = {random.next(), random.next()};
  config.pages = HugePages::never;
  config.interfaces.resize(1);
  config.interfaces[0].mac = mac_of(station);
  config.interfaces[0].addresses = {address};
  return config;
}

std::uint64_t key_of(const Endpoint& endpoint) noexcept {
  return std::uint64_t{endpoint.ip.host} << 16 | endpoint.port;
}

}  // namespace

struct HazardWorld::Group {
  Ipv4Address first;
  std::uint32_t hosts = 1;
  std::uint16_t first_port = 0;
  std::uint32_t ports = 1;  ///< of each host
};

HazardWorld::HazardWorld(const HazardSettings& settings, const LabPair& pair, HazardKind kind)
    : pair_(pair),
      kind_(kind),
      random_(settings.seed + (static_cast<std::uint64_t>(kind) << 56)),
      simulation_(random_.next()),
      ledger_(random_.next()),
      server_app_(ledger_, pair.server.close, kBlocks),
      client_app_(ledger_, pair.client.close.first, random_.next()) {
  server_settings_.tcp = pair.server.shard.tcp;
  TimeWaitPolicy& policy = server_settings_.time_wait = pair.server.shard.time_wait;
  if (settings.capacity > 0 && policy.on_full != TimeWaitPolicy::OnFull::refuse)
    policy.capacity = std::min(policy.capacity, settings.capacity);
  client_settings_.tcp = pair.client.shard.tcp;
  client_settings_.time_wait = pair.client.shard.time_wait;
  if (kind == HazardKind::unstamped) client_settings_.tcp.timestamps = false;
}

Result<std::unique_ptr<HazardWorld>> HazardWorld::create(const HazardSettings& settings,
                                                         const LabPair& pair, HazardKind kind) {
  std::unique_ptr<HazardWorld> world(new HazardWorld(settings, pair, kind));
  world->populate(settings.connections);
  if (kind == HazardKind::nat) world->build_nat();
  if (auto built = world->build_server(settings); !built) return built.error();
  if (auto built = world->build_client(); !built) return built.error();
  return world;
}

void HazardWorld::populate(std::uint32_t connections) {
  if (kind_ == HazardKind::nat) {
    return add({kRequest, kAnswer, connections, kPauseMax},
               {kInside, kInsideHosts, kFirstPort, kInsidePortsEach});
  }
  const std::uint32_t uploads = kind_ == HazardKind::unstamped ? connections / kUploadShare : 0;
  add({kRequest, kAnswer, connections - uploads, kPauseMax},
      {kClients, kHosts, kFirstPort, kPortsEach});
  if (uploads > 0)
    add({kUpload, kUpload, uploads, {}}, {kClients, 1, kFirstUploadPort, kUploadPorts});
}

void HazardWorld::add(const HazardPlan& plan, const Group& group) {
  std::vector<FlowKey4> keys;
  for (std::uint32_t host = 0; host < group.hosts; ++host) {
    for (std::uint32_t port = 0; port < group.ports; ++port) {
      const Endpoint client{{group.first.host + host},
                            static_cast<std::uint16_t>(group.first_port + port)};
      tuples_[key_of(client)] = tuples_.size();
      keys.push_back(FlowKey4::of(client.ip, client.port, kServer, kPort));
    }
  }
  client_app_.add(plan, keys);
}

void HazardWorld::build_nat() {
  NatSettings nat;
  nat.inside = {kInside, {kInside.host + kInsideHosts - 1}, kPrefix};
  nat.outside = kOutside;
  nat.inside_mac = mac_of(3);
  nat.outside_mac = mac_of(4);
  nat.inside_segment = kInsideSegment;
  nat.outside_segment = kOutsideSegment;
  nat_ = std::make_unique<Nat>(simulation_, nat);
}

Result<bool> HazardWorld::build_server(const HazardSettings& settings) {
  ShardConfig config = shard_config("hazard-server", 1, {kServer, kServer, kPrefix},
                                    server_settings_.time_wait, server_settings_.tcp, random_);
  config.listen = {kPort};
  WireSettings path;
  path.faults = settings.link;
  path.stray = kStray;
  auto host = ShardHost<HazardServer>::create(simulation_, config, server_settings_, server_app_,
                                              path, kOutsideSegment);
  if (!host) return host.error();
  server_ = std::move(*host);
  server_->port().set_tap(
      [this](std::span<const std::byte> frame, bool sent, Instant) { watch(frame, sent); });
  return true;
}

Result<bool> HazardWorld::build_client() {
  const Ipv4Address first = nat_ ? kInside : kClients;
  const std::uint32_t hosts = nat_ ? kInsideHosts : kHosts;
  const ShardConfig config =
      shard_config("hazard-client", 2, {first, {first.host + hosts - 1}, kPrefix},
                   client_settings_.time_wait, client_settings_.tcp, random_);
  auto host = ShardHost<HazardClient>::create(simulation_, config, client_settings_, client_app_,
                                              {}, nat_ ? kInsideSegment : kOutsideSegment);
  if (!host) return host.error();
  client_ = std::move(*host);
  return true;
}

// What the server hears and says, to know of SYNs that it never answers.
void HazardWorld::watch(std::span<const std::byte> frame, bool sent) noexcept {
  constexpr std::size_t kTcp = kEthernetHeaderSize + kIpv4HeaderSizeMin;  // no options here
  if (frame.size() < kTcp + kTcpHeaderSizeMin ||
      load_be16(&frame[ethernet_at::type]) != ethertype::ipv4)
    return;
  const std::byte* const ip = &frame[kEthernetHeaderSize];
  const std::byte* const tcp = &frame[kTcp];
  const Endpoint peer{{load_be32(ip + (sent ? ipv4_at::destination : ipv4_at::source))},
                      load_be16(tcp + (sent ? tcp_at::destination_port : tcp_at::source_port))};
  const std::uint32_t index = incarnation_at(peer);
  if (index == kNoIndex) return;
  Incarnation& incarnation = ledger_[index];
  if (sent && incarnation.syn_arrived) incarnation.answered = true;
  const bool opens =
      (load_u8(tcp + tcp_at::flags) & (tcp_flag::syn | tcp_flag::ack)) == tcp_flag::syn;
  if (!sent && opens) incarnation.syn_arrived = true;
}

std::uint32_t HazardWorld::incarnation_at(const Endpoint& seen_by_server) const noexcept {
  Endpoint client = seen_by_server;
  if (nat_) {
    const auto inside = nat_->inside_of(seen_by_server.port);
    if (!inside) return kNoIndex;
    client = *inside;
  }
  const auto found = tuples_.find(key_of(client));
  return found == tuples_.end() ? kNoIndex : client_app_.incarnation_of(found->second);
}

void HazardWorld::run() noexcept {
  constexpr Duration kWorkMax = Duration::from_s(24 * 3600);  // far above the longest holds
  constexpr Duration kRestMax = kHazardPatience * 4;          // above every time-out of an end
  simulation_.run_until([&] { return client_app_.is_done(); }, kWorkMax);
  simulation_.run_for(WireSettings{}.stray_max);
  simulation_.run_until([&] { return server_->shard().open_connections() == 0; }, kRestMax);
}

void HazardWorld::add_to(LedgerRow& row) const noexcept {
  constexpr Drop kChallenges[] = {Drop::time_wait_syn, Drop::time_wait_segment, Drop::tcp_paws,
                                  Drop::tcp_syn_challenged, Drop::tcp_rst_challenged};
  ledger_.add_to(row);
  std::uint64_t entries = 0;
  for (const ShardStats* stats : {&server_->shard().stats(), &client_->shard().stats()}) {
    entries += stats->time_wait_peak.get();
    for (const Drop why : kChallenges)
      row.challenges += stats->drops[static_cast<std::size_t>(why)].get();
  }
  row.peak_time_wait = std::max(row.peak_time_wait, entries);
}

}  // namespace mayfly
