#include "world/hazards.h"

#include <algorithm>
#include <deque>

#include "world/handshake_tap.h"
#include "world/hazard_scenario.h"
#include "world/ledger.h"
#include "world/world.h"

namespace mayfly::world {
namespace {

/// Until every connection is over and every old duplicate has arrived.
void live_through(World& world) {
  constexpr Duration kWorkMax = Duration::from_s(24 * 3'600);  // far above the longest holds
  constexpr Duration kEndsMax = EndApp::kPatience * 3;         // above every time-out of an end
  net::Simulation& simulation = world.simulation();
  simulation.run_until([&] { return world.is_over(); }, kWorkMax);
  world.book().open_no_more();
  simulation.run_for(net::WireSettings{}.stray_max);
  simulation.run_until([&] { return world.is_quiet(); }, kEndsMax);
}

/// Replaces the clients while no connection is open and no old duplicate is under way; the servers
/// still hold what they held.
void restart_clients(World& world, std::uint32_t restarts) {
  constexpr Duration kWorkMax = Duration::from_s(3'600);
  net::Simulation& simulation = world.simulation();
  const std::uint32_t all = world.book().to_open();
  const auto pause = [&](bool pauses) {
    for (const WorldHost& each : world.hosts()) each.app->pause(pauses);
  };
  for (std::uint32_t n = restarts; n > 0; --n) {
    const std::uint32_t left = all / (restarts + 1) * n;
    simulation.run_until([&] { return world.book().to_open() <= left; }, kWorkMax);
    pause(true);
    const bool is_quiet = simulation.run_until([&] { return world.is_quiet(); }, kWorkMax);
    simulation.run_for(net::WireSettings{}.stray_max);
    for (std::size_t host = 0; is_quiet && host < world.hosts().size(); ++host)
      if (!world.hosts()[host].plan.is_server) world.restart(host);
    pause(false);
    simulation.ask_all();
  }
}

void add_to(LedgerRow& row, const World& world) {
  constexpr Drop kChallenges[] = {Drop::time_wait_segment, Drop::tcp_paws, Drop::tcp_syn_challenged,
                                  Drop::tcp_rst_challenged};
  add_to(row, world.book());
  std::uint64_t entries = 0;
  for (const WorldHost& each : world.hosts()) {
    const flow::ShardStats& stats = each.host->shard().stats();
    entries += stats.time_wait_peak.get();
    row.killed_after_syn += stats.time_wait_killed_after_syn.get();
    row.challenges += stats.time_wait_syn_answered.get();
    for (const Drop why : kChallenges)
      row.challenges += stats.drops[static_cast<std::size_t>(why)].get();
  }
  row.peak_time_wait = std::max(row.peak_time_wait, entries);
}

/// Runs one world to its end.
Result<LedgerRow> live_in(const Scenario& scenario, std::uint32_t restarts) {
  auto world = World::create(scenario, nullptr);
  if (!world) return world.error();
  std::deque<HandshakeTap> taps;
  for (std::size_t host = 0; host < scenario.hosts.size(); ++host)
    if (scenario.hosts[host].is_server) taps.emplace_back(**world, host);
  restart_clients(**world, restarts);
  live_through(**world);
  LedgerRow row;
  add_to(row, **world);
  return row;
}

bool is_behind_nat(HazardKind kind) { return situation_of(kind) == Situation::nat; }

}  // namespace

Result<LedgerRow> live_under(const EndPolicies& policy, const HazardWorldSettings& settings) {
  LedgerRow row;
  row.situations.resize(kSituationCount);
  for (const HazardKind kind : kHazardKinds) {
    if (is_behind_nat(kind) && !settings.nat) continue;
    const auto lived = live_in(hazard_scenario(settings, policy, kind), restarts_of(kind));
    if (!lived) return lived.error();
    add_to(row, *lived);
    add_to(row.situations[static_cast<std::size_t>(situation_of(kind))], *lived);
  }
  return row;
}

}  // namespace mayfly::world
