#include "load/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "load/plan.h"
#include "load/words.h"
#include "tcp/state.h"
#include "wire/print.h"

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

/// The cost of each completed connection; that of failed ones is included. None if none was
/// completed.
std::optional<double> per_completed(std::uint64_t cost, const CoreReport& r) {
  const std::uint64_t completed = r.results.counters.completed;
  return completed == 0 ? std::nullopt : std::optional(per(cost, completed));
}
std::optional<double> packets_per_connection(const CoreReport& r) {
  return per_completed(packets_of(r.stack), r);
}
std::optional<double> cycles_per_connection(const CoreReport& r) {
  return per_completed(r.stack.busy_cycles.get(), r);
}

template <class T>
Json or_null(std::optional<T> value) {
  return value ? Json(*value) : Json(nullptr);
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
                                   shared(&flow::ShardStats::syn_challenged),
                                   shared(&flow::ShardStats::timestamps_missing),
                                   shared(&flow::ShardStats::time_wait_now),
                                   shared(&flow::ShardStats::time_wait_peak),
                                   shared(&flow::ShardStats::time_wait_reused)};

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

Json json_of(const CoreReport& report) {
  Json json;
  write_metrics(json, kLoadMetrics, report.results.counters);
  write_metrics(json, kStackMetrics, report.stack);
  write_fields(json, kFields, report);
  for (std::size_t i = 1; i < kFailureCount; ++i)
    json["failed"][std::string(name_of(static_cast<Failure>(i)))] =
        report.results.counters.failed[i];
  Json& causes = json["failed_because"];
  for (std::size_t i = 0; i < kCauseCount; ++i)
    causes[std::string(name_of(static_cast<Cause>(i)))] = report.results.counters.causes[i];
  json["failed_status"] = Json::object();
  for (std::uint16_t status = StatusCounts::kFirst; status < StatusCounts::kEnd; ++status)
    if (const std::uint64_t count = report.results.statuses.of(status))
      json["failed_status"][std::to_string(status)] = count;
  const Ipv4Address silent = report.results.silent;
  json["no_arp_answer_from"] = silent == Ipv4Address{} ? "" : to_string(silent);
  for (const LatencyKey& latency : kLatencies)
    write_fields(json[std::string(latency.key)], kPercentiles, report.results.*latency.of);
  return json;
}

std::string or_dash(std::optional<std::uint64_t> us) { return us ? grouped(*us) : "-"; }

std::string latency_row(std::string_view name, const Latencies& l) {
  return fmt::format("  {:<10} p50 {:>9}   p90 {:>9}   p99 {:>9}   p99.9 {:>9}   max {:>9}  us\n",
                     name, or_dash(l.percentile(50)), or_dash(l.percentile(90)),
                     or_dash(l.percentile(99)), or_dash(l.percentile(99.9)), or_dash(l.max()));
}

/// Also whether more were tried than the target deserved.
std::string refused_in_words(const ClientSettings& settings, const LoadCounters& c) {
  const std::string target =
      fmt::format("{} port {}", to_string(settings.target.address), settings.target.port);
  if (c.established > 0) return "refused by " + target;
  return fmt::format("refused: nobody listens on {}; {}", target,
                     settings.load.concurrency > 0
                         ? "after the first ones it was asked at most ten times a second by a core"
                         : "they were sent all the same, as load.rate asks");
}

/// What became of the connections that failed so.
std::string in_words(Cause cause, const ClientSettings& settings, const LoadResults& r) {
  const auto reset_in = [](tcp::State state) {
    return fmt::format("reset by the target in {}", tcp::name_of(state));
  };
  switch (cause) {
    case Cause::refused: return refused_in_words(settings, r.counters);
    case Cause::no_arp_answer: return "no ARP answer from " + to_string(r.silent);
    case Cause::syn_unanswered: return "SYN not answered";
    case Cause::challenged: return "challenged: ACKs of an old connection answered every SYN";
    case Cause::unreachable: return "unreachable, by ICMP";
    case Cause::reset_in_established: return reset_in(tcp::State::established);
    case Cause::reset_in_close_wait: return reset_in(tcp::State::close_wait);
    case Cause::reset_in_fin_wait_1: return reset_in(tcp::State::fin_wait_1);
    case Cause::reset_in_fin_wait_2: return reset_in(tcp::State::fin_wait_2);
    case Cause::reset_in_closing: return reset_in(tcp::State::closing);
    case Cause::reset_in_last_ack: return reset_in(tcp::State::last_ack);
    case Cause::no_answer: return "no whole answer in time";
    case Cause::no_fin: return "answered, but not closed in time";
    case Cause::status: break;  // status_rows has each by itself
    case Cause::short_body: return "cut short: closed before the whole answer";
    case Cause::malformed_response: return "malformed response: not HTTP";
    case Cause::no_room: return "no room in our own tables (connections.capacity)";
    case Cause::open_at_end: return "still open at the end";
  }
  return "";
}

std::string failure_row(std::uint64_t count, const std::string& words) {
  return count == 0 ? "" : fmt::format("  failed     {:>13}   {}\n", grouped(count), words);
}

std::string failure_rows(const ClientSettings& settings, const LoadResults& r) {
  std::string rows;
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    const auto cause = static_cast<Cause>(i);
    if (cause != Cause::status)
      rows += failure_row(r.counters.caused_by(cause), in_words(cause, settings, r));
  }
  for (std::uint16_t status = StatusCounts::kFirst; status < StatusCounts::kEnd; ++status)
    rows += failure_row(r.statuses.of(status), fmt::format("status {}", status));
  return rows;
}

/// What a closed loop cannot show; empty for an open one.
std::string left_out(const LoadShape& shape) {
  if (shape.concurrency == 0) return "";
  return "a closed loop starts a connection only when another has ended, so while the target "
         "stalls nothing is offered, and no percentile holds what would have waited then "
         "(coordinated "
         "omission); load.rate measures that";
}

/// What the target still held of earlier connections; empty if nothing.
std::string challenged_row(const LoadCounters& c) {
  if (c.challenged_sources == 0) return "";
  return fmt::format(
      "  {} source pair{} still in TIME_WAIT at the target{}\n", grouped(c.challenged_sources),
      c.challenged_sources == 1 ? " was" : "s were",
      c.caused_by(Cause::challenged) > 0 ? "" : ": each was reset, and its SYN sent again at once");
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

Json load_json(const ClientSettings& settings, std::span<const CoreReport> cores,
               const RunEnd& end) {
  Json json = json_of(total_of(cores));
  json["interrupted"] = end.interrupted;
  json["loop"] = settings.load.concurrency > 0 ? "closed" : "open";
  json["left_out"] = left_out(settings.load);
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
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    const auto cause = static_cast<Cause>(i);
    keys.push_back({"failed_because." + std::string(name_of(cause)), "counter", "connections",
                    std::string(help_of(cause))});
  }
  keys.push_back({"failed_status.N", "counter", "connections",
                  "connections with an answer of this status, which is not 2xx"});
  keys.push_back({"no_arp_answer_from", "text", "",
                  "the next hop that answered no ARP when a SYN was to leave; empty = none"});
  for (const LatencyKey& latency : kLatencies)
    for (const JsonField<Latencies>& rank : kPercentiles)
      keys.push_back({fmt::format("{}.{}", latency.key, rank.path), std::string(rank.type),
                      std::string(rank.unit), fmt::format("{}: {}", latency.help, rank.help)});
  keys.push_back({"interrupted", "boolean", "", "the run was ended before its time"});
  keys.push_back({"loop", "text", "", "`open` (load.rate) or `closed` (load.concurrency)"});
  keys.push_back({"left_out", "text", "",
                  "what the percentiles of a closed loop cannot hold; empty for an open one"});
  list_keys(keys, kTupleFields, "tuples.");
  keys.push_back({"cores.N", "object", "",
                  "the keys above, except `interrupted`, `loop`, `left_out` and `tuples`, for each "
                  "core"});
  keys.push_back({"cores.N.core", "number", "", "number of the core in the machine"});
  return keys;
}

std::string load_table(const ClientSettings& settings, std::span<const CoreReport> cores,
                       const RunEnd& end) {
  const CoreReport total = total_of(cores);
  const LoadResults& r = total.results;
  const LoadCounters& c = r.counters;
  std::string table;
  if (end.interrupted)
    table += fmt::format("  interrupted after {:.2f} s: these are the figures until then\n",
                         r.ran.seconds());
  table += fmt::format(
      "  offered    {:>13}   {}/s over {:.2f} s\n"
      "  opened     {:>13}\n"
      "  completed  {:>13}   {}/s\n"
      "  requests   {:>13}   {} answered, {}/s\n",
      grouped(c.offered + c.behind), grouped(offered_cps(r)), r.ran.seconds(), grouped(c.opened),
      grouped(c.completed), grouped(rate_of(c.completed, r.ran)), grouped(c.requests),
      grouped(c.responses), grouped(rate_of(c.responses, r.ran)));
  table += failure_rows(settings, r);
  if (c.behind > 0)
    table += fmt::format("  not made   {:>13}   the generator was too slow for this rate\n",
                         grouped(c.behind));
  table += challenged_row(c);
  const auto packets = packets_per_connection(total), cycles = cycles_per_connection(total);
  table += latency_row("latency", r.latency) + latency_row("request", r.request_latency) +
           latency_row("connect", r.connect_latency);
  table += fmt::format(
      "  stack      {} packets and {} busy cycles a connection, {} retransmissions\n"
      "  time_wait  {} now, {} at most\n",
      packets ? fmt::format("{:.2f}", *packets) : "-", cycles ? grouped(*cycles) : "-",
      grouped(total.stack.retransmitted.get()), grouped(total.stack.time_wait_now.get()),
      grouped(total.stack.time_wait_peak.get()));
  if (c.port_exhausted > 0)
    table += fmt::format("  sources    {}; {} connects found no free source\n",
                         arithmetic_of(plan_tuples(settings)), grouped(c.port_exhausted));
  if (const std::string words = left_out(settings.load); !words.empty())
    table += fmt::format("  left out   {}\n", words);
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
                  or_dash(so_far.latency.percentile(50)), or_dash(so_far.latency.percentile(99)),
                  grouped(c.open), grouped(stack.time_wait_now.get()), grouped(c.failed_total()));
  if (c.port_exhausted > 0) line += fmt::format("  no free source {}", grouped(c.port_exhausted));
  if (c.behind > 0) line += fmt::format("  behind {}", grouped(c.behind));
  completed_ = c.completed;
  elapsed_ = elapsed;
  return terminal_ ? "\r" + line + "\x1b[K" : line + "\n";
}

}  // namespace mayfly::load
