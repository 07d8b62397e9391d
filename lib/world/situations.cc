#include "world/situations.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "world/dice.h"
#include "world/host_draw.h"

namespace mayfly::world {
namespace {

using For = Dice::For;

/// With a perfect wire nothing takes longer than this: a receiver whose window is less than two
/// segments delays each ACK by up to 200 ms, and an exchange of the simulator has at most 130
/// windows.
constexpr Duration kUsualBound = Duration::from_s(60), kShortBound = Duration::from_s(15);

/// Faults of the hosts themselves: what they do to a connection is felt on all ports.
constexpr FaultSet kFaultsOfHosts = FaultSet{}
                                        .with(SimFault::restart)
                                        .with(SimFault::tiny_tables)
                                        .with(SimFault::half_open)
                                        .with(SimFault::tiny_pools)
                                        .with(SimFault::slow_app)
                                        .with(SimFault::hasty)
                                        .with(SimFault::hostile_pools)
                                        .with(SimFault::overload);
/// With these alone a connection is neither delayed nor lost.
constexpr FaultSet kHarmless = FaultSet{}
                                   .with(SimFault::wrap)
                                   .with(SimFault::abort)
                                   .with(SimFault::nat)
                                   .with(SimFault::two_ports)
                                   .with(SimFault::client_text);

/// The dice of their wires are those of no host of the seed.
constexpr std::size_t kFurtherServers = 100;

bool has_only(const Scenario& s, FaultSet faults) { return s.faults.without(faults).empty(); }

/// Adds a client that has a traffic of its own.
HostPlan& add_client(Scenario& s, const SimOptions& options, const std::string& name,
                     const Traffic& traffic) {
  HostPlan host;
  host.number = s.hosts.size();
  host.traffic = s.traffics.size();
  host.name = name;
  host.settings = draw_settings(s, options, false, host.number);
  host.sizes = draw_sizes(s, host, host.number);
  s.traffics.push_back(traffic);
  return s.hosts.emplace_back(host);
}

template <class F>
void for_each_server(Scenario& s, F&& f) {
  for (HostPlan& host : s.hosts)
    if (host.is_server) f(host);
}

/// The usual clients are promised that their connections end well in time. They have four-tuples
/// enough to use none again too soon, when it may meet TIME_WAIT.
void promise(Scenario& s) {
  constexpr std::uint16_t kPorts = 150;
  s.traffics.front().bound = kUsualBound;
  s.traffics.front().patient = true;
  for (HostPlan& host : s.hosts)
    if (!host.is_server && host.traffic == 0) host.ports = kPorts;
}

// The wires of the second network are perfect: whatever happens there comes from the server.
void add_second_network(Scenario& s, const SimOptions& options) {
  Dice dice(s.seed, For::two_ports);
  Traffic t{.connections = dice.from(20u, 80u),
            .request_max = dice.any_size(5'000),
            .answer_max = dice.any_size(20'000),
            .at_once = dice.any_size(8),
            .pause_max = dice.one_of({1_ms, 50_ms, 1_s}),
            .rest_max = 1_ms,
            .patient = true,
            .think_max = s.traffic().think_max};
  if (!options.policy && !s.faults.has_any(kFaultsOfHosts)) t.bound = kShortBound;
  for_each_server(s, [](HostPlan& server) { server.second_wire.emplace(); });
  HostPlan& client = add_client(s, options, "client-b", t);
  client.network = 1;
  client.ports = dice.from<std::uint16_t>(20, 60);
}

// A stick is not felt on the other port. All sticks of a world are of one port.
void add_sticks(Scenario& s, const SimOptions& options) {
  Dice dice(s.seed, For::stuck_port);
  const auto servers = static_cast<std::size_t>(
      std::ranges::count_if(s.hosts, [](const HostPlan& host) { return host.is_server; }));
  const std::size_t host = dice.from<std::size_t>(0, servers - 1);
  const std::size_t drawn = dice.from<std::size_t>(0, 1);
  const std::size_t port = s.has(SimFault::two_ports) ? drawn : 0;
  Instant at = s.start;
  for (auto sticks = dice.from(1u, 3u); sticks > 0; --sticks) {
    at = at + dice.from(1_ms, dice.one_of({100_ms, 5_s, 60_s}));
    s.happenings.push_back({.at = at, .what = Happening::What::stick, .host = host, .port = port});
    at = at + dice.one_of({50_ms, 150_ms, 2_s, 20_s, 150_s});
    s.happenings.push_back(
        {.at = at, .what = Happening::What::unstick, .host = host, .port = port});
  }
  if (dice.chance(0.3)) {
    s.stays_stuck = true;
    s.happenings.pop_back();
  }
  std::ranges::stable_sort(s.happenings, {}, &Happening::at);
  if (port == 0) return;
  for (Traffic& traffic : s.traffics) traffic.bound = Duration::max();  // of the second network
  if (!options.policy && has_only(s, kHarmless.with(SimFault::stuck_port))) promise(s);
}

// Each connection has a first extent for certain, and little more. The greedy clients can hold all
// chunks; the honest ones alone have enough of them, as nobody can promise them more.
void shrink_pools(const Scenario& s, HostPlan& server, Dice& dice) {
  const std::uint32_t extents = dice.from(1u, 16u), chunks = dice.from(32u, 64u);
  const std::uint32_t buffers = dice.from(1u, 4u);
  if (s.has(SimFault::tiny_pools)) return;
  server.sizes.extents = server.sizes.connections + extents;
  server.sizes.chunks = chunks;
  server.sizes.receive_buffers = buffers;
}

void add_greedy_clients(Scenario& s, const SimOptions& options) {
  constexpr std::uint32_t kGreedyWindow = 8'192;  // far less than an answer
  // A client with a small window takes some seconds for so much, and holds a chunk meanwhile.
  constexpr std::uint32_t kCopiesMax = 20'000;
  Dice dice(s.seed, For::hostile_pools);
  for_each_server(s, [&](HostPlan& server) { shrink_pools(s, server, dice); });
  Traffic& honest = s.traffics.front();
  honest.copies = dice.chance(0.7);
  if (honest.copies) honest.answer_max = std::min(honest.answer_max, kCopiesMax);
  honest.pause_max = 1_s;  // they come while pools are held
  int number = 0;
  for (const Greed greed : {Greed::reads_nothing, Greed::text_behind_gap, Greed::half_request}) {
    Traffic t{.connections = dice.from(20u, 60u),
              .request_min = 20'000,
              .request_max = 60'000,
              .answer_min = 100'000,
              .answer_max = 200'000,
              .at_once = 32,
              .pause_max = dice.one_of({1_ms, 50_ms, 200_ms}),
              .rest_max = 1_s,
              .parting = Parting::client_first,
              .greed = greed,
              .stay = dice.one_of({100_s, 100_s, 300_s})};
    const bool wanted = dice.chance(0.7) || greed == Greed::reads_nothing;
    if (greed != Greed::text_behind_gap) t.request_min = 1;
    if (greed == Greed::reads_nothing) t.request_max = 100;
    if (!wanted) continue;
    HostPlan& client = add_client(s, options, fmt::format("greedy-{}", ++number), t);
    client.ports = static_cast<std::uint16_t>(t.connections);
    client.settings.tcp.initial_window_segments = 10;  // or nothing follows the gap
    client.settings.tcp.receive_window = client.sizes.receive_window = kGreedyWindow;
  }
  // Two ports of a server share its pools, and each pool's rules.
  if (options.policy || !has_only(s, kHarmless.with(SimFault::hostile_pools))) return;
  promise(s);
}

void add_client_text(Scenario& s) {
  Dice dice(s.seed, For::client_text);
  const std::uint32_t chatter = dice.one_of({2u, 100u, 5'000u});
  const bool server_first = dice.chance(0.6);
  for (Traffic& traffic : s.traffics) {
    if (traffic.greed != Greed::none) continue;
    traffic.chatter_max = chatter;
    traffic.answer_max = std::max(traffic.answer_max, 20'000u);
    if (server_first) traffic.parting = Parting::server_first;
  }
}

// An exchange is at most six frames to the server, so that a core that needs `frame` for each can
// serve 1 / 6 frame a second, or a third more where it is four. It is offered more than twice that.
// What the crowd is promised it gets only if the usual clients leave it the core: in half of the
// worlds they send and ask for little. There nobody's segments are so small that such a text takes
// several, as an exchange would be more frames than six.
void add_crowd(Scenario& s, const SimOptions& options) {
  constexpr double kFramesEach = 6, kOffered = 3, kLeast = 0.5;
  constexpr Duration kRush = Duration::from_s(1);
  constexpr std::uint32_t kLittle = 300;  // octets
  constexpr std::uint16_t kMssLeast = 536;
  constexpr std::uint32_t kAtOnce = 8, kRoom = 4'096, kTimeWaitRoom = 16'384;
  Dice dice(s.seed, For::overload);
  const Duration frame = dice.one_of({200_us, 300_us, 600_us});
  const auto queue = dice.one_of<std::size_t>({512, 1'024});
  const double capacity = 1 / (kFramesEach * frame.seconds());
  const double offered = kOffered * capacity;
  Traffic t{.connections = static_cast<std::uint32_t>(offered * kRush.seconds()),
            .request_max = 100,
            .answer_max = 300,
            .at_once = kAtOnce,
            .pause_max = Duration{static_cast<std::int64_t>((kAtOnce + 1) * 1e6 / offered)},
            .parting = dice.one_of({Parting::client_first, Parting::server_first})};
  for_each_server(s, [&](HostPlan& server) {
    server.pace = {.frame = frame, .shed = frame / 10};
    server.receive_queue = queue;
    if (s.has(SimFault::tiny_tables)) return;
    server.sizes.connections = kRoom;
    server.sizes.time_wait = kTimeWaitRoom;
    if (!s.has(SimFault::tiny_pools) && !s.has(SimFault::hostile_pools)) server.sizes.extents = 0;
  });
  const bool leaves_the_core = dice.chance(0.5);
  if (leaves_the_core) {
    Traffic& usual = s.traffics.front();
    usual.request_max = std::min(usual.request_max, kLittle);
    usual.answer_max = std::min(usual.answer_max, kLittle);
  }
  if (leaves_the_core && !options.policy &&
      has_only(s, kHarmless.without(SimFault::two_ports).with(SimFault::overload)))
    t.goodput_least = kLeast * capacity;
  HostPlan& client = add_client(s, options, "crowd", t);
  client.ports = static_cast<std::uint16_t>(t.connections);
  client.sizes.connections = client.sizes.time_wait = t.connections;
  client.sizes.extents = 0;
  if (!leaves_the_core) return;
  for (HostPlan& host : s.hosts) host.settings.tcp.mss = std::max(host.settings.tcp.mss, kMssLeast);
}

/// More servers like the first, behind those that are there; all others move on.
void add_servers(Scenario& s, std::size_t count) {
  const auto servers =
      static_cast<std::size_t>(std::ranges::count_if(s.hosts, &HostPlan::is_server));
  if (count <= servers) return;
  const std::size_t added = count - servers;
  for (Happening& happening : s.happenings)
    if (happening.host >= servers) happening.host += added;
  for (std::size_t n = servers; n < count; ++n) {
    HostPlan server = s.hosts.front();
    server.wire = {};
    draw_wire(s, kFurtherServers + n, server.wire);
    s.hosts.insert(s.hosts.begin() + static_cast<std::ptrdiff_t>(n), server);
  }
  for (std::size_t n = 0; n < s.hosts.size(); ++n) {
    s.hosts[n].number = n;
    if (n < count) s.hosts[n].name = fmt::format("server-{}", n + 1);
  }
}

// Of the servers one may leave for good: the router forgets it, then it refuses SYNs.
void add_moves(Scenario& s, std::size_t servers, Dice& dice) {
  using What = Happening::What;
  constexpr Duration kLinger = Duration::from_s(1);
  const Duration interval = dice.one_of({2_ms, 50_ms, 1_s, 10_s});
  const bool one_leaves = dice.chance(0.3);
  const auto which = dice.from<std::size_t>(0, servers - 1);
  // In the second network nobody leads its SYNs to another server.
  const std::size_t leaver = one_leaves && !s.has(SimFault::two_ports) ? which : servers;
  const auto leaves_at = dice.from(0u, 20u);
  Instant at = s.start;
  const auto moves = dice.from(5u, 40u);
  for (std::uint32_t n = 0; n < moves; ++n) {
    at = at + dice.from(1_us, interval * 2);
    const auto server = dice.from<std::size_t>(0, servers - 1);
    const What what = dice.one_of({What::reshuffle, What::reshuffle, What::withdraw});
    if (n == leaves_at && leaver < servers) {
      s.happenings.push_back({.at = at, .what = What::withdraw, .host = leaver});
      s.happenings.push_back({.at = at + kLinger, .what = What::drain, .host = leaver});
      continue;
    }
    s.happenings.push_back({.at = at, .what = what, .host = server});
    if (what != What::withdraw) continue;
    at = at + dice.from(1_us, interval * 2);
    const bool has_left = server == leaver && n > leaves_at;
    if (!has_left) s.happenings.push_back({.at = at, .what = What::announce, .host = server});
  }
  std::ranges::stable_sort(s.happenings, {}, &Happening::at);
}

/// What a clock of sequence numbers that counts 250,000 octets a second (RFC 9293 3.4.1) needs to
/// pass all that a connection sends: another server than that which holds its TIME_WAIT does not
/// know its numbers.
Duration overtaken_after(const Traffic& t) {
  constexpr Duration kOctet = 4_us;
  constexpr std::uint32_t kBoth = 1'000;  // SYN and FIN, and repeated handshakes
  return kOctet * (std::max(t.request_max + t.chatter_max, t.answer_max) + kBoth);
}

// All servers have one address, a router in front, and each other's second chance.
void add_router(Scenario& s, const SimOptions& options) {
  constexpr std::uint16_t kOuterHeader = 20, kMssMax = 1'460 - kOuterHeader;
  constexpr int kWiresOfClient = 2, kWiresOfHop = 2;
  Dice dice(s.seed, For::moving_router);
  const auto servers = dice.from<std::size_t>(2, 4);
  RouterPlan plan{.hops = static_cast<std::uint32_t>(servers - 1), .sprays = dice.chance(0.15)};
  const auto fewer = dice.from(1u, plan.hops);
  if (dice.chance(0.2)) plan.hops = fewer;
  add_servers(s, servers);
  for (HostPlan& host : s.hosts) {
    // No frame may live for longer than an MSL, whatever way it takes.
    host.wire.stray_max = kSimMsl / (kWiresOfClient + kWiresOfHop * static_cast<int>(plan.hops));
    if (!host.is_server) continue;
    host.settings = s.hosts.front().settings;
    host.settings.tcp.mss = std::min(host.settings.tcp.mss, kMssMax);
  }
  s.router = plan;
  add_moves(s, servers, dice);
  s.is_harmless = !options.policy && plan.hops + 1 == servers &&
                  has_only(s, kHarmless.without(SimFault::abort).with(SimFault::moving_router));
  if (s.is_harmless && dice.chance(0.5)) promise(s);
}

}  // namespace

void add_situations(Scenario& s, const SimOptions& options) {
  if (s.has(SimFault::moving_router)) add_router(s, options);
  if (s.has(SimFault::two_ports)) add_second_network(s, options);
  if (s.has(SimFault::hostile_pools)) add_greedy_clients(s, options);
  if (s.has(SimFault::stuck_port)) add_sticks(s, options);
  if (s.has(SimFault::client_text)) add_client_text(s);
  if (s.has(SimFault::overload)) add_crowd(s, options);
  if (!options.policy && has_only(s, kHarmless) && s.faults.has_any(kSituations)) promise(s);
  if (s.router)
    for (Traffic& traffic : s.traffics) traffic.rest_min = overtaken_after(traffic);
}

}  // namespace mayfly::world
