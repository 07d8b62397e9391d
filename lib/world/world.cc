#include "world/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/endian.h"
#include "flow/flow_secret.h"
#include "net/family.h"
#include "net/rewrite.h"
#include "wire/layout.h"

namespace mayfly::world {
namespace {

constexpr std::uint16_t kPort = EndApp::kPort;
/// A shard is polled now and then whatever it has to do, as ARP has no deadline in its next_due().
constexpr Duration kIdleHeartbeat = Duration::from_ms(100);
constexpr std::uint8_t kPrefix = 15, kOutsideSegment = 0, kInsideSegment = 1, kSecondSegment = 2;
constexpr Ipv4Address kServers{0xc612'0001};  // 198.18.0.1
constexpr Ipv4Address kService{0xc612'00c8};  // 198.18.0.200, that of all servers
constexpr Ipv4Address kClients{0xc612'1000};  // 198.18.16.0, a /24 for each
constexpr Ipv4Address kInside{0xc613'0000};   // 198.19.0.0, a /24 for each
constexpr Ipv4Address kOutside{0xc612'0200};  // 198.18.2.0

/// The second network: servers from 198.18.128.1 on, clients in 198.18.144.0.
constexpr std::uint32_t kSecondNetwork = 0x8000;
constexpr std::uint8_t kSecondPrefix = 17;
/// The stations of the servers' second ports.
constexpr std::size_t kSecondStations = 50;

constexpr MacAddress mac_of(std::size_t station) {
  return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(station)}};
}

/// Of a server: those of its port in that network.
link::InterfaceAddress addresses_of(const HostPlan& plan, std::uint8_t network) {
  const auto number = static_cast<std::uint32_t>(plan.number);
  const std::uint32_t offset = network == 0 ? 0 : kSecondNetwork;
  const std::uint8_t prefix = network == 0 ? kPrefix : kSecondPrefix;
  if (plan.is_server)
    return {{kServers.host + offset + number}, {kServers.host + offset + number}, prefix};
  const std::uint32_t base = (plan.behind_nat ? kInside : kClients).host + offset;
  const std::uint32_t first = base + (number + 1) * 256 + 1;
  MAYFLY_ASSERT(0 < plan.addresses && plan.addresses < 256);
  return {{first}, {first + plan.addresses - 1}, prefix};
}
link::InterfaceAddress addresses_of(const HostPlan& plan) {
  return addresses_of(plan, plan.network);
}

/// The ports of a host, with their wires.
std::vector<net::Attachment> attachments_of(const HostPlan& plan) {
  const std::uint8_t first = plan.behind_nat     ? kInsideSegment
                             : plan.network == 1 ? kSecondSegment
                                                 : kOutsideSegment;
  std::vector<net::Attachment> attachments = {{plan.wire, first}};
  if (plan.second_wire) attachments.push_back({*plan.second_wire, kSecondSegment});
  return attachments;
}

/// Gives an interface the IPv6 addresses that its IPv4 ones stand for, to be used at once.
void speak_ipv6(link::Interface& interface) {
  for (const link::InterfaceAddress& own : interface.addresses)
    interface.addresses6.push_back({net::six_of(own.first), net::six_of(own.last),
                                    static_cast<std::uint8_t>(96 + own.prefix_length), own.arp});
  interface.detects_duplicates = false;
}

/// A secret with which the ISNs of the flow begin just below their wrap-around.
template <class Key>
tcp::Secret secret_before_wrap(const Key& flow, Instant start, Prng& random) {
  constexpr int kTries = 20'000;
  tcp::Secret best{};
  std::uint32_t highest = 0;
  for (int i = 0; i < kTries; ++i) {
    const tcp::Secret secret = {random.next(), random.next()};
    const Seq iss = flow::FlowSecret(secret).initial_sequence(flow, start);
    if (iss.raw < highest) continue;
    highest = iss.raw;
    best = secret;
  }
  return best;
}

}  // namespace

World::World(const Scenario& scenario, Judge* judge)
    : scenario_(scenario),
      judge_(judge),
      random_(scenario.seed),
      simulation_(random_.next(), scenario.start),
      book_(random_.next(), scenario.traffics, scenario.has(SimFault::abort)) {
  if (judge_ != nullptr) book_oracle_.emplace(scenario, book_, *judge_);
  hosts_.reserve(scenario.hosts.size());
}

Result<std::unique_ptr<World>> World::create(const Scenario& scenario, Judge* judge) {
  std::unique_ptr<World> world(new World(scenario, judge));
  if (scenario.has(SimFault::nat)) world->build_nat(scenario.nat);
  if (scenario.router) world->build_router(*scenario.router);
  world->add_tuples();
  for (const HostPlan& plan : scenario.hosts)
    if (auto built = world->build_host(plan); !built) return built.error();
  for (std::uint32_t tuple = 0; tuple < world->book_.tuples(); ++tuple)
    world->hosts_[world->book_.tuple(tuple).client].app->add_tuple(tuple, scenario.start);
  return world;
}

void World::build_nat(const NatPlan& plan) {
  net::NatSettings nat;
  nat.inside = {kInside, {kInside.host | 0xffff}, kPrefix};
  nat.outside = kOutside;
  nat.inside_mac = mac_of(100);
  nat.outside_mac = mac_of(101);
  nat.inside_segment = kInsideSegment;
  nat.outside_segment = kOutsideSegment;
  nat.keeps_ports = plan.keeps_ports;
  nat.first_port = plan.first_port;
  nat.last_port = plan.last_port;
  nat.port_hold = plan.port_hold;
  nat_ = std::make_unique<net::Nat>(simulation_, nat);
}

void World::build_router(const RouterPlan& plan) {
  net::RouterSettings settings{.service = kService,
                               .ipv6 = scenario_.ipv6,
                               .mac = mac_of(102),
                               .servers = {},
                               .seed = random_.next(),
                               .segment = kOutsideSegment};
  for (const HostPlan& host : scenario_.hosts)
    if (host.is_server) settings.servers.push_back(mac_of(host.number + 1));
  router_ = std::make_unique<net::Router>(simulation_, settings);
  router_->spray(plan.sprays);
}

Result<void> World::build_host(const HostPlan& plan) {
  MAYFLY_ASSERT(plan.number == hosts_.size() && plan.traffic < scenario_.traffics.size());
  WorldHost& place = hosts_.emplace_back(WorldHost{plan, nullptr, nullptr, nullptr});
  if (judge_ != nullptr)
    place.oracle = std::make_unique<HostOracle>(plan, scenario_.ipv6, *book_oracle_, *judge_);
  place.app = std::make_unique<EndApp>(plan, scenario_.traffics[plan.traffic], book_,
                                       random_.next(), wiring_of(plan, place.oracle.get()));
  auto host = net::ShardHost<EndApp>::create_on(simulation_, config_of(plan), plan.settings,
                                                *place.app, attachments_of(plan));
  if (!host) return host.error();
  place.host = std::move(*host);
  if (place.oracle) place.host->watch(*place.oracle);
  place.host->set_idle_heartbeat(kIdleHeartbeat);
  place.host->port().starve(plan.no_buffer, random_.next());
  place.host->set_pace(plan.pace);
  for (std::size_t i = 0; i < place.host->ports(); ++i)
    place.host->port(i).bound_arrivals(plan.receive_queue);
  if (scenario_.traffics[plan.traffic].greed == Greed::text_behind_gap && !plan.is_server)
    place.host->port().set_filter(
        [this](std::span<const std::byte> frame) { return is_first_text(frame); });
  return {};
}

// The first text of a connection.
bool World::is_first_text(std::span<const std::byte> frame) const {
  const std::size_t tcp = net::tcp_header_of(frame);
  if (tcp == 0) return false;
  const net::AddressPair ends = net::addresses_in(frame);
  const std::uint32_t index = book_.latest(ends.source, load_be16(&frame[tcp]), ends.destination);
  if (index == kNoIndex) return false;
  const std::size_t header =
      std::to_integer<std::size_t>(frame[tcp + wire::tcp_at::data_offset] >> 4) * 4;
  const std::byte* const ip = &frame[wire::kEthernetHeaderSize];
  const std::size_t end =
      scenario_.ipv6 ? wire::kEthernetHeaderSize + wire::kIpv6HeaderSize +
                           load_be16(ip + wire::ipv6_at::payload_length)
                     : wire::kEthernetHeaderSize + load_be16(ip + wire::ipv4_at::total_length);
  return tcp + header < end &&
         Seq{load_be32(&frame[tcp + wire::tcp_at::seq])} == book_[index].iss + 1;
}

shard::ShardConfig World::config_of(const HostPlan& plan) {
  shard::ShardConfig config;
  config.name = "sim-" + plan.name;
  config.sizes = plan.sizes;
  config.pages = HugePages::never;
  config.interfaces.resize(plan.second_wire ? 2 : 1);
  config.interfaces[0].mac = mac_of(plan.number + 1);
  config.interfaces[0].addresses = {addresses_of(plan)};
  if (plan.second_wire) {
    config.interfaces[1].mac = mac_of(kSecondStations + plan.number);
    config.interfaces[1].addresses = {addresses_of(plan, 1)};
  }
  config.secret = draw_secret(plan);
  if (plan.is_server && scenario_.router) join_cluster(config, plan);
  if (scenario_.ipv6)
    for (link::Interface& interface : config.interfaces) speak_ipv6(interface);
  return config;
}

// The address of the service beside its own, of which neighbours are told nothing, and one secret.
void World::join_cluster(shard::ShardConfig& config, const HostPlan& plan) const {
  config.interfaces[0].addresses.push_back({kService, kService, 32, false});
  config.cookies.of_siblings = true;
  config.cluster.hops = scenario_.router->hops;
  for (const HostPlan& host : scenario_.hosts)
    if (host.is_server) {
      const Ipv4Address own = addresses_of(host).first;
      config.cluster.members.push_back(scenario_.ipv6 ? net::six_of(own)
                                                      : Ipv6Address::mapped(own.host));
    }
  MAYFLY_ASSERT(config.cluster.members.size() > plan.number);
}

tcp::Secret World::draw_secret(const HostPlan& plan) {
  const tcp::Secret any = {random_.next(), random_.next()};
  const bool is_shared = plan.is_server && scenario_.router;
  if (is_shared && shared_secret_) return *shared_secret_;
  tcp::Secret secret = any;
  if (scenario_.has(SimFault::wrap)) {
    const FlowKey4 flow = book_.tuple(0).key;
    const bool mine = plan.is_server || addresses_of(plan).first == flow.local();
    const FlowKey4 seen = plan.is_server ? FlowKey4::of(flow.remote(), flow.remote_port_host(),
                                                        flow.local(), flow.local_port_host())
                                         : flow;
    if (mine)
      secret = scenario_.ipv6 ? secret_before_wrap(net::six_of(seen), scenario_.start, random_)
                              : secret_before_wrap(seen, scenario_.start, random_);
  }
  if (is_shared) shared_secret_ = secret;
  return secret;
}

EndApp::Wiring World::wiring_of(const HostPlan& plan, HostOracle* oracle) const {
  EndApp::Wiring wiring;
  wiring.ipv6 = scenario_.ipv6;
  wiring.recognise = [this](const FlowKey4& key, Seq irs) { return recognise(key, irs); };
  if (oracle != nullptr) {
    wiring.time_wait_begun = [oracle](const FlowKey4& key, Instant now) {
      oracle->time_wait_begun(key, now);
    };
    wiring.opened = [oracle](const FlowKey4& key) { oracle->opened(key); };
  }
  if (scenario_.traffics[plan.traffic].patient) wiring.rest = scenario_.longest_hold();
  return wiring;
}

void World::add_tuples() {
  for (const HostPlan& server : scenario_.hosts)
    for (const HostPlan& client : scenario_.hosts)
      if (server.is_server && !client.is_server) add_tuples(client, server);
}

void World::add_tuples(const HostPlan& client, const HostPlan& server) {
  if (client.network == 1 && !server.second_wire) return;
  const bool is_routed = scenario_.router && client.network == 0;
  if (is_routed && server.number > 0) return;  // one address for all
  const Ipv4Address to = is_routed ? kService : addresses_of(server, client.network).first;
  const link::InterfaceAddress from = addresses_of(client);
  for (std::uint32_t ip = from.first.host; ip <= from.last.host; ++ip) {
    for (std::uint16_t n = 0; n < client.ports; ++n) {
      const auto port = static_cast<std::uint16_t>(client.first_port + n);
      book_.add_tuple({.key = FlowKey4::of({ip}, port, to, kPort),
                       .client = client.number,
                       .server = server.number,
                       .is_routed = is_routed,
                       .traffic = client.traffic});
    }
  }
}

std::optional<net::Endpoint> World::client_behind(const net::Endpoint& seen) const {
  return nat_ && seen.ip == kOutside ? nat_->inside_of(seen.port) : seen;
}

// Who opened a connection with this key, as the server sees it: behind a NAT, whoever has the port
// now, or an old SYN's sender, who had it before.
std::uint32_t World::recognise(const FlowKey4& key, Seq irs) const {
  const net::Endpoint seen{key.remote(), key.remote_port_host()};
  if (!nat_ || seen.ip != kOutside) return book_.find(seen.ip, seen.port, key.local(), irs);
  const std::span<const net::Endpoint> holders = nat_->holders_of(seen.port);
  for (std::size_t i = holders.size(); i > 0; --i) {
    const net::Endpoint& client = holders[i - 1];
    const std::uint32_t index = book_.find(client.ip, client.port, key.local(), irs);
    if (index != kNoIndex) return index;
  }
  return kNoIndex;
}

void World::restart(std::size_t host) {
  MAYFLY_ASSERT(host < hosts_.size() && !hosts_[host].plan.is_server);
  MAYFLY_ASSERT(hosts_[host].host->shard().open_connections() == 0);
  hosts_[host].host->restart(simulation_.now(), {random_.next(), random_.next()});
  simulation_.ask_all();
}

bool World::is_quiet() const {
  if (book_.open_ends() > 0) return false;
  return std::ranges::all_of(hosts_, [](const WorldHost& each) {
    return !each.host->is_up() || each.host->shard().open_connections() == 0;
  });
}

std::string World::what_is_open() const {
  std::string text;
  for (const WorldHost& each : hosts_)
    if (each.host->is_up())
      text += fmt::format("{} {}  ", each.plan.name, each.host->shard().open_connections());
  for (std::uint32_t index = 0; index < book_.size(); ++index) {
    const Incarnation& i = book_[index];
    const bool open = (i.client.opened && !i.client.ended) || (i.server.opened && !i.server.ended);
    if (open) return text + "; first " + describe(book_, i);
  }
  return text;
}

}  // namespace mayfly::world
