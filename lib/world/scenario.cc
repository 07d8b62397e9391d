#include "world/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/prng.h"

namespace mayfly::world {
namespace {

/// A generator for one kind of choices of one seed.
class Dice {
 public:
  enum class For : std::uint64_t {
    faults = 1,
    clock,
    traffic,
    hosts,
    wires,
    policy,
    sizes,
    events
  };
  Dice(std::uint64_t seed, For what, std::uint64_t number = 0)
      : random_(Prng(seed).next() ^ (static_cast<std::uint64_t>(what) << 56 | number << 40)) {}

  bool chance(double p) { return random_.chance(p); }
  /// Uniform in least to most, both included.
  template <class T>
  T from(T least, T most) {
    return static_cast<T>(
        least + static_cast<T>(random_.below(static_cast<std::uint64_t>(most - least) + 1)));
  }
  Duration from(Duration least, Duration most) { return {from(least.us, most.us)}; }
  /// Uniform in the number of its bits: the small ones as often as the large.
  std::uint32_t any_size(std::uint32_t most) {
    const std::uint32_t cap =
        most >> from(0u, 31u - static_cast<std::uint32_t>(__builtin_clz(most)));
    return from(1u, std::max(cap, 1u));
  }
  template <class T, std::size_t N>
  T one_of(const T (&list)[N]) {
    return list[random_.below(N)];
  }

 private:
  Prng random_;
};
using For = Dice::For;

FaultSet draw_faults(std::uint64_t seed) {
  Dice dice(seed, For::faults);
  // Some worlds have hardly a fault, some nearly all.
  const double share = dice.one_of({0.1, 0.25, 0.25, 0.4, 0.6});
  FaultSet faults;
  FaultSet::all().for_each([&](SimFault fault) {
    if (dice.chance(share)) faults = faults.with(fault);
  });
  return faults.empty() ? faults.with(SimFault::delay) : faults;
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

flow::TimeWaitPolicy strict_policy(Dice& dice) {
  using Policy = flow::TimeWaitPolicy;
  using Rules = tcp::TimeWaitRules;
  Policy p;
  p.hold = dice.from(kSimMsl * 2, 240_s);
  p.capacity = 100'000;
  p.on_full = Policy::OnFull::refuse;
  p.rules.reopen = dice.one_of({Rules::Reopen::rfc6191, Rules::Reopen::rfc6191,
                                Rules::Reopen::sequence, Rules::Reopen::off});
  return p;
}

flow::TimeWaitPolicy hasty_policy(Dice& dice) {
  using Policy = flow::TimeWaitPolicy;
  using Rules = tcp::TimeWaitRules;
  Policy p;
  p.hold = dice.one_of({0_s, 1_ms, 200_ms, 2_s, 20_s, 60_s});
  p.capacity = dice.one_of({1u, 3u, 10u, 1'000u});
  p.on_full =
      dice.one_of({Policy::OnFull::evict_oldest, Policy::OnFull::refuse, Policy::OnFull::close});
  p.rules.reopen =
      dice.one_of({Rules::Reopen::rfc6191, Rules::Reopen::sequence, Rules::Reopen::off});
  p.rules.rst = dice.one_of({Rules::OnRst::ignore, Rules::OnRst::accept});
  p.balance = dice.chance(0.2);
  p.floor = std::min(p.hold, dice.one_of({1_ms, 1_s}));
  p.recycle = dice.chance(0.15);
  p.hand_over = dice.chance(0.15);
  if (dice.chance(0.2)) p.nearness = {{{0xc612'0000}, 15, dice.one_of({0_s, 2_s, 10_s})}};
  return p;
}

tcp::TcpSettings draw_tcp(Dice& dice) {
  tcp::TcpSettings tcp;
  tcp.mss = dice.one_of<std::uint16_t>({1'460, 1'460, 1'400, 536, 100});
  tcp.receive_window = dice.one_of({65'535u, 65'535u, 8'192u, 2'000u, 200'000u});
  tcp.initial_window_segments = dice.one_of<std::uint8_t>({10, 3, 1});
  tcp.timestamps = dice.chance(0.75);
  tcp.window_scale = dice.chance(0.75);
  tcp.sack = dice.chance(0.75);
  tcp.nagle = dice.chance(0.5);
  tcp.delayed_ack = dice.one_of({40_ms, 40_ms, 0_ms, 200_ms});
  tcp.rto_min = dice.one_of({200_ms, 200_ms, 1_s, 20_ms});
  tcp.keep_alive.enabled = dice.chance(0.2);
  tcp.keep_alive.idle = dice.one_of({10_s, 60_s});
  tcp.keep_alive.interval = dice.one_of({1_s, 15_s});
  return tcp;
}

void draw_wire(const Scenario& s, std::size_t host, net::WireSettings& wire) {
  Dice dice(s.seed, For::wires, host);
  // Drawn whether wanted or not: see the head of scenario.h.
  const Duration delay = dice.one_of({100_us, 5_ms, 50_ms, 300_ms});
  const Duration jitter = dice.one_of({100_us, 5_ms, 200_ms});
  const double few = dice.one_of({0.002, 0.02, 0.1, 0.25}), some = dice.one_of({0.01, 0.1, 0.5});
  const double bursts = dice.one_of({0.001, 0.01, 0.05}), flips = dice.one_of({0.001, 0.02, 0.1});
  const double strays = dice.one_of({0.01, 0.05, 0.3}), replays = dice.one_of({0.002, 0.02});
  const Duration bunch = dice.one_of({1_ms, 20_ms, 200_ms});
  const std::uint64_t rate = dice.one_of<std::uint64_t>({20'000, 200'000, 5'000'000});
  const auto queue = dice.from<std::uint32_t>(2, 30);
  if (s.has(SimFault::delay)) wire.faults.delay = delay;
  if (s.has(SimFault::jitter)) wire.faults.jitter = jitter;
  if (s.has(SimFault::loss)) wire.faults.loss = few;
  if (s.has(SimFault::bursts)) wire.burst_begins = bursts;
  if (s.has(SimFault::duplicate)) wire.faults.duplicate = some;
  if (s.has(SimFault::reorder)) wire.faults.reorder = some;
  if (s.has(SimFault::corrupt)) wire.faults.corrupt = flips;
  if (s.has(SimFault::stray)) wire.stray = strays;
  wire.stray_max = kSimMsl / 2;  // there may be two such wires on the way
  if (s.has(SimFault::replay)) wire.replay = replays;
  if (s.has(SimFault::bunch)) wire.bunch = bunch;
  if (s.has(SimFault::rate)) {
    wire.rate = rate;
    wire.queue_frames = queue;
  }
}

flow::ShardSizes draw_sizes(const Scenario& s, const HostPlan& host, std::size_t number) {
  Dice dice(s.seed, For::sizes, number);
  const std::uint32_t blocks = dice.from(2u, 12u), entries = dice.from(1u, 12u);
  const std::uint32_t extents = dice.from(2u, 12u), buffers = dice.from(1u, 4u);
  flow::ShardSizes sizes{.connections = 512,
                         .time_wait = 2'048,
                         .extents = 1'024,
                         .chunks = 64,
                         .receive_buffers = 64,
                         .receive_window = host.settings.tcp.receive_window};
  if (s.has(SimFault::tiny_tables)) {
    sizes.connections = blocks;
    sizes.time_wait = entries;
  }
  if (s.has(SimFault::tiny_pools)) {
    sizes.extents = extents;
    sizes.chunks = 1;
    sizes.receive_buffers = buffers;
  }
  return sizes;
}

shard::ShardSettings draw_settings(const Scenario& s, const SimOptions& options, bool server,
                                   std::size_t number) {
  Dice dice(s.seed, For::policy, number);
  shard::ShardSettings settings;
  settings.tcp = draw_tcp(dice);
  const flow::TimeWaitPolicy strict = strict_policy(dice), hasty = hasty_policy(dice);
  settings.time_wait = s.has(SimFault::hasty) ? hasty : strict;
  const auto reuse = dice.from<std::uint8_t>(0, 1);
  using Cookies = flow::SynPolicy::Cookies;
  const flow::SynPolicy syn{
      .half_open = dice.from(1u, 4u),
      .cookies = dice.one_of({Cookies::automatic, Cookies::always, Cookies::never})};
  settings.syn = s.has(SimFault::half_open) ? syn : flow::SynPolicy{.half_open = 0};
  if (s.has(SimFault::hasty) && !server) settings.time_wait.reuse = reuse;
  if (!options.policy) return settings;
  const shard::EndSettings& ours = server ? options.policy->server : options.policy->client;
  settings.tcp = ours.shard.tcp;
  settings.time_wait = ours.shard.time_wait;
  return settings;
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

bool keeps_promise(const shard::ShardSettings& settings) {
  const flow::TimeWaitPolicy& p = settings.time_wait;
  return p.hold >= kSimMsl * 2 && p.on_full == flow::TimeWaitPolicy::OnFull::refuse &&
         p.rules.rst == tcp::TimeWaitRules::OnRst::ignore && !p.balance && !p.recycle &&
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
  s.faults_last = options.duration;
  if (s.faults.empty()) {
    build_plain_world(s, options);
  } else {
    s.traffics = {draw_traffic(s)};
    draw_hosts(s, options);
    draw_happenings(s);
  }
  if (options.connections > 0) s.traffics.front().connections = options.connections;
  // A host that answers with SYN cookies has no state of earlier connections, like one that
  // crashed.
  s.keeps_promises =
      !s.has(SimFault::restart) && !s.has(SimFault::clock_step) && !s.has(SimFault::half_open);
  for (const HostPlan& host : s.hosts) s.keeps_promises &= keeps_promise(host.settings);
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
  const auto servers = std::count_if(s.hosts.begin(), s.hosts.end(),
                                     [](const HostPlan& host) { return host.is_server; });
  const auto clients = static_cast<std::ptrdiff_t>(s.hosts.size()) - servers;
  return fmt::format("{} server{}, {} client{}, {} connections, {}, faults {}", servers,
                     servers == 1 ? "" : "s", clients, clients == 1 ? "" : "s",
                     s.traffic().connections, s.keeps_promises ? "strict" : "no promises",
                     to_string(s.faults));
}

}  // namespace mayfly::world
