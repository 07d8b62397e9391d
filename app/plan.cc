// mayfly plan: the arithmetic of a load before it is run, and how each policy fits it.
#include <fmt/format.h>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/preset_facts.h"
#include "config/units.h"
#include "load/words.h"
#include "plan/demand.h"
#include "print.h"
#include "run/demand_texts.h"
#include "run/preflight.h"

namespace mayfly::app {
namespace {

const char* words_of(plan::Fit fit) {
  switch (fit) {
    case plan::Fit::fits: return "fits";
    case plan::Fit::harms: return "fits, but";
    case plan::Fit::fails: break;
  }
  return "does not fit";
}

std::string in_seconds(Duration d) { return fmt::format("{:.3g} s", d.seconds()); }

void print_need(const plan::Demand& demand, const plan::DemandPlan& plan) {
  const std::string hold = config::format_duration(demand.hold);
  fmt::print("the load\n");
  fmt::print("  {} connections/s to one server address and port; the {} closes first\n",
             load::grouped(demand.rate),
             demand.first == shard::Closer::client ? "client" : "server");
  fmt::print("  {} client address{} x {} ports = {} four-tuples: each is used every {}\n\n",
             load::grouped(demand.clients), demand.clients == 1 ? "" : "es",
             load::grouped(demand.ports()), load::grouped(plan.pairs), in_seconds(plan.comes_back));

  fmt::print("what it needs (Little's law: entries = rate x hold)\n");
  fmt::print("  entries   {}/s x {} = {}\n", load::grouped(demand.rate), hold,
             load::grouped(plan.entries));
  if (plan.held < plan.entries)
    fmt::print("            but no more than four-tuples: {}\n", load::grouped(plan.held));
  fmt::print("  memory    {} entries x {} B = {}; {} free\n", load::grouped(plan.table),
             plan::kTimeWaitBytes, load::in_bytes(plan.bytes), load::in_bytes(demand.memory));
  if (demand.capacity > 0)
    fmt::print("  capacity  {} entries at the server\n", load::grouped(demand.capacity));
}

void print_ends(const plan::Demand& demand, const plan::DemandPlan& plan) {
  fmt::print("\nif the server closes first\n");
  fmt::print("  it holds {} entries, and the clients none\n", load::grouped(plan.held));
  if (plan.held < plan.entries)
    fmt::print(
        "  every four-tuple is used again while it is held: after {} of {}. The server\n"
        "  has to reopen it (reopen: rfc6191), or {} addresses are needed\n",
        in_seconds(plan.comes_back), config::format_duration(demand.hold),
        load::grouped(plan.addresses_needed));
  fmt::print("if the client closes first\n");
  fmt::print("  the server holds none, and the clients {} four-tuples: {} address{} x {} ports\n",
             load::grouped(plan.entries), load::grouped(plan.addresses_needed),
             plan.addresses_needed == 1 ? "" : "es", load::grouped(demand.ports()));
  fmt::print("  the {} address{} there {} allow {}/s\n", load::grouped(demand.clients),
             demand.clients == 1 ? "" : "es", demand.clients == 1 ? "is" : "are",
             load::grouped(plan.client_rate_max));
}

void print_page(const plan::Demand& demand, const plan::DemandPlan& plan,
                const std::vector<plan::PolicyFit>& fits) {
  print_need(demand, plan);
  print_ends(demand, plan);
  fmt::print("\nwhat runs out first\n");
  if (plan.shortages.empty()) fmt::print("  nothing: there is enough of everything\n");
  for (const plan::Shortage& shortage : plan.shortages) fmt::print("  {}\n", words_of(shortage));
  fmt::print("\nthe policies of conf/policy\n");
  if (fits.empty()) fmt::print("  there is no conf/policy in this folder\n");
  for (const plan::PolicyFit& fit : fits)
    fmt::print("  {:<18} {:<13} {}\n", fit.policy, words_of(fit.fit), fit.because);
}

}  // namespace

int plan_command(const PlanOptions& options) {
  const auto demand = run::read_demand(options);
  if (!demand) {
    fmt::print(stderr, "mayfly: {}\n", demand.error().what);
    return kBadUsage;
  }
  if (const auto writes = run::check_output(options.json); !writes) return fail(writes.error());
  const auto presets = config::read_preset_facts();
  if (!presets.settings) {
    print_errors(presets.errors);
    return kBadUsage;
  }
  const plan::DemandPlan plan = plan_demand(*demand);
  const std::vector<plan::PolicyFit> fits = fits_of(*demand, *presets.settings);
  if (options.json != "-") print_page(*demand, plan, fits);
  if (options.json.empty()) return kOk;
  const auto written = admin::write_json(options.json, run::demand_json(*demand, plan, fits));
  return written ? kOk : fail(written.error());
}

}  // namespace mayfly::app
