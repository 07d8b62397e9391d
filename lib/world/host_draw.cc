#include "world/host_draw.h"

#include "net/family.h"
#include "world/dice.h"

namespace mayfly::world {
namespace {

using For = Dice::For;

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
  if (dice.chance(0.2)) {
    constexpr Ipv4Address kNear{0xc612'0000};
    const Prefix near = Prefix::of(kNear, 15);
    const Duration hold = dice.one_of({0_s, 2_s, 10_s});
    p.nearness = {{near, hold}, {{net::six_of(kNear), near.length}, hold}};
  }
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

}  // namespace

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
  using Rules = tcp::TimeWaitRules;
  const bool keeps = dice.chance(0.3), silent = dice.chance(0.3);
  Rules& rules = settings.time_wait.rules;
  if (rules.rst != Rules::OnRst::accept)
    rules.rst = keeps ? Rules::OnRst::ignore : Rules::OnRst::challenged;
  if (silent) rules.refuse_syn = Rules::RefuseSyn::drop;
  if (!options.policy) return settings;
  const shard::EndSettings& ours = server ? options.policy->server : options.policy->client;
  settings.tcp = ours.shard.tcp;
  settings.time_wait = ours.shard.time_wait;
  return settings;
}

}  // namespace mayfly::world
