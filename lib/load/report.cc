#include "load/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "load/plan.h"
#include "load/words.h"

namespace mayfly {
namespace {

using Json = nlohmann::ordered_json;

/// `part` for each of `whole`; 0 if there is none.
double per(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// `n` in a second; 0 if no time has passed.
double rate_of(std::uint64_t n, Duration time) {
  return time.us <= 0 ? 0 : static_cast<double>(n) / time.seconds();
}

double offered_cps(const LoadResults& r) {
  return rate_of(r.counters.offered + r.counters.behind, r.ran);
}

/// What each completed connection cost, the failed ones included.
double packets_per_connection(const CoreReport& r) {
  return per(r.stack.packets_rx + r.stack.packets_tx, r.results.counters.completed);
}
double cycles_per_connection(const CoreReport& r) {
  return per(r.stack.busy_cycles, r.results.counters.completed);
}

CoreReport total_of(std::span<const CoreReport> cores) {
  CoreReport total;
  for (const CoreReport& core : cores) {
    total.results.merge(core.results);
    total.stack.merge(core.stack);
  }
  return total;
}

Json percentiles(const Histogram& h) {
  return {{"p50", h.percentile(50)},
          {"p90", h.percentile(90)},
          {"p99", h.percentile(99)},
          {"p999", h.percentile(99.9)},
          {"max", h.max()}};
}

Json failures(const LoadCounters& c) {
  Json failed = Json::object();
  for (std::size_t i = 1; i < kFailureCount; ++i)
    failed[std::string(name_of(static_cast<Failure>(i)))] = c.failed[i];
  return failed;
}

Json json_of(const CoreReport& report) {
  const LoadResults& r = report.results;
  const LoadCounters& c = r.counters;
  const StackFigures& s = report.stack;
  return {{"offered_cps", offered_cps(r)},
          {"offered", c.offered},
          {"not_started", c.behind},
          {"opened", c.opened},
          {"established", c.established},
          {"completed", c.completed},
          {"open", c.open},
          {"failed", failures(c)},
          {"failed_total", c.failed_total()},
          {"completed_cps", rate_of(c.completed, r.ran)},
          {"requests", c.requests},
          {"responses", c.responses},
          {"response_bytes", c.bytes},
          {"latency_us", percentiles(r.latency)},
          {"connect_latency_us", percentiles(r.connect_latency)},
          {"packets", {{"rx", s.packets_rx}, {"tx", s.packets_tx}}},
          {"packets_per_connection", packets_per_connection(report)},
          {"retransmissions", s.retransmissions},
          {"drops", s.drops},
          {"time_wait",
           {{"peak", s.time_wait_peak}, {"now", s.time_wait_now}, {"reused", s.time_wait_reused}}},
          {"port_exhausted", c.port_exhausted},
          {"cycles_per_connection", cycles_per_connection(report)},
          {"busy_ratio", per(s.busy_cycles, s.cycles)},
          {"packets_per_busy_poll", per(s.packets_rx + s.packets_tx, s.busy_polls)},
          {"duration_s", r.ran.seconds()}};
}

Json json_of(const TuplePlan& plan) {
  return {{"addresses", plan.addresses}, {"ports", plan.ports},
          {"pairs", plan.pairs},         {"hold_s", plan.hold.seconds()},
          {"rate_max", plan.rate_max},   {"arithmetic", arithmetic_of(plan)}};
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

StackFigures StackFigures::of(const ShardStats& stats) noexcept {
  StackFigures f{.packets_rx = stats.rx_packets.get(),
                 .packets_tx = stats.tx_packets.get(),
                 .retransmissions = stats.retransmitted.get(),
                 .time_wait_now = stats.time_wait_now.get(),
                 .time_wait_peak = stats.time_wait_peak.get(),
                 .time_wait_reused = stats.time_wait_reused.get(),
                 .cycles = stats.cycles.get(),
                 .busy_cycles = stats.busy_cycles.get(),
                 .busy_polls = stats.busy_polls.get()};
  for (const Counter& drop : stats.drops) f.drops += drop.get();
  return f;
}

void StackFigures::merge(const StackFigures& other) noexcept {
  packets_rx += other.packets_rx;
  packets_tx += other.packets_tx;
  retransmissions += other.retransmissions;
  drops += other.drops;
  time_wait_now += other.time_wait_now;
  time_wait_peak += other.time_wait_peak;
  time_wait_reused += other.time_wait_reused;
  cycles += other.cycles;
  busy_cycles += other.busy_cycles;
  busy_polls += other.busy_polls;
}

Json load_json(const LoadSettings& settings, std::span<const CoreReport> cores) {
  Json json = json_of(total_of(cores));
  json["tuples"] = json_of(plan_tuples(settings));
  json["cores"] = Json::array();
  for (const CoreReport& core : cores) {
    Json one = json_of(core);
    one["core"] = core.core;
    json["cores"].push_back(std::move(one));
  }
  return json;
}

std::string load_table(const LoadSettings& settings, std::span<const CoreReport> cores) {
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
      grouped(total.stack.retransmissions), grouped(total.stack.time_wait_now),
      grouped(total.stack.time_wait_peak));
  if (c.port_exhausted > 0)
    table += fmt::format("  pairs      {}; {} connects found no free pair\n",
                         arithmetic_of(plan_tuples(settings)), grouped(c.port_exhausted));
  return table;
}

std::string LiveLine::next(const LoadResults& so_far, const StackFigures& stack, Duration elapsed) {
  const LoadCounters& c = so_far.counters;
  std::string line;
  if (const auto done = progress(shape_, c, elapsed))
    line += fmt::format("{} {:3.0f}%  ", bar(*done), *done * 100);
  line +=
      fmt::format("{} conn/s  p50 {} us  p99 {} us  open {}  time_wait {}  failed {}",
                  grouped(rate_of(c.completed - completed_, elapsed - elapsed_)),
                  grouped(so_far.latency.percentile(50)), grouped(so_far.latency.percentile(99)),
                  grouped(c.open), grouped(stack.time_wait_now), grouped(c.failed_total()));
  if (c.port_exhausted > 0) line += fmt::format("  no free pair {}", grouped(c.port_exhausted));
  if (c.behind > 0) line += fmt::format("  behind {}", grouped(c.behind));
  completed_ = c.completed;
  elapsed_ = elapsed;
  return terminal_ ? "\r" + line + "\x1b[K" : line + "\n";
}

}  // namespace mayfly
