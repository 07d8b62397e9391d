#include "run/demand_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "config/addresses.h"
#include "config/units.h"
#include "run/memory_plan.h"

namespace mayfly::run {
namespace {

// Larger numbers are surely mistakes, and below these limits the arithmetic is exact.
constexpr double kRateMax = 1e9;
constexpr std::uint64_t kCountMax = 1'000'000'000;
constexpr std::uint64_t kMemoryMax = 1'000'000'000'000'000;

/// A count, or the addresses themselves: "198.18.1.1-198.18.1.100", "2001:db8:1::/112".
Result<std::uint64_t> parse_clients(std::string_view text) {
  constexpr std::ptrdiff_t kDotsOfAnAddress = 3;
  if (config::looks_like_ipv6(text)) {
    const auto range = config::parse_address_range6(text);
    if (!range) return range.error();
    return std::uint64_t{range->last.low()} - range->first.low() + 1;
  }
  if (std::ranges::count(text, '.') < kDotsOfAnAddress) return config::parse_count(text);
  const auto range = config::parse_address_range(text);
  if (!range) return range.error();
  return std::uint64_t{range->last.host} - range->first.host + 1;
}

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

}  // namespace

Result<plan::Demand> read_demand(const DemandTexts& texts) {
  plan::Demand demand;
  if (texts.first != "server" && texts.first != "client")
    return Error{fmt::format("--first {}: there are server and client", texts.first)};
  demand.first = texts.first == "client" ? shard::Closer::client : shard::Closer::server;
  demand.memory = free_memory().all();
  OptionReader reader;
  reader.read("--rate", texts.rate, config::parse_rate, demand.rate, 1.0, kRateMax);
  reader.read("--hold", texts.hold, config::parse_duration, demand.hold, 1_ms, 60_min);
  reader.read("--clients", texts.clients, parse_clients, demand.clients, std::uint64_t{1},
              kCountMax);
  reader.read_ports(texts.ports, demand);
  reader.read("--capacity", texts.capacity, config::parse_count, demand.capacity, std::uint64_t{1},
              kCountMax);
  reader.read("--memory", texts.memory, config::parse_count, demand.memory, std::uint64_t{1},
              kMemoryMax);
  if (!reader.error().empty()) return Error{reader.error()};
  if (demand.rate == 0) return Error{"--rate: a plan needs one"};
  return demand;
}

nlohmann::ordered_json demand_json(const plan::Demand& demand, const plan::DemandPlan& plan,
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
                                 {"rate_max", s.rate_max},
                                 {"words", words_of(s)}});
  json["policies"] = nlohmann::ordered_json::array();
  for (const plan::PolicyFit& fit : fits)
    json["policies"].push_back(
        {{"name", fit.policy}, {"fit", key_of(fit.fit)}, {"because", fit.because}});
  return json;
}

}  // namespace mayfly::run
