#include "world/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "world/dice.h"
#include "world/host_draw.h"
#include "world/situations.h"

namespace mayfly::world {
namespace {

using For = Dice::For;

FaultSet draw_faults(std::uint64_t seed) {
  Dice dice(seed, For::faults);
  // Some worlds have hardly a fault, some nearly all.
  const double share = dice.one_of({0.1, 0.25, 0.25, 0.4, 0.6});
  FaultSet faults;
  FaultSet::all().without(kSituations).for_each([&](SimFault fault) {
    if (dice.chance(share)) faults = faults.with(fault);
  });
  if (faults.empty()) faults = faults.with(SimFault::delay);
  Dice later(seed, For::situations);
  const double situations = later.one_of({0.0, 0.0, 0.05, 0.1, 0.3});
  kSituations.for_each([&](SimFault fault) {
    if (later.chance(situations)) faults = faults.with(fault);
  });
  return faults;
}

// Just before a wrap-around of the timestamp clock (49.7 days), or anywhere.
Instant draw_start(const Scenario& s) {
  Dice dice(s.seed, For::clock);
  constexpr Duration kWrap = Duration::from_ms(std::int64_t{1} << 32);
  const Duration before = dice.from(1_s, 90_s);
  const Duration anywhere = dice.from(1_s, Duration::from_s(100'000));
  return Instant{} + (s.has(SimFault::wrap) ? kWrap - before : anywhere);
}

Traffic draw_traffic(const Scenario& s) {
  Dice dice(s.seed, For::traffic);
  Traffic t;
  t.connections = dice.from(10u, 150u);
  t.request_max = dice.any_size(60'000);
  t.answer_max = dice.any_size(120'000);
  t.at_once = dice.any_size(16);
  t.pause_max = t.rest_max = dice.one_of({1_ms, 50_ms, 1_s, 5_s});
  t.patient = dice.chance(0.4);
  const Duration think = dice.one_of({1_ms, 100_ms, 2_s});
  if (s.has(SimFault::slow_app)) t.think_max = think;
  return t;
}

void draw_hosts(Scenario& s, const SimOptions& options) {
  Dice dice(s.seed, For::hosts);
  const auto servers = dice.from<std::size_t>(1, 2), clients = dice.from<std::size_t>(1, 3);
  const auto behind_nat = dice.from<std::size_t>(1, clients);
  const double starved = dice.one_of({0.01, 0.1, 0.3});
  for (std::size_t i = 0; i < servers + clients; ++i) {
    HostPlan host;
    host.number = i;
    host.is_server = i < servers;
    host.name = host.is_server ? fmt::format("server-{}", i + 1)
                               : fmt::format("client-{}", i - servers + 1);
    host.behind_nat = s.has(SimFault::nat) && !host.is_server && i - servers < behind_nat;
    host.addresses = dice.from(1u, 3u);
    host.ports = dice.from<std::uint16_t>(1, 12);
    host.settings = draw_settings(s, options, host.is_server, i);
    host.sizes = draw_sizes(s, host, i);
    if (s.has(SimFault::no_buffer)) host.no_buffer = starved;
    draw_wire(s, i, host.wire);
    s.hosts.push_back(host);
  }
}

void add_cut(Scenario& s, Dice& dice, Instant at, std::size_t host) {
  const Duration length = dice.one_of({500_ms, 5_s, 60_s});
  if (!s.has(SimFault::partition)) return;
  s.happenings.push_back({at, Happening::What::cut, host});
  s.happenings.push_back({at + length, Happening::What::uncut, host});
}

void add_crash(Scenario& s, Dice& dice, Instant at, std::size_t host) {
  const Duration down = dice.one_of({1_ms, 2_s, 90_s});
  if (s.has(SimFault::restart)) s.happenings.push_back({at, Happening::What::crash, host, down});
}

void add_step(Scenario& s, Dice& dice, Instant at, std::size_t host) {
  const auto step = dice.one_of<std::int32_t>({-20'000, -500, 3, 60'000, 0x7fff'ffff});
  if (s.has(SimFault::clock_step))
    s.happenings.push_back({.at = at,
                            .what = Happening::What::step_timestamps,
                            .host = host,
                            .stamps_ahead = static_cast<std::uint32_t>(step)});
}

void draw_happenings(Scenario& s) {
  constexpr std::uint64_t kEach = 4;
  for (std::uint64_t i = 0; i < kEach; ++i) {
    for (const auto add : {add_cut, add_crash, add_step}) {
      Dice dice(s.seed, For::events,
                i * kEach + static_cast<std::uint64_t>(add == add_crash) +
                    2 * static_cast<std::uint64_t>(add == add_step));
      const Instant at = s.start + dice.from(1_ms, dice.one_of({5_s, 60_s, 300_s}));
      add(s, dice, at, dice.from<std::size_t>(0, s.hosts.size() - 1));
    }
  }
  std::stable_sort(s.happenings.begin(), s.happenings.end(),
                   [](const Happening& a, const Happening& b) { return a.at < b.at; });
}

std::size_t count_servers(const Scenario& s) {
  return static_cast<std::size_t>(std::ranges::count_if(s.hosts, &HostPlan::is_server));
}

bool keeps_promise(const shard::ShardSettings& settings) {
  const flow::TimeWaitPolicy& p = settings.time_wait;
  return p.hold >= kSimMsl * 2 && p.on_full == flow::TimeWaitPolicy::OnFull::refuse &&
         p.rules.rst != tcp::TimeWaitRules::OnRst::accept && !p.balance && !p.recycle &&
         !p.hand_over && p.nearness.empty() && settings.time_wait.reuse == 0;
}

// Without faults: one server, one client, room for everything, and no time between two openings.
void build_plain_world(Scenario& s, const SimOptions& options) {
  constexpr std::uint32_t kConnections = 1'000'000, kTuples = 1u << 18, kPorts = 50'000;
  s.traffics = {{.connections = kConnections,
                 .request_max = 100,
                 .answer_max = 300,
                 .at_once = 32,
                 .pause_max = 1_ms,
                 .rest_max = 1_ms,
                 .patient = true}};
  for (const bool server : {true, false}) {
    HostPlan host;
    host.number = s.hosts.size();
    host.is_server = server;
    host.name = server ? "server" : "client";
    if (options.policy)
      host.settings = draw_settings(s, options, server, 0);
    else
      host.settings.time_wait.hold = 240_s;
    host.settings.time_wait.capacity = kTuples;
    host.settings.time_wait.on_full = flow::TimeWaitPolicy::OnFull::refuse;
    host.sizes = {.connections = 4'096, .time_wait = kTuples, .chunks = 64, .receive_buffers = 64};
    host.addresses = kTuples / kPorts;
    host.ports = kPorts;
    s.hosts.push_back(host);
  }
}

}  // namespace

Scenario make_scenario(const SimOptions& options) {
  Scenario s;
  s.seed = options.seed;
  s.faults = options.faults.value_or(draw_faults(options.seed));
  s.start = draw_start(s);
  s.ipv6 = !s.faults.empty() && !s.has(SimFault::nat) && Dice(s.seed, For::family).chance(0.5);
  s.faults_last = options.duration;
  if (s.faults.empty()) {
    build_plain_world(s, options);
  } else {
    s.traffics = {draw_traffic(s)};
    draw_hosts(s, options);
    draw_happenings(s);
    add_situations(s, options);
  }
  if (options.connections > 0)
    for (Traffic& traffic : s.traffics)
      traffic.connections = &traffic == &s.traffics.front()
                                ? options.connections
                                : std::min(traffic.connections, options.connections);
  // A host that answers with SYN cookies has no state of earlier connections, like one that
  // crashed.
  s.keeps_promises =
      !s.has(SimFault::restart) && !s.has(SimFault::clock_step) && !s.has(SimFault::half_open);
  for (const HostPlan& host : s.hosts) s.keeps_promises &= keeps_promise(host.settings);
  if (s.router) s.keeps_promises &= s.router->hops + 1 >= count_servers(s);
  s.is_harmless &= s.keeps_promises;
  s.keeps_promises |= options.no_harm;
  MAYFLY_ASSERT(!s.traffics.empty() && s.hosts.size() >= 2);
  MAYFLY_ASSERT(s.hosts.front().is_server && !s.hosts.back().is_server);
  return s;
}

Duration Scenario::longest_hold() const {
  Duration longest{};
  for (const HostPlan& host : hosts) longest = std::max(longest, host.settings.time_wait.hold);
  return longest;
}

std::string describe(const Scenario& s) {
  const auto servers = static_cast<std::ptrdiff_t>(count_servers(s));
  const auto clients = static_cast<std::ptrdiff_t>(s.hosts.size()) - servers;
  return fmt::format("{} server{}, {} client{}, {} connections, {}{}, faults {}", servers,
                     servers == 1 ? "" : "s", clients, clients == 1 ? "" : "s",
                     s.traffic().connections, s.ipv6 ? "IPv6, " : "",
                     s.keeps_promises ? "strict" : "no promises", to_string(s.faults));
}

}  // namespace mayfly::world
