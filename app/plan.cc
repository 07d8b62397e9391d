// mayfly plan: the arithmetic of a load before anybody runs it, and what each policy makes of it.
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

namespace mayfly {
namespace {

// More of anything than this is a slip of the pen, and the arithmetic stays exact below it.
constexpr double kRateMax = 1e9;
constexpr std::uint64_t kCountMax = 1'000'000'000;
constexpr std::uint64_t kMemoryMax = 1'000'000'000'000'000;

// Reads the options that were given into their places; the first error ends it.
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
                           *value < least ? "is too little" : "is more than can be planned for");
    } else {
      into = *value;
    }
  }
  void read_ports(const std::string& text, Demand& demand) {
    if (text.empty() || !error_.empty()) return;
    if (const auto range = parse_port_range(text)) {
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

std::optional<Demand> read_demand(const PlanOptions& options) {
  Demand demand;
  demand.first = options.first == "client" ? Closer::client : Closer::server;
  demand.memory = free_memory().all();
  OptionReader reader;
  reader.read("--rate", options.rate, parse_rate, demand.rate, 1.0, kRateMax);
  reader.read("--hold", options.hold, parse_duration, demand.hold, 1_ms, 60_min);
  reader.read("--clients", options.clients, parse_count, demand.clients, std::uint64_t{1},
              kCountMax);
  reader.read_ports(options.ports, demand);
  reader.read("--capacity", options.capacity, parse_count, demand.capacity, std::uint64_t{1},
              kCountMax);
  reader.read("--memory", options.memory, parse_count, demand.memory, std::uint64_t{1}, kMemoryMax);
  if (reader.error().empty()) return demand;
  fmt::print(stderr, "mayfly: {}\n", reader.error());
  return std::nullopt;
}

const char* words_of(Fit fit) {
  switch (fit) {
    case Fit::fits: return "fits";
    case Fit::harms: return "fits, but";
    case Fit::fails: break;
  }
  return "does not fit";
}

std::string in_seconds(Duration d) { return fmt::format("{:.3g} s", d.seconds()); }

void print_need(const Demand& demand, const DemandPlan& plan) {
  const std::string hold = format_duration(demand.hold);
  fmt::print("what is wanted\n");
  fmt::print("  {} connections/s to one server address and port; the {} closes first\n",
             grouped(demand.rate), demand.first == Closer::client ? "client" : "server");
  fmt::print("  {} client address{} x {} ports = {} four-tuples: each is used every {}\n\n",
             grouped(demand.clients), demand.clients == 1 ? "" : "es", grouped(demand.ports()),
             grouped(plan.pairs), in_seconds(plan.comes_back));

  fmt::print("what it takes (Little's law: entries = rate x hold)\n");
  fmt::print("  entries   {}/s x {} = {}\n", grouped(demand.rate), hold, grouped(plan.entries));
  if (plan.held < plan.entries)
    fmt::print("            but no more than four-tuples: {}\n", grouped(plan.held));
  fmt::print("  memory    {} entries x {} B = {}; {} can be had\n", grouped(plan.table),
             kTimeWaitBytes, in_bytes(plan.bytes), in_bytes(demand.memory));
  if (demand.capacity > 0)
    fmt::print("  capacity  {} entries at the server\n", grouped(demand.capacity));
}

void print_ends(const Demand& demand, const DemandPlan& plan) {
  fmt::print("\nif the server closes first\n");
  fmt::print("  it holds {} entries, and the clients none\n", grouped(plan.held));
  if (plan.held < plan.entries)
    fmt::print(
        "  every four-tuple is wanted again while it is held: after {} of {}. The server\n"
        "  has to open it anew (reopen: rfc6191), or {} addresses are needed\n",
        in_seconds(plan.comes_back), format_duration(demand.hold), grouped(plan.addresses_needed));
  fmt::print("if the client closes first\n");
  fmt::print("  the server holds none, and the clients {} four-tuples: {} address{} x {} ports\n",
             grouped(plan.entries), grouped(plan.addresses_needed),
             plan.addresses_needed == 1 ? "" : "es", grouped(demand.ports()));
  fmt::print("  the {} address{} there {} allow {}/s\n", grouped(demand.clients),
             demand.clients == 1 ? "" : "es", demand.clients == 1 ? "is" : "are",
             grouped(plan.client_rate_max));
}

void print_page(const Demand& demand, const DemandPlan& plan, const std::vector<PolicyFit>& fits) {
  print_need(demand, plan);
  print_ends(demand, plan);
  fmt::print("\nwhat gives way first\n");
  if (plan.shortages.empty()) fmt::print("  nothing: there is enough of all\n");
  for (const Shortage& shortage : plan.shortages) fmt::print("  {}\n", words_of(shortage));
  fmt::print("\nthe policies of conf/policy\n");
  if (fits.empty()) fmt::print("  there is no conf/policy in this folder\n");
  for (const PolicyFit& fit : fits)
    fmt::print("  {:<18} {:<13} {}\n", fit.policy, words_of(fit.fit), fit.because);
}

const char* key_of(Shortage::Of of) {
  switch (of) {
    case Shortage::Of::memory: return "memory";
    case Shortage::Of::table: return "table";
    case Shortage::Of::pairs: break;
  }
  return "pairs";
}

const char* key_of(Fit fit) {
  switch (fit) {
    case Fit::fits: return "fits";
    case Fit::harms: return "harms";
    case Fit::fails: break;
  }
  return "fails";
}

nlohmann::ordered_json json_of(const Demand& demand, const DemandPlan& plan,
                               const std::vector<PolicyFit>& fits) {
  nlohmann::ordered_json json;
  json["demand"] = {{"rate", demand.rate},
                    {"hold_s", demand.hold.seconds()},
                    {"clients", demand.clients},
                    {"ports", demand.ports()},
                    {"capacity", demand.capacity},
                    {"first", demand.first == Closer::client ? "client" : "server"},
                    {"memory", demand.memory}};
  json["entries"] = plan.entries;
  json["four_tuples"] = plan.pairs;
  json["held"] = plan.held;
  json["bytes"] = plan.bytes;
  json["four_tuple_comes_back_s"] = plan.comes_back.seconds();
  json["client_first"] = {{"addresses_needed", plan.addresses_needed},
                          {"rate_max", plan.client_rate_max}};
  json["shortages"] = nlohmann::ordered_json::array();
  for (const Shortage& s : plan.shortages)
    json["shortages"].push_back({{"of", key_of(s.of)},
                                 {"needed", s.needed},
                                 {"there", s.there},
                                 {"after_s", s.after.seconds()},
                                 {"rate_max", s.rate_max}});
  json["policies"] = nlohmann::ordered_json::array();
  for (const PolicyFit& fit : fits)
    json["policies"].push_back(
        {{"name", fit.policy}, {"fit", key_of(fit.fit)}, {"because", fit.because}});
  return json;
}

}  // namespace

int plan_command(const PlanOptions& options) {
  const auto demand = read_demand(options);
  if (!demand) return kBadUsage;
  const auto presets = read_preset_facts();
  if (!presets.settings) {
    print_errors(presets.errors);
    return kBadUsage;
  }
  const DemandPlan plan = plan_demand(*demand);
  const std::vector<PolicyFit> fits = fits_of(*demand, *presets.settings);
  if (options.json != "-") print_page(*demand, plan, fits);
  if (options.json.empty()) return kOk;
  const auto written = write_json(options.json, json_of(*demand, plan, fits));
  return written ? kOk : fail(written.error());
}

}  // namespace mayfly
