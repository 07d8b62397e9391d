// The JSON of a run, and how it is read again.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

#include "load/figures.h"
#include "load/hdr.h"
#include "load/plan.h"
#include "load/report.h"
#include "wire/print.h"

namespace mayfly::load {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(std::optional<T> value) {
  return value ? Json(*value) : Json(nullptr);
}

std::uint64_t drops_of(const flow::ShardStats& stats) {
  std::uint64_t sum = 0;
  for (const Counter& drop : stats.drops) sum += drop.get();
  return sum;
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
                                   shared(&flow::ShardStats::syn_challenged),
                                   shared(&flow::ShardStats::timestamps_missing),
                                   shared(&flow::ShardStats::time_wait_now),
                                   shared(&flow::ShardStats::time_wait_peak),
                                   shared(&flow::ShardStats::time_wait_reused),
                                   shared(&flow::ShardStats::busy_polls),
                                   shared(&flow::ShardStats::cycles),
                                   shared(&flow::ShardStats::busy_cycles)};

// clang-format off
constexpr auto kFields = std::to_array<JsonField<CoreReport>>({
    {"offered_cps", "number", "connections/s", "`offered` and `not_started` per second",
     [](const CoreReport& r) -> Json { return offered_cps(r.results); }},
    {"requests_per_s", "number", "requests/s", "`responses` per second",
     [](const CoreReport& r) -> Json {
       return rate_of(r.results.counters.responses, r.results.ran);
     }},
    {"completed_cps", "number", "connections/s", "`completed` per second",
     [](const CoreReport& r) -> Json {
       return rate_of(r.results.counters.completed, r.results.ran);
     }},
    {"failed_total", "counter", "connections", "connections that failed, for all reasons",
     [](const CoreReport& r) -> Json { return r.results.counters.failed_total(); }},
    {"packets_per_connection", "number", "frames",
     "frames received and sent, for failed connections too, for each completed connection",
     [](const CoreReport& r) { return or_null(packets_per_connection(r)); }},
    {"cycles_per_connection", "number", "cycles",
     "TSC cycles of the polls that did work, for each completed connection",
     [](const CoreReport& r) { return or_null(cycles_per_connection(r)); }},
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

constexpr auto kPercentiles = std::to_array<JsonField<Latencies>>({
    {"p50", "number", "us", "median", [](const Latencies& l) { return or_null(l.percentile(50)); }},
    {"p90", "number", "us", "90th percentile",
     [](const Latencies& l) { return or_null(l.percentile(90)); }},
    {"p99", "number", "us", "99th percentile",
     [](const Latencies& l) { return or_null(l.percentile(99)); }},
    {"p999", "number", "us", "99.9th percentile",
     [](const Latencies& l) { return or_null(l.percentile(99.9)); }},
    {"max", "number", "us", "longest", [](const Latencies& l) { return or_null(l.max()); }},
});

struct LatencyKey {
  std::string_view key, help;
  Latencies LoadResults::*of;
};
constexpr auto kLatencies = std::to_array<LatencyKey>({
    {"latency_us", "time from the intended start to the last octet of the last answer",
     &LoadResults::latency},
    {"request_latency_us", "time from a request to the last octet of its answer",
     &LoadResults::request_latency},
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

std::string text_of(const SilentHop& silent) {
  if (!silent.six.is_unspecified()) return to_string(silent.six);
  return silent.four == Ipv4Address{} ? "" : to_string(silent.four);
}

Json json_of(const CoreReport& report) {
  Json json;
  write_metrics(json, kLoadMetrics, report.results.counters);
  write_metrics(json, kStackMetrics, report.stack);
  write_fields(json, kFields, report);
  for_each_counted_stage(report.stack, [&](flow::Stage stage, std::uint64_t cycles) {
    json["cycles"]["by_stage"][std::string(name_of(stage))] = cycles;
  });
  json["drops_because"] = Json::object();
  for (std::size_t i = 0; i < report.stack.drops.size(); ++i)
    if (const std::uint64_t count = report.stack.drops[i].get())
      json["drops_because"][std::string(name_of(static_cast<Drop>(i)))] = count;
  for (std::size_t i = 1; i < kFailureCount; ++i)
    json["failed"][std::string(name_of(static_cast<Failure>(i)))] =
        report.results.counters.failures(static_cast<Failure>(i));
  Json& causes = json["failed_because"];
  for (std::size_t i = 0; i < kCauseCount; ++i)
    causes[std::string(name_of(static_cast<Cause>(i)))] = report.results.counters.causes[i];
  json["failed_status"] = Json::object();
  for (std::uint16_t status = StatusCounts::kFirst; status < StatusCounts::kEnd; ++status)
    if (const std::uint64_t count = report.results.statuses.of(status))
      json["failed_status"][std::to_string(status)] = count;
  json["no_arp_answer_from"] = text_of(report.results.silent);
  for (const LatencyKey& latency : kLatencies)
    write_fields(json[std::string(latency.key)], kPercentiles, report.results.*latency.of);
  return json;
}

// -- histograms --

Json to_json(const Histogram& histogram) {
  const Histogram::Exact exact = histogram.exact();
  return {{"hdr", to_hdr(histogram)}, {"min", exact.min}, {"max", exact.max}, {"sum", exact.sum}};
}

Json to_json(const Latencies& latencies) {
  const Latencies::Parts& parts = latencies.parts();
  return {{"answered", to_json(parts.answered)},
          {"failed", to_json(parts.failed)},
          {"unmade", parts.unmade},
          {"unmade_longest_us", parts.unmade_longest_us}};
}

void list_histograms(std::vector<JsonKey>& keys, const std::string& latency) {
  const std::string path = "histograms." + latency + ".";
  for (const auto& [kind, help] : {std::pair("answered", "of what came to its end"),
                                   std::pair("failed", "waits of failures")}) {
    const std::string of = path + kind + ".";
    keys.push_back({of + "hdr", "text", "us",
                    fmt::format("{}: HdrHistogram, version 2, compressed, base64", help)});
    keys.push_back({of + "min", "number", "us", fmt::format("{}: the least, exactly", help)});
    keys.push_back({of + "max", "number", "us", fmt::format("{}: the most, exactly", help)});
    keys.push_back({of + "sum", "number", "us", fmt::format("{}: the sum, exactly", help)});
  }
  keys.push_back({path + "unmade", "counter", "connections", "offered and not even begun"});
  keys.push_back({path + "unmade_longest_us", "number", "us", "the longest wait of those"});
}

// -- reading what was written --

/// json["a"]["b"] for the path "a.b". Throws Json::exception if it is not there.
const Json& at_path(const Json& json, std::string_view path) {
  const Json* at = &json;
  for (std::size_t dot; (dot = path.find('.')) != path.npos; path.remove_prefix(dot + 1))
    at = &at->at(std::string(path.substr(0, dot)));
  return at->at(std::string(path));
}

void set(Counter& counter, std::uint64_t value) { counter.set(value); }
void set(std::uint64_t& number, std::uint64_t value) { number = value; }

template <class Stats, class Value, std::size_t N>
void read_metrics(const Json& json, const std::array<Metric<Stats, Value>, N>& metrics,
                  Stats& stats) {
  for (const Metric<Stats, Value>& metric : metrics)
    set(stats.*metric.value, at_path(json, metric.path).template get<std::uint64_t>());
}

/// What cannot be read as what it should be.
struct Unreadable {
  std::string what;
};

Histogram histogram_of(const Json& json) {
  auto histogram = from_hdr(json.at("hdr").get_ref<const std::string&>());
  if (!histogram) throw Unreadable{"a histogram " + histogram.error().what};
  const Histogram::Exact exact{json.at("min").get<std::uint64_t>(),
                               json.at("max").get<std::uint64_t>(), json.at("sum").get<double>()};
  if (!histogram->restore(exact)) throw Unreadable{"a histogram's min, max or sum is not its own"};
  return *histogram;
}

Latencies latencies_of(const Json& json) {
  return Latencies({.answered = histogram_of(json.at("answered")),
                    .failed = histogram_of(json.at("failed")),
                    .unmade = json.at("unmade").get<std::uint64_t>(),
                    .unmade_longest_us = json.at("unmade_longest_us").get<std::uint64_t>()});
}

void read_drops(const Json& json, flow::ShardStats& stack) {
  for (std::size_t i = 0; i < stack.drops.size(); ++i)
    stack.drops[i].set(json.value(std::string(name_of(static_cast<Drop>(i))), std::uint64_t{0}));
}

void read_failures(const Json& json, LoadResults& results) {
  for (std::size_t i = 0; i < kCauseCount; ++i)
    results.counters.causes[i] =
        at_path(json.at("failed_because"), name_of(static_cast<Cause>(i))).get<std::uint64_t>();
  for (std::uint16_t status = StatusCounts::kFirst; status < StatusCounts::kEnd; ++status)
    results.statuses.add(status,
                         json.at("failed_status").value(std::to_string(status), std::uint64_t{0}));
  const std::string& silent = json.at("no_arp_answer_from").get_ref<const std::string&>();
  if (in_addr address; inet_pton(AF_INET, silent.c_str(), &address) == 1)
    results.silent.four = {ntohl(address.s_addr)};
  if (Ipv6Address six; inet_pton(AF_INET6, silent.c_str(), six.octets.data()) == 1)
    results.silent.six = six;
}

CoreReport read_total(const Json& json) {
  CoreReport report;
  read_metrics(json, kLoadMetrics, report.results.counters);
  read_metrics(json, kStackMetrics, report.stack);
  read_drops(json.at("drops_because"), report.stack);
  read_failures(json, report.results);
  report.results.ran = Duration{std::llround(json.at("duration_s").get<double>() * 1e6)};
  for (const LatencyKey& latency : kLatencies)
    report.results.*latency.of = latencies_of(json.at("histograms").at(std::string(latency.key)));
  return report;
}

PartReport read_whole(const Json& json) {
  const Json& part = json.at("part");
  PartReport report{
      .part = {part.at("index").get<std::uint32_t>() - 1, part.at("of").get<std::uint32_t>()},
      .plan = part.at("plan").get<std::string>(),
      .began = {std::llround(part.at("began_s").get<double>() * 1e6)},
      .facts = {.target = json.at("target").get<std::string>(),
                .is_closed_loop = json.at("loop") == "closed",
                .left_out = json.at("left_out").get<std::string>(),
                .arithmetic = at_path(json, "tuples.arithmetic").get<std::string>()},
      .interrupted = json.at("interrupted").get<bool>(),
      .total = read_total(json)};
  if (report.part.index >= report.part.count) throw Unreadable{"part.index is not one of part.of"};
  return report;
}

}  // namespace

Json load_json(const ClientSettings& settings, std::span<const CoreReport> cores,
               const RunEnd& end) {
  const CoreReport total = total_of(cores);
  Json json = json_of(total);
  const RunFacts facts = facts_of(settings);
  json["target"] = facts.target;
  json["interrupted"] = end.interrupted;
  json["loop"] = facts.is_closed_loop ? "closed" : "open";
  json["left_out"] = facts.left_out;
  write_fields(json["tuples"], kTupleFields, plan_tuples(settings));
  json["part"] = {{"index", settings.load.part.index + 1},
                  {"of", settings.load.part.count},
                  {"plan", end.plan},
                  {"began_s", end.began.seconds()}};
  for (const LatencyKey& latency : kLatencies)
    json["histograms"][std::string(latency.key)] = to_json(total.results.*latency.of);
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
  keys.push_back({"cycles.by_stage", "object", "cycles",
                  "`cycles.busy` by stages, as of `serve`, if built with `-Dstage_clock=true`"});
  for (std::size_t i = 1; i < kFailureCount; ++i) {
    const auto why = static_cast<Failure>(i);
    keys.push_back({"failed." + std::string(name_of(why)), "counter", "connections",
                    std::string(help_of(why))});
  }
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    const auto cause = static_cast<Cause>(i);
    keys.push_back({"failed_because." + std::string(name_of(cause)), "counter", "connections",
                    std::string(help_of(cause))});
  }
  keys.push_back(
      {"drops_because", "object", "frames", "frames dropped for this reason of doc/drops.md"});
  keys.push_back({"failed_status.N", "counter", "connections",
                  "connections with an answer of this status, which is not 2xx"});
  keys.push_back(
      {"no_arp_answer_from", "text", "",
       "the next hop that answered neither ARP nor neighbour discovery when a SYN was to leave; "
       "empty = none"});
  for (const LatencyKey& latency : kLatencies)
    for (const JsonField<Latencies>& rank : kPercentiles)
      keys.push_back({fmt::format("{}.{}", latency.key, rank.path), std::string(rank.type),
                      std::string(rank.unit), fmt::format("{}: {}", latency.help, rank.help)});
  for (const LatencyKey& latency : kLatencies) list_histograms(keys, std::string(latency.key));
  keys.push_back({"target", "text", "", "address and port of the target"});
  keys.push_back({"interrupted", "boolean", "", "the run was ended before its time"});
  keys.push_back({"loop", "text", "", "`open` (load.rate) or `closed` (load.concurrency)"});
  keys.push_back({"left_out", "text", "",
                  "what the percentiles of a closed loop cannot hold; empty for an open one"});
  list_keys(keys, kTupleFields, "tuples.");
  keys.push_back(
      {"part.index", "number", "", "which part of the plan this is (--part), from 1 on"});
  keys.push_back({"part.of", "number", "", "parts of the plan; 1 = all of it"});
  keys.push_back({"part.plan", "text", "",
                  "the same for all parts of a plan: a hash of what they have in common"});
  keys.push_back({"part.began_s", "number", "s",
                  "time of the first intended start, since 1970, by this machine's clock"});
  keys.push_back({"cores.N", "object", "",
                  "the keys above, except `histograms` and those from `target` on, for each core"});
  keys.push_back({"cores.N.core", "number", "", "number of the core in the machine"});
  return keys;
}

Result<PartReport> read_report(const Json& json) {
  try {
    return read_whole(json);
  } catch (const Json::exception& error) {
    return Error{fmt::format("is not what mayfly load --json writes: {}", error.what())};
  } catch (const Unreadable& error) {
    return Error{error.what};
  }
}

Json merged_json(std::span<const PartReport> parts) {
  MAYFLY_ASSERT(!parts.empty());
  std::vector<CoreReport> totals;
  Json each = Json::array();
  bool interrupted = false;
  for (const PartReport& part : parts) {
    totals.push_back(part.total);
    Json one = json_of(part.total);
    one["index"] = part.part.index + 1;
    one["began_s"] = part.began.seconds();
    one["interrupted"] = part.interrupted;
    interrupted = interrupted || part.interrupted;
    each.push_back(std::move(one));
  }
  const CoreReport total = total_of(totals);
  const RunFacts& facts = parts.front().facts;
  Json json = json_of(total);
  for (const LatencyKey& latency : kLatencies)
    json["histograms"][std::string(latency.key)] = to_json(total.results.*latency.of);
  json["target"] = facts.target;
  json["interrupted"] = interrupted;
  json["loop"] = facts.is_closed_loop ? "closed" : "open";
  json["left_out"] = facts.left_out;
  json["tuples"]["arithmetic"] = facts.arithmetic;
  json["plan"] = parts.front().plan;
  json["parts"] = std::move(each);
  return json;
}

}  // namespace mayfly::load
