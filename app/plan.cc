// mayfly plan: the arithmetic of a load before it is run, and how each policy fits it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/addresses.h"
#include "config/preset_facts.h"
#include "config/units.h"
#include "load/words.h"
#include "plan/demand.h"
#include "print.h"
#include "run/memory_plan.h"
#include "run/preflight.h"

namespace mayfly::app {
namespace {

// Larger numbers are surely mistakes, and below these limits the arithmetic is exact.
constexpr double kRateMax = 1e9;
constexpr std::uint64_t kCountMax = 1'000'000'000;
constexpr std::uint64_t kMemoryMax = 1'000'000'000'000'000;

// Reads the options that were given; stops at the first error.
class OptionReader {
 public:
  template <class T, class Parse>
  void read(const char* option, const std::string& text, Parse parse, T& into, T least, T most) {
    if (text.empty() || !error_.empty()) return;
    const auto value = parse(text);
    if (!value) {
      error_ = fmt::format("{} {}: {}", option, text, value.error().what);
    } else if (*value < least || *value > most) {
      error_ = fmt::format("{} {}: {}", option, text,
                           *value < least ? "is too small" : "is too large to plan for");
    } else {
      into = *value;
    }
  }
  void read_ports(const std::string& text, plan::Demand& demand) {
    if (text.empty() || !error_.empty()) return;
    if (const auto range = config::parse_port_range(text)) {
      demand.port_first = range->first;
      demand.port_last = range->last;
    } else {
      error_ = fmt::format("--ports {}: {}", text, range.error().what);
    }
  }
  const std::string& error() const { return error_; }

 private:
  std::string error_;
};

std::optional<plan::Demand> read_demand(const PlanOptions& options) {
  plan::Demand demand;
  demand.first = options.first == "client" ? shard::Closer::client : shard::Closer::server;
  demand.memory = run::free_memory().all();
  OptionReader reader;
  reader.read("--rate", options.rate, config::parse_rate, demand.rate, 1.0, kRateMax);
  reader.read("--hold", options.hold, config::parse_duration, demand.hold, 1_ms, 60_min);
  reader.read("--clients", options.clients, config::parse_count, demand.clients, std::uint64_t{1},
              kCountMax);
  reader.read_ports(options.ports, demand);
  reader.read("--capacity", options.capacity, config::parse_count, demand.capacity,
              std::uint64_t{1}, kCountMax);
  reader.read("--memory", options.memory, config::parse_count, demand.memory, std::uint64_t{1},
              kMemoryMax);
  if (reader.error().empty()) return demand;
  fmt::print(stderr, "mayfly: {}\n", reader.error());
  return std::nullopt;
}

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

const char* key_of(plan::Shortage::Of of) {
  switch (of) {
    case plan::Shortage::Of::memory: return "memory";
    case plan::Shortage::Of::table: return "table";
    case plan::Shortage::Of::pairs: break;
  }
  return "pairs";
}

const char* key_of(plan::Fit fit) {
  switch (fit) {
    case plan::Fit::fits: return "fits";
    case plan::Fit::harms: return "harms";
    case plan::Fit::fails: break;
  }
  return "fails";
}

nlohmann::ordered_json json_of(const plan::Demand& demand, const plan::DemandPlan& plan,
                               const std::vector<plan::PolicyFit>& fits) {
  nlohmann::ordered_json json;
  json["demand"] = {{"rate", demand.rate},
                    {"hold_s", demand.hold.seconds()},
                    {"clients", demand.clients},
                    {"ports", demand.ports()},
                    {"capacity", demand.capacity},
                    {"first", demand.first == shard::Closer::client ? "client" : "server"},
                    {"memory", demand.memory}};
  json["entries"] = plan.entries;
  json["four_tuples"] = plan.pairs;
  json["held"] = plan.held;
  json["bytes"] = plan.bytes;
  json["four_tuple_comes_back_s"] = plan.comes_back.seconds();
  json["client_first"] = {{"addresses_needed", plan.addresses_needed},
                          {"rate_max", plan.client_rate_max}};
  json["shortages"] = nlohmann::ordered_json::array();
  for (const plan::Shortage& s : plan.shortages)
    json["shortages"].push_back({{"of", key_of(s.of)},
                                 {"needed", s.needed},
                                 {"there", s.there},
                                 {"after_s", s.after.seconds()},
                                 {"rate_max", s.rate_max}});
  json["policies"] = nlohmann::ordered_json::array();
  for (const plan::PolicyFit& fit : fits)
    json["policies"].push_back(
        {{"name", fit.policy}, {"fit", key_of(fit.fit)}, {"because", fit.because}});
  return json;
}

}  // namespace

int plan_command(const PlanOptions& options) {
  const auto demand = read_demand(options);
  if (!demand) return kBadUsage;
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
  const auto written = admin::write_json(options.json, json_of(*demand, plan, fits));
  return written ? kOk : fail(written.error());
}

}  // namespace mayfly::app
