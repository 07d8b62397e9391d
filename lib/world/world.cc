#include "world/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "tcp/isn.h"
#include "wire/print.h"

namespace mayfly {
namespace {

constexpr std::uint16_t kPort = 7;
constexpr std::uint8_t kPrefix = 15, kOutsideSegment = 0, kInsideSegment = 1;
constexpr Ipv4Address kServers{0xc612'0001};  // 198.18.0.1
constexpr Ipv4Address kClients{0xc612'1000};  // 198.18.16.0, a /24 for each
constexpr Ipv4Address kInside{0xc613'0000};   // 198.19.0.0, a /24 for each
constexpr Ipv4Address kOutside{0xc612'0200};  // 198.18.2.0
/// The longest that anything may take once the network is perfect: patience, and a time-out after
/// it.
constexpr Duration kLiveness = EndApp::kPatience * 3;

constexpr MacAddress mac_of(std::size_t station) {
  return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(station)}};
}

InterfaceAddress addresses_of(const HostPlan& plan) {
  const auto number = static_cast<std::uint32_t>(plan.number);
  if (plan.is_server) return {{kServers.host + number}, {kServers.host + number}, kPrefix};
  const std::uint32_t base = (plan.behind_nat ? kInside : kClients).host;
  const std::uint32_t first = base + (number + 1) * 256 + 1;
  return {{first}, {first + plan.addresses - 1}, kPrefix};
}

/// Its end had a right to be forgotten: its peer aborted, crashed or ran out of time, or it asked
/// for the last ACK for longer than TIME_WAIT is held.
bool was_late(const SimEnd& end, const SimEnd& peer, Duration hold) {
  if (peer.crashed) return true;
  if (!peer.ended) return false;
  switch (peer.reason) {
    case CloseReason::aborted:
    case CloseReason::timed_out:
    case CloseReason::fin_wait_2: return true;
    case CloseReason::time_wait: return end.ended_at >= peer.ended_at + hold;
    default: return false;
  }
}

/// A secret with which the ISNs of the flow begin just below their wrap-around.
Secret secret_before_wrap(const FlowKey4& flow, Instant start, Prng& random) {
  constexpr int kTries = 20'000;
  Secret best{};
  std::uint32_t highest = 0;
  for (int i = 0; i < kTries; ++i) {
    const Secret secret = {random.next(), random.next()};
    const Seq iss = initial_sequence(std::as_bytes(std::span(&flow, 1)), secret, start);
    if (iss.raw < highest) continue;
    highest = iss.raw;
    best = secret;
  }
  return best;
}

}  // namespace

World::World(const Scenario& scenario, Trace& trace)
    : scenario_(scenario),
      trace_(trace),
      random_(scenario.seed),
      simulation_(random_.next(), scenario.start),
      book_(random_.next(), scenario.traffic, scenario.has(SimFault::abort)) {}

Result<std::unique_ptr<World>> World::create(const Scenario& scenario, Trace& trace) {
  std::unique_ptr<World> world(new World(scenario, trace));
  if (scenario.has(SimFault::nat)) world->build_nat();
  world->add_tuples();
  if (auto built = world->build_hosts(); !built) return built.error();
  world->hand_out_tuples();
  return world;
}

void World::build_nat() {
  NatSettings nat;
  nat.inside = {kInside, {kInside.host | 0xffff}, kPrefix};
  nat.outside = kOutside;
  nat.inside_mac = mac_of(100);
  nat.outside_mac = mac_of(101);
  nat.inside_segment = kInsideSegment;
  nat.outside_segment = kOutsideSegment;
  nat_ = std::make_unique<Nat>(simulation_, nat);
}

Result<bool> World::build_hosts() {
  for (const HostPlan& plan : scenario_.hosts)
    if (auto built = build_host(plan); !built) return built.error();
  return true;
}

Result<bool> World::build_host(const HostPlan& plan) {
  apps_.push_back(std::make_unique<EndApp>(plan, scenario_.traffic, book_, judge_, random_.next(),
                                           wiring_of(plan)));
  const std::uint8_t segment = plan.behind_nat ? kInsideSegment : kOutsideSegment;
  auto host = SwarmHost::create(simulation_, plan, config_of(plan), *apps_.back(), judge_, segment);
  if (!host) return host.error();
  hosts_.push_back(std::move(*host));
  SimPort& port = hosts_.back()->port();
  port.starve(plan.no_buffer, random_.next());
  port.set_tap([this, &plan](std::span<const std::byte> frame, bool sent, Instant now) {
    trace_.frame(plan.name, frame, sent, now);
  });
  return true;
}

ShardConfig World::config_of(const HostPlan& plan) {
  ShardConfig config;
  config.name = "sim-" + plan.name;
  config.sizes = plan.sizes;
  config.pages = HugePages::never;
  config.interfaces.resize(1);
  config.interfaces[0].mac = mac_of(plan.number + 1);
  config.interfaces[0].addresses = {addresses_of(plan)};
  if (plan.is_server) config.listen = {kPort};
  config.secret = {random_.next(), random_.next()};
  if (scenario_.has(SimFault::wrap)) {
    const FlowKey4 flow = book_.tuple(0).key;
    const bool mine = plan.is_server || addresses_of(plan).first == flow.local();
    const FlowKey4 seen = plan.is_server ? FlowKey4::of(flow.remote(), flow.remote_port_host(),
                                                        flow.local(), flow.local_port_host())
                                         : flow;
    if (mine) config.secret = secret_before_wrap(seen, scenario_.start, random_);
  }
  return config;
}

EndApp::Wiring World::wiring_of(const HostPlan& plan) {
  EndApp::Wiring wiring;
  wiring.recognise = [this](const FlowKey4& key, Seq irs) { return recognise(key, irs); };
  wiring.time_wait_begun = [this, &plan](const FlowKey4& key, Instant now) {
    hosts_[plan.number]->oracle().time_wait_begun(key, now);
  };
  wiring.opened = [this, &plan](const FlowKey4& key) { hosts_[plan.number]->oracle().opened(key); };
  if (scenario_.traffic.patient) wiring.rest = scenario_.longest_hold();
  wiring.promises = scenario_.keeps_promises;
  return wiring;
}

void World::add_tuples() {
  for (const HostPlan& server : scenario_.hosts) {
    if (!server.is_server) continue;
    const Ipv4Address to = addresses_of(server).first;
    for (const HostPlan& client : scenario_.hosts) {
      if (client.is_server) continue;
      const InterfaceAddress from = addresses_of(client);
      for (std::uint32_t ip = from.first.host; ip <= from.last.host; ++ip)
        for (std::uint16_t n = 0; n < client.ports; ++n) {
          const auto port = static_cast<std::uint16_t>(client.first_port + n);
          book_.add_tuple({FlowKey4::of({ip}, port, to, kPort), client.number, server.number});
        }
    }
  }
}

void World::hand_out_tuples() {
  for (std::uint32_t tuple = 0; tuple < book_.tuples(); ++tuple)
    apps_[book_.tuple(tuple).client]->add_tuple(tuple, scenario_.start);
}

// Who opened a connection with this key, as the server sees it.
std::uint32_t World::recognise(const FlowKey4& key, Seq irs) const {
  Ipv4Address client = key.remote();
  std::uint16_t port = key.remote_port_host();
  if (nat_ && client == kOutside) {
    const auto inside = nat_->inside_of(port);
    if (!inside) return kNoIndex;
    client = inside->ip;
    port = inside->port;
  }
  return book_.find(client, port, key.local(), irs);
}

WorldResult World::run() {
  live_through_faults();
  if (!judge_.found()) heal();
  if (!judge_.found()) finish_what_is_open();
  if (!judge_.found()) open_anew();
  if (!judge_.found()) rest();
  if (!judge_.found()) judge_incarnations();
  return result();
}

// One event. False: none by `limit`, or something was violated.
bool World::advance(Instant limit) {
  const auto& happenings = scenario_.happenings;
  const bool happens = healed_at_.is_never() && next_happening_ < happenings.size();
  const Instant next = happens ? happenings[next_happening_].at : Instant::never();
  if (simulation_.step(std::min(limit, next))) return !judge_.found();
  if (next > limit) return false;
  act_on(happenings[next_happening_++]);
  simulation_.ask_all();
  return true;
}

template <class Done>
bool World::run_until(Done&& done, Duration limit) {
  const Instant end = simulation_.now() + limit;
  while (!done())
    if (!advance(end)) return done();
  return true;
}

void World::act_on(const Happening& happening) {
  using What = Happening::What;
  SwarmHost& host = *hosts_[happening.host];
  Network& network = simulation_.network();
  const Instant now = simulation_.now();
  switch (happening.what) {
    case What::cut:
      trace_.note(now, host.plan().name + " is cut off");
      return network.cut(host.port(), true);
    case What::uncut:
      trace_.note(now, host.plan().name + " is connected again");
      return network.cut(host.port(), false);
    case What::crash:
      trace_.note(now, host.plan().name + " crashes");
      return host.crash(now, happening.down);
    case What::step_timestamps:
      trace_.note(now, host.plan().name + "'s timestamps jump");
      return network.step_timestamps(host.port(), happening.stamps_ahead);
  }
}

bool World::is_quiet() const {
  if (book_.open_ends() > 0) return false;
  return std::all_of(hosts_.begin(), hosts_.end(), [](const auto& host) {
    return host->shard() == nullptr || host->shard()->open_connections() == 0;
  });
}

// Safety. Ends when every connection was tried and is over, or when it has been long enough.
void World::live_through_faults() {
  constexpr Duration kLongest = Duration::from_s(3'600);
  const bool bounded = scenario_.faults_last.us > 0;
  const bool plain = scenario_.faults.empty();
  const Duration limit = bounded ? scenario_.faults_last : plain ? Duration::max() : kLongest;
  run_until([this] { return book_.to_open() == 0 && is_quiet(); }, limit);
  book_.open_no_more();
}

void World::heal() {
  const Instant now = simulation_.now();
  trace_.note(now, "the network heals");
  healed_at_ = now;
  simulation_.network().heal();
  for (const auto& host : hosts_) {
    host->port().starve(0, 0);
    host->app().be_plain(scenario_.longest_hold());
  }
  simulation_.ask_all();
}

// Liveness.
void World::finish_what_is_open() {
  if (run_until([this] { return is_quiet(); }, kLiveness) || judge_.found()) return;
  judge_.violated(simulation_.now(), "liveness", "still open: " + what_is_open());
}

// Every old duplicate has arrived and every hold has ended: whatever is opened now goes through.
void World::open_anew() {
  // A policy that refuses what it may have no entry for may have room for just one.
  const std::uint32_t count = scenario_.faults.empty()               ? 0
                              : scenario_.has(SimFault::tiny_tables) ? 1
                                                                     : 4;
  run_until([] { return false; }, scenario_.longest_hold() + kSimMsl * 2);
  if (judge_.found()) return;
  trace_.note(simulation_.now(), "new connections");
  opened_anew_ = book_.size();
  book_.open_more(count);
  simulation_.ask_all();
  const bool over = run_until([this] { return book_.to_open() == 0 && is_quiet(); }, kLiveness);
  if (over || judge_.found()) return;
  judge_.violated(simulation_.now(), "liveness",
                  fmt::format("after all has healed, {} of {} connections were not even begun; {}",
                              book_.to_open(), count, what_is_open()));
}

// What was held is let go, and then there is nothing left.
void World::rest() {
  run_until([] { return false; }, scenario_.longest_hold() + kSimMsl * 2);
  if (judge_.found()) return;
  for (const auto& host : hosts_)
    if (host->shard() != nullptr) host->oracle().look_at_end(simulation_.now());
  Network& network = simulation_.network();
  if (const std::size_t held = network.pool().in_use(); held > network.under_way())
    judge_.violated(simulation_.now(), "left behind",
                    fmt::format("{} frames", held - network.under_way()));
}

void World::judge_incarnations() {
  for (std::uint32_t index = 0; index < book_.size() && !judge_.found(); ++index)
    judge(book_[index]);
}

void World::judge(const SimIncarnation& i) {
  const bool anew = book_.index_of(i) >= opened_anew_;
  const bool perfect = anew || scenario_.faults.empty();
  const bool aborts = i.parting == Parting::client_aborts || i.parting == Parting::server_aborts;
  const auto broken = [&](const char* oracle, const std::string& what) {
    judge_.violated(simulation_.now(), oracle, what + ": " + describe(book_, i));
  };
  if (perfect && !aborts) {
    if (!i.client.ended_well() || !i.server.ended_well())
      broken("completion", fmt::format("it ended {} at the client and {} at the server",
                                       name_of(i.client.reason), name_of(i.server.reason)));
    return;
  }
  if (!scenario_.keeps_promises || !i.promised) return;
  // RFC 9293 3.6.1: whoever waits for the last ACK gets it, for as long as TIME_WAIT is held.
  const auto hold_of = [&](std::size_t host) {
    return scenario_.hosts[host].settings.time_wait.hold;
  };
  const SimTuple& tuple = book_.tuple(i.tuple);
  const auto reset = [](const SimEnd& view) {
    return view.opened && view.ended && view.reason == CloseReason::reset;
  };
  if (reset(i.client) && i.server.opened && !was_late(i.client, i.server, hold_of(tuple.server)))
    broken("reset", "the client was reset, and the server had not given it up");
  if (reset(i.server) && !was_late(i.server, i.client, hold_of(tuple.client)))
    broken("reset", "the server was reset, and the client had not given it up");
}

std::string World::what_is_open() const {
  std::string text;
  for (const auto& host : hosts_)
    if (host->shard() != nullptr)
      text += fmt::format("{} {}  ", host->plan().name, host->shard()->open_connections());
  for (std::uint32_t index = 0; index < book_.size(); ++index) {
    const SimIncarnation& i = book_[index];
    const bool open = (i.client.opened && !i.client.ended) || (i.server.opened && !i.server.ended);
    if (open) return text + "; first " + describe(book_, i);
  }
  return text;
}

WorldResult World::result() const {
  WorldResult r;
  if (judge_.found()) r.violation = judge_.violation();
  r.digest = trace_.digest();
  r.frames = trace_.frames();
  r.simulated = simulation_.now() - scenario_.start;
  r.opened = book_.size();
  for (std::uint32_t index = 0; index < book_.size(); ++index) {
    const SimIncarnation& i = book_[index];
    const bool whole = i.client.received >= i.answer && i.server.received >= i.request;
    if (whole && !i.spoiled && i.client.ended_well() && i.server.ended_well()) ++r.completed;
  }
  for (const auto& host : hosts_) {
    r.harm += host->app().harm();
    if (host->shard() == nullptr) continue;
    const ShardStats& stats = host->shard()->stats();
    r.time_waits += stats.time_wait_opened.get();
    r.restored += stats.time_wait_restored.get();
    r.reopened +=
        stats.time_wait_reopened_timestamp.get() + stats.time_wait_reopened_sequence.get();
  }
  return r;
}

}  // namespace mayfly
