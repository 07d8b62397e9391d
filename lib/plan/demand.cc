#include "plan/demand.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "load/words.h"

namespace mayfly::plan {
namespace {

using OnFull = flow::TimeWaitPolicy::OnFull;

std::uint64_t whole(double n) noexcept {
  return n < 1e18 ? static_cast<std::uint64_t>(std::ceil(n)) : 1'000'000'000'000'000'000;
}

Duration seconds(double s) noexcept { return {static_cast<std::int64_t>(std::min(s, 1e12) * 1e6)}; }

std::string in_seconds(Duration d) { return fmt::format("{:.3g} s", d.seconds()); }

/// The shortage of something of which there are `there`: the demand takes them at its rate, and
/// each connection keeps one for the hold.
Shortage shortage(Shortage::Of of, std::uint64_t needed, std::uint64_t there,
                  const Demand& demand) noexcept {
  const auto n = static_cast<double>(there);
  return {.of = of,
          .needed = needed,
          .there = there,
          .after = seconds(n / demand.rate),
          .rate_max = n / demand.hold.seconds()};
}

PolicyFit fit_at_client(const PresetFacts& preset, const Demand& demand) {
  Demand pairs = demand;
  if (preset.reuse) pairs.hold = std::min(pairs.hold, preset.reuse_delay);
  const DemandPlan plan = plan_demand(pairs);
  if (!plan.shortages.empty()) return {preset.name, Fit::fails, words_of(plan.shortages.front())};
  std::string room = fmt::format("{} of {} four-tuples are held, by the clients",
                                 load::grouped(plan.entries), load::grouped(plan.pairs));
  if (preset.harm.empty()) return {preset.name, Fit::fits, std::move(room)};
  return {preset.name, Fit::harms, preset.harm};
}

/// What happens because the table is too small.
PolicyFit fit_when_full(const PresetFacts& preset, const Demand& demand, const Shortage& table) {
  const Duration life = table.after;  // an entry is evicted after capacity / rate
  if (preset.balance) {
    if (life < preset.floor)
      return {preset.name, Fit::fails,
              fmt::format("the hold would be {}, and its floor is {}", in_seconds(life),
                          in_seconds(preset.floor))};
    return {preset.name, Fit::harms,
            fmt::format("held for {} instead of {}: segments delayed for longer find no TIME_WAIT",
                        in_seconds(life), in_seconds(demand.hold))};
  }
  switch (preset.on_full) {
    case OnFull::evict_oldest:
      return {preset.name, Fit::harms,
              fmt::format(
                  "evicted after {} instead of {}: segments delayed for longer find no TIME_WAIT",
                  in_seconds(life), in_seconds(demand.hold))};
    case OnFull::close:
      return {preset.name, Fit::harms,
              fmt::format("{:.4g} % of the connections get no TIME_WAIT at all",
                          100 * (1 - table.rate_max / demand.rate))};
    case OnFull::refuse: break;
  }
  return {preset.name, Fit::fails, words_of(table)};
}

PolicyFit fit_at_server(const PresetFacts& preset, Demand demand) {
  DemandPlan plan = plan_demand(demand);
  if (demand.capacity == 0 && demand.memory > 0) {  // as large a table as the memory allows
    demand.capacity = std::max<std::uint64_t>(1, demand.memory / kTimeWaitBytes);
    demand.capacity = std::min(plan.held, demand.capacity);
    plan = plan_demand(demand);
  }
  if (!plan.shortages.empty()) {
    const Shortage& first = plan.shortages.front();
    if (first.of == Shortage::Of::table) return fit_when_full(preset, demand, first);
    return {preset.name, Fit::fails, words_of(first)};
  }
  if (!preset.harm.empty()) return {preset.name, Fit::harms, preset.harm};
  std::string room = fmt::format("{} entries of {}", load::grouped(plan.held),
                                 load::in_bytes(plan.held * kTimeWaitBytes));
  if (plan.held < plan.entries)
    room += fmt::format("; each four-tuple is reopened after {} (RFC 6191)",
                        in_seconds(plan.comes_back));
  return {preset.name, Fit::fits, std::move(room)};
}

PolicyFit fit_of(const PresetFacts& preset, Demand demand) {
  if (preset.hold == 0_s)
    return {preset.name, Fit::harms, preset.harm.empty() ? "nothing is held" : preset.harm};
  demand.hold = preset.hold.value_or(demand.hold);
  demand.first = preset.holder.value_or(demand.first);
  if (demand.first == shard::Closer::client && !preset.capacity)
    return fit_at_client(preset, demand);
  // A capacity in the preset limits either end: beyond it, the client's four-tuples are free at
  // once.
  demand.first = shard::Closer::server;
  demand.capacity = preset.capacity.value_or(demand.capacity);
  return fit_at_server(preset, demand);
}

}  // namespace

DemandPlan plan_demand(const Demand& demand) {
  DemandPlan plan;
  plan.entries = whole(demand.rate * demand.hold.seconds());
  plan.pairs = demand.clients * demand.ports();
  plan.held = std::min(plan.entries, plan.pairs);
  plan.comes_back = seconds(static_cast<double>(plan.pairs) / demand.rate);
  plan.addresses_needed = (plan.entries + demand.ports() - 1) / demand.ports();
  plan.client_rate_max = static_cast<double>(plan.pairs) / demand.hold.seconds();
  const bool at_server = demand.first != shard::Closer::client;
  plan.table = at_server && demand.capacity > 0 ? demand.capacity : plan.held;
  plan.bytes = plan.table * kTimeWaitBytes;

  using enum Shortage::Of;
  if (demand.memory > 0 && plan.bytes > demand.memory) {
    Shortage& s = plan.shortages.emplace_back(
        shortage(memory, plan.bytes, demand.memory / kTimeWaitBytes, demand));
    s.there = demand.memory;
    s.after = {};  // all memory of the table is allocated at start
  }
  if (at_server && plan.table < plan.held)
    plan.shortages.push_back(shortage(table, plan.held, plan.table, demand));
  if (!at_server && plan.pairs < plan.entries)
    plan.shortages.push_back(shortage(pairs, plan.entries, plan.pairs, demand));
  return plan;
}

std::string words_of(const Shortage& s) {
  switch (s.of) {
    case Shortage::Of::memory:
      return fmt::format("memory: the table needs {}, but only {} are free: it does not start",
                         load::in_bytes(s.needed), load::in_bytes(s.there));
    case Shortage::Of::table:
      return fmt::format(
          "the server's table: {} entries are needed, but it has {}: full after {}, then {}/s",
          load::grouped(s.needed), load::grouped(s.there), in_seconds(s.after),
          load::grouped(s.rate_max));
    case Shortage::Of::pairs: break;
  }
  return fmt::format(
      "the clients' sources: {} are needed, but there are {}: used up after {}, then {}/s",
      load::grouped(s.needed), load::grouped(s.there), in_seconds(s.after),
      load::grouped(s.rate_max));
}

std::vector<PolicyFit> fits_of(const Demand& demand, std::span<const PresetFacts> presets) {
  std::vector<PolicyFit> fits;
  for (const PresetFacts& preset : presets) fits.push_back(fit_of(preset, demand));
  return fits;
}

}  // namespace mayfly::plan
