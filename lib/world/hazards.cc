#include "world/hazards.h"

#include <algorithm>

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

}  // namespace

Result<LedgerRow> live_under(const EndPolicies& policy, const HazardWorldSettings& settings) {
  LedgerRow row;
  for (const HazardKind kind : {HazardKind::stamped, HazardKind::unstamped, HazardKind::nat}) {
    if (kind == HazardKind::nat && !settings.nat) continue;
    const Scenario scenario = hazard_scenario(settings, policy, kind);
    auto world = World::create(scenario, nullptr);
    if (!world) return world.error();
    const HandshakeTap tap(**world, 0);
    live_through(**world);
    add_to(row, **world);
  }
  return row;
}

}  // namespace mayfly::world
