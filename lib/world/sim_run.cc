#include "world/sim_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "world/fairness_oracle.h"

namespace mayfly::world {
namespace {

/// The longest that anything may take once the network is perfect: patience, and a time-out after
/// it.
constexpr Duration kLiveness = EndApp::kPatience * 3;

}  // namespace

SimRun::SimRun(const Scenario& scenario, Trace& trace) : scenario_(scenario), trace_(trace) {}

Result<std::unique_ptr<SimRun>> SimRun::create(const Scenario& scenario, Trace& trace) {
  std::unique_ptr<SimRun> run(new SimRun(scenario, trace));
  auto world = World::create(scenario, &run->judge_);
  if (!world) return world.error();
  run->world_ = std::move(*world);
  for (const WorldHost& each : run->world_->hosts())
    for (std::size_t port = 0; port < each.host->ports(); ++port)
      each.host->port(port).set_tap(
          [&trace, name = port == 0 ? each.plan.name : each.plan.name + "b"](
              std::span<const std::byte> frame, bool sent, Instant now) {
            trace.frame(name, frame, sent, now);
          });
  return run;
}

SimResult SimRun::run() {
  live_through_faults();
  if (!judge_.found()) heal();
  if (!judge_.found()) finish_what_is_open();
  if (!judge_.found()) open_anew();
  if (!judge_.found()) rest();
  if (!judge_.found()) FairnessOracle(scenario_, world_->book(), judge_).look_at_end(now());
  if (!judge_.found()) world_->book_oracle().look_at_end(opened_anew_, now());
  return result();
}

// One event. False: none by `limit`, or something was violated.
bool SimRun::advance(Instant limit) {
  const auto& happenings = scenario_.happenings;
  const bool happens = !healed_ && next_happening_ < happenings.size();
  const Instant next = happens ? happenings[next_happening_].at : Instant::never();
  if (world_->simulation().step(std::min(limit, next))) return !judge_.found();
  if (next > limit) return false;
  act_on(happenings[next_happening_++]);
  world_->simulation().ask_all();
  return true;
}

void SimRun::move(const Happening& happening, const std::string& name) {
  using What = Happening::What;
  net::ShardHost<EndApp>& host = *world_->hosts()[happening.host].host;
  net::Router& router = world_->router();
  switch (happening.what) {
    case What::reshuffle: trace_.note(now(), "the router moves flows"); return router.reshuffle();
    case What::withdraw:
      trace_.note(now(), name + " gets no more from the router");
      return router.set_present(happening.host, false);
    case What::announce:
      trace_.note(now(), name + " gets flows again");
      return router.set_present(happening.host, true);
    default: break;
  }
  trace_.note(now(), name + " refuses SYNs");
  if (host.is_up()) host.shard().drain();
}

template <class Done>
bool SimRun::run_until(Done&& done, Duration limit) {
  const Instant end = now() + limit;
  while (!done())
    if (!advance(end)) return done();
  return true;
}

void SimRun::act_on(const Happening& happening) {
  using What = Happening::What;
  MAYFLY_ASSERT(happening.host < world_->hosts().size());
  const std::string& name = scenario_.hosts[happening.host].name;
  net::ShardHost<EndApp>& host = *world_->hosts()[happening.host].host;
  net::Network& network = world_->simulation().network();
  const Instant at = now();
  switch (happening.what) {
    case What::cut: trace_.note(at, name + " is cut off"); return network.cut(host.port(), true);
    case What::uncut:
      trace_.note(at, name + " is connected again");
      return network.cut(host.port(), false);
    case What::crash: trace_.note(at, name + " crashes"); return host.crash(at, happening.down);
    case What::stick:
      trace_.note(at, fmt::format("{}'s port {} is stuck", name, happening.port + 1));
      return host.port(happening.port).stick(true);
    case What::unstick:
      trace_.note(at, fmt::format("{}'s port {} takes frames again", name, happening.port + 1));
      return host.port(happening.port).stick(false);
    case What::reshuffle:
    case What::withdraw:
    case What::announce:
    case What::drain: return move(happening, name);
    case What::step_timestamps:
      trace_.note(at, name + "'s timestamps jump");
      return network.step_timestamps(host.port(), happening.stamps_ahead);
  }
}

// Safety. Ends when every connection was tried and is over, or when it has been long enough.
void SimRun::live_through_faults() {
  constexpr Duration kLongest = Duration::from_s(3'600);
  const bool bounded = scenario_.faults_last.us > 0;
  const bool plain = scenario_.faults.empty();
  const Duration limit = bounded ? scenario_.faults_last : plain ? Duration::max() : kLongest;
  run_until([this] { return world_->is_over(); }, limit);
  world_->book().open_no_more();
}

void SimRun::heal() {
  trace_.note(now(), "the network heals");
  healed_ = true;
  world_->simulation().network().heal();
  for (const WorldHost& each : world_->hosts()) {
    each.host->port().starve(0, 0);
    each.host->set_pace({});
    each.app->be_plain(scenario_.longest_hold());
  }
  if (!scenario_.stays_stuck) unstick();
  if (scenario_.router) world_->router().spray(false);
  world_->simulation().ask_all();
}

void SimRun::unstick() {
  for (const WorldHost& each : world_->hosts())
    for (std::size_t port = 0; port < each.host->ports(); ++port)
      each.host->port(port).stick(false);
}

// Liveness. It holds for the connections of a port that is stuck, too.
void SimRun::finish_what_is_open() {
  const bool quiet = run_until([this] { return world_->is_quiet(); }, kLiveness);
  unstick();
  world_->simulation().ask_all();
  if (quiet || judge_.found()) return;
  judge_.violated(now(), "liveness", "still open: " + world_->what_is_open());
}

// Every old duplicate has arrived and every hold has ended: whatever is opened now goes through.
void SimRun::open_anew() {
  // A policy that refuses what it may have no entry for may have room for just one.
  const std::uint32_t count = scenario_.faults.empty()               ? 0
                              : scenario_.has(SimFault::tiny_tables) ? 1
                                                                     : 4;
  run_until([] { return false; }, scenario_.longest_hold() + kSimMsl * 2);
  if (judge_.found()) return;
  trace_.note(now(), "new connections");
  opened_anew_ = world_->book().size();
  world_->book().open_more(count);
  world_->simulation().ask_all();
  if (run_until([this] { return world_->is_over(); }, kLiveness) || judge_.found()) return;
  judge_.violated(now(), "liveness",
                  fmt::format("after all has healed, {} of {} connections were not even begun; {}",
                              world_->book().to_open(), count, world_->what_is_open()));
}

// What was held is let go, and then there is nothing left.
void SimRun::rest() {
  run_until([] { return false; }, scenario_.longest_hold() + kSimMsl * 2);
  if (judge_.found()) return;
  for (const WorldHost& each : world_->hosts())
    if (each.host->is_up()) each.oracle->look_at_end(now());
  net::Network& network = world_->simulation().network();
  if (const std::size_t held = network.pool().in_use(); held > network.under_way())
    judge_.violated(now(), "left behind", fmt::format("{} frames", held - network.under_way()));
}

SimResult SimRun::result() const {
  SimResult r;
  if (judge_.found()) r.violation = judge_.violation();
  r.digest = trace_.digest();
  r.frames = trace_.frames();
  r.simulated = now() - scenario_.start;
  const Book& book = world_->book();
  r.opened = book.size();
  for (std::uint32_t index = 0; index < book.size(); ++index) {
    const Incarnation& i = book[index];
    const bool whole = i.client.received >= i.answer && i.server.received >= i.request;
    if (i.foreign > 0)
      r.harm += !world_->book_oracle().is_promised(i);
    else if (whole && i.client.ended_well() && i.server.ended_well())
      ++r.completed;
  }
  for (const WorldHost& each : world_->hosts()) {
    if (!each.host->is_up()) continue;
    const flow::ShardStats& stats = each.host->shard().stats();
    r.time_waits += stats.time_wait_opened.get();
    r.evicted += stats.closed[static_cast<std::size_t>(flow::CloseReason::evicted)].get();
    r.stalled += stats.drops[static_cast<std::size_t>(Drop::link_stalled)].get();
    r.shed += stats.drops[static_cast<std::size_t>(Drop::overload)].get();
    r.restored += stats.time_wait_restored.get();
    r.reopened +=
        stats.time_wait_reopened_timestamp.get() + stats.time_wait_reopened_sequence.get();
  }
  return r;
}

Result<SimResult> live_through(const SimOptions& options, std::FILE* text,
                               std::shared_ptr<wire::PcapFile> pcap) {
  const Scenario scenario = make_scenario(options);
  Trace trace(scenario.start, text, std::move(pcap));
  auto run = SimRun::create(scenario, trace);
  if (!run) return run.error();
  return (*run)->run();
}

}  // namespace mayfly::world
