#include "load/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "load/plan.h"
#include "load/words.h"

namespace mayfly::load {
namespace {

using Json = nlohmann::ordered_json;

/// part / whole; 0 if `whole` is 0.
double per(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// `n` per second; 0 if no time has passed.
double rate_of(std::uint64_t n, Duration time) {
  return time.us <= 0 ? 0 : static_cast<double>(n) / time.seconds();
}

double offered_cps(const LoadResults& r) {
  return rate_of(r.counters.offered + r.counters.behind, r.ran);
}

std::uint64_t packets_of(const flow::ShardStats& s) {
  return s.rx_packets.get() + s.tx_packets.get();
}

/// The cost of each completed connection; that of failed ones is included.
double packets_per_connection(const CoreReport& r) {
  return per(packets_of(r.stack), r.results.counters.completed);
}
double cycles_per_connection(const CoreReport& r) {
  return per(r.stack.busy_cycles.get(), r.results.counters.completed);
}

std::uint64_t drops_of(const flow::ShardStats& stats) {
  std::uint64_t sum = 0;
  for (const Counter& drop : stats.drops) sum += drop.get();
  return sum;
}

CoreReport total_of(std::span<const CoreReport> cores) {
  CoreReport total;
  std::vector<flow::ShardStats> stacks;
  for (const CoreReport& core : cores) {
    total.results.merge(core.results);
    stacks.push_back(core.stack);
  }
  total.stack = total_of(stacks);
  return total;
}

/// A number that serve shows too: the same row of the list, under another key if `path` is given.
consteval Metric<flow::ShardStats> shared(Counter flow::ShardStats::*member,
                                          std::string_view path = {}) {
  for (Metric<flow::ShardStats> metric : flow::kShardMetrics) {
    if (metric.value != member) continue;
    if (!path.empty()) metric.path = path;
    return metric;
  }
  throw "no such metric";  // does not compile
}

constexpr std::array kStackMetrics{shared(&flow::ShardStats::rx_packets),
                                   shared(&flow::ShardStats::tx_packets),
                                   shared(&flow::ShardStats::retransmitted, "retransmissions"),
                                   shared(&flow::ShardStats::timestamps_missing),
                                   shared(&flow::ShardStats::time_wait_now),
                                   shared(&flow::ShardStats::time_wait_peak),
                                   shared(&flow::ShardStats::time_wait_reused)};

// clang-format off
constexpr auto kFields = std::to_array<JsonField<CoreReport>>({
    {"offered_cps", "number", "connections/s", "`offered` and `not_started` per second",
     [](const CoreReport& r) -> Json { return offered_cps(r.results); }},
    {"completed_cps", "number", "connections/s", "`completed` per second",
     [](const CoreReport& r) -> Json {
       return rate_of(r.results.counters.completed, r.results.ran);
     }},
    {"failed_total", "counter", "connections", "connections that failed, for all reasons",
     [](const CoreReport& r) -> Json { return r.results.counters.failed_total(); }},
    {"packets_per_connection", "number", "frames",
     "frames received and sent, for failed connections too, for each completed connection",
     [](const CoreReport& r) -> Json { return packets_per_connection(r); }},
    {"cycles_per_connection", "number", "cycles",
     "TSC cycles of the polls that did work, for each completed connection",
     [](const CoreReport& r) -> Json { return cycles_per_connection(r); }},
    {"drops", "counter", "frames", "frames dropped, for all reasons of doc/drops.md",
     [](const CoreReport& r) -> Json { return drops_of(r.stack); }},
    {"busy_ratio", "number", "", "share of the polls' cycles in polls that did work, 0 to 1",
     [](const CoreReport& r) -> Json {
       return per(r.stack.busy_cycles.get(), r.stack.cycles.get());
     }},
    {"packets_per_busy_poll", "number", "frames",
     "frames received and sent for each poll that did work",
     [](const CoreReport& r) -> Json {
       return per(packets_of(r.stack), r.stack.busy_polls.get());
     }},
    {"duration_s", "number", "s", "time from the first start to the end of the schedule, or to now",
     [](const CoreReport& r) -> Json { return r.results.ran.seconds(); }},
});

constexpr auto kPercentiles = std::to_array<JsonField<Histogram>>({
    {"p50", "number", "us", "median", [](const Histogram& h) -> Json { return h.percentile(50); }},
    {"p90", "number", "us", "90th percentile",
     [](const Histogram& h) -> Json { return h.percentile(90); }},
    {"p99", "number", "us", "99th percentile",
     [](const Histogram& h) -> Json { return h.percentile(99); }},
    {"p999", "number", "us", "99.9th percentile",
     [](const Histogram& h) -> Json { return h.percentile(99.9); }},
    {"max", "number", "us", "longest", [](const Histogram& h) -> Json { return h.max(); }},
});

struct LatencyKey {
  std::string_view key, help;
  Histogram LoadResults::*of;
};
constexpr auto kLatencies = std::to_array<LatencyKey>({
    {"latency_us", "time from the intended start to the last octet of the last answer",
     &LoadResults::latency},
    {"connect_latency_us", "time from the SYN to the completed handshake",
     &LoadResults::connect_latency},
});

constexpr auto kTupleFields = std::to_array<JsonField<TuplePlan>>({
    {"addresses", "number", "addresses", "source addresses",
     [](const TuplePlan& p) -> Json { return p.addresses; }},
    {"ports", "number", "ports", "source ports of each address",
     [](const TuplePlan& p) -> Json { return p.ports; }},
    {"pairs", "number", "sources", "sources: addresses x ports",
     [](const TuplePlan& p) -> Json { return p.sources; }},
    {"hold_s", "number", "s", "time for which our end holds a source after its connection",
     [](const TuplePlan& p) -> Json { return p.hold.seconds(); }},
    {"rate_max", "number", "connections/s",
     "rate that the sources allow: sources / hold; 0 if the hold is 0",
     [](const TuplePlan& p) -> Json { return p.rate_max; }},
    {"arithmetic", "text", "", "the same in words",
     [](const TuplePlan& p) -> Json { return arithmetic_of(p); }},
});
// clang-format on

Json json_of(const CoreReport& report) {
  Json json;
  write_metrics(json, kLoadMetrics, report.results.counters);
  write_metrics(json, kStackMetrics, report.stack);
  write_fields(json, kFields, report);
  for (std::size_t i = 1; i < kFailureCount; ++i)
    json["failed"][std::string(name_of(static_cast<Failure>(i)))] =
        report.results.counters.failed[i];
  for (const LatencyKey& latency : kLatencies)
    write_fields(json[std::string(latency.key)], kPercentiles, report.results.*latency.of);
  return json;
}

std::string latency_row(std::string_view name, const Histogram& h) {
  return fmt::format("  {:<10} p50 {:>9}   p90 {:>9}   p99 {:>9}   p99.9 {:>9}   max {:>9}  us\n",
                     name, grouped(h.percentile(50)), grouped(h.percentile(90)),
                     grouped(h.percentile(99)), grouped(h.percentile(99.9)), grouped(h.max()));
}

std::string failure_rows(const LoadCounters& c) {
  std::string rows;
  for (std::size_t i = 1; i < kFailureCount; ++i)
    if (c.failed[i] > 0)
      rows += fmt::format("  failed     {:>13}   {}\n", grouped(c.failed[i]),
                          name_of(static_cast<Failure>(i)));
  return rows;
}

/// "[=====>    ]" for 0..1.
std::string bar(double done) {
  constexpr std::size_t kWidth = 20;
  const auto filled = static_cast<std::size_t>(done * kWidth);
  return filled >= kWidth ? fmt::format("[{:=<{}}]", "", kWidth)
                          : fmt::format("[{:=<{}}>{:<{}}]", "", filled, "", kWidth - 1 - filled);
}

/// 0..1, or nothing for a run without an end.
std::optional<double> progress(const LoadShape& shape, const LoadCounters& c, Duration elapsed) {
  if (shape.duration.us <= 0 && shape.connections == 0) return std::nullopt;
  const double by_time = shape.duration.us > 0 ? elapsed.seconds() / shape.duration.seconds() : 0;
  const std::uint64_t ended = c.completed + c.failed_total() + c.port_exhausted;
  return std::clamp(std::max(by_time, per(ended, shape.connections)), 0.0, 1.0);
}

}  // namespace

Json load_json(const ClientSettings& settings, std::span<const CoreReport> cores) {
  Json json = json_of(total_of(cores));
  write_fields(json["tuples"], kTupleFields, plan_tuples(settings));
  json["cores"] = Json::array();
  for (const CoreReport& core : cores) {
    Json one = json_of(core);
    one["core"] = core.core;
    json["cores"].push_back(std::move(one));
  }
  return json;
}

std::vector<JsonKey> load_json_keys() {
  std::vector<JsonKey> keys;
  list_keys(keys, kLoadMetrics);
  list_keys(keys, kStackMetrics);
  list_keys(keys, kFields);
  for (std::size_t i = 1; i < kFailureCount; ++i) {
    const auto why = static_cast<Failure>(i);
    keys.push_back({"failed." + std::string(name_of(why)), "counter", "connections",
                    std::string(help_of(why))});
  }
  for (const LatencyKey& latency : kLatencies)
    for (const JsonField<Histogram>& rank : kPercentiles)
      keys.push_back({fmt::format("{}.{}", latency.key, rank.path), std::string(rank.type),
                      std::string(rank.unit), fmt::format("{}: {}", latency.help, rank.help)});
  list_keys(keys, kTupleFields, "tuples.");
  keys.push_back({"cores.N", "object", "", "the keys above, except `tuples`, for each core"});
  keys.push_back({"cores.N.core", "number", "", "number of the core in the machine"});
  return keys;
}

std::string load_table(const ClientSettings& settings, std::span<const CoreReport> cores) {
  const CoreReport total = total_of(cores);
  const LoadResults& r = total.results;
  const LoadCounters& c = r.counters;
  std::string table = fmt::format(
      "  offered    {:>13}   {}/s over {:.2f} s\n"
      "  opened     {:>13}\n"
      "  completed  {:>13}   {}/s\n",
      grouped(c.offered + c.behind), grouped(offered_cps(r)), r.ran.seconds(), grouped(c.opened),
      grouped(c.completed), grouped(rate_of(c.completed, r.ran)));
  table += failure_rows(c);
  if (c.behind > 0)
    table += fmt::format("  not made   {:>13}   the generator was too slow for this rate\n",
                         grouped(c.behind));
  table += latency_row("latency", r.latency) + latency_row("connect", r.connect_latency);
  table += fmt::format(
      "  stack      {:.2f} packets and {} busy cycles a connection, {} retransmissions\n"
      "  time_wait  {} now, {} at most\n",
      packets_per_connection(total), grouped(cycles_per_connection(total)),
      grouped(total.stack.retransmitted.get()), grouped(total.stack.time_wait_now.get()),
      grouped(total.stack.time_wait_peak.get()));
  if (c.port_exhausted > 0)
    table += fmt::format("  sources    {}; {} connects found no free source\n",
                         arithmetic_of(plan_tuples(settings)), grouped(c.port_exhausted));
  return table;
}

std::string LiveLine::next(const LoadResults& so_far, const flow::ShardStats& stack,
                           Duration elapsed) {
  const LoadCounters& c = so_far.counters;
  std::string line;
  if (const auto done = progress(shape_, c, elapsed))
    line += fmt::format("{} {:3.0f}%  ", bar(*done), *done * 100);
  line +=
      fmt::format("{} conn/s  p50 {} us  p99 {} us  open {}  time_wait {}  failed {}",
                  grouped(rate_of(c.completed - completed_, elapsed - elapsed_)),
                  grouped(so_far.latency.percentile(50)), grouped(so_far.latency.percentile(99)),
                  grouped(c.open), grouped(stack.time_wait_now.get()), grouped(c.failed_total()));
  if (c.port_exhausted > 0) line += fmt::format("  no free source {}", grouped(c.port_exhausted));
  if (c.behind > 0) line += fmt::format("  behind {}", grouped(c.behind));
  completed_ = c.completed;
  elapsed_ = elapsed;
  return terminal_ ? "\r" + line + "\x1b[K" : line + "\n";
}

}  // namespace mayfly::load
