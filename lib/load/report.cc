#include "load/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "load/figures.h"
#include "load/plan.h"
#include "load/words.h"
#include "tcp/state.h"
#include "wire/print.h"

namespace mayfly::load {
namespace {

/// What a closed loop cannot show; empty for an open one.
std::string left_out(const LoadShape& shape) {
  if (shape.concurrency == 0) return "";
  return "a closed loop starts a connection only when another has ended, so while the target "
         "stalls nothing is offered, and no percentile holds what would have waited then "
         "(coordinated "
         "omission); load.rate measures that";
}

std::string or_dash(std::optional<std::uint64_t> us) { return us ? grouped(*us) : "-"; }

std::string latency_row(std::string_view name, const Latencies& l) {
  return fmt::format("  {:<10} p50 {:>9}   p90 {:>9}   p99 {:>9}   p99.9 {:>9}   max {:>9}  us\n",
                     name, or_dash(l.percentile(50)), or_dash(l.percentile(90)),
                     or_dash(l.percentile(99)), or_dash(l.percentile(99.9)), or_dash(l.max()));
}

/// Also whether more were tried than the target deserved.
std::string refused_in_words(const RunFacts& facts, const LoadCounters& c) {
  if (c.established > 0) return "refused by " + facts.target;
  return fmt::format("refused: nobody listens on {}; {}", facts.target,
                     facts.is_closed_loop
                         ? "after the first ones it was asked at most ten times a second by a core"
                         : "they were sent all the same, as load.rate asks");
}

/// What became of the connections that failed so.
std::string in_words(Cause cause, const RunFacts& facts, const LoadResults& r) {
  const auto reset_in = [](tcp::State state) {
    return fmt::format("reset by the target in {}", tcp::name_of(state));
  };
  switch (cause) {
    case Cause::refused: return refused_in_words(facts, r.counters);
    case Cause::no_arp_answer:
      return r.silent.six.is_unspecified()
                 ? "no ARP answer from " + to_string(r.silent.four)
                 : "no answer to neighbour discovery from " + to_string(r.silent.six);
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
    case Cause::short_body: return "cut short: closed before all answers had come whole";
    case Cause::malformed_response: return "malformed response: not HTTP, or octets after its end";
    case Cause::no_room: return "no room in our own tables (connections.capacity)";
    case Cause::open_at_end: return "still open at the end";
    case Cause::syn_unanswered_at_end: return "SYN not answered by the end of the run";
  }
  return "";
}

std::string failure_row(std::uint64_t count, const std::string& words) {
  return count == 0 ? "" : fmt::format("  failed     {:>13}   {}\n", grouped(count), words);
}

std::string failure_rows(const RunFacts& facts, const LoadResults& r) {
  std::string rows;
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    const auto cause = static_cast<Cause>(i);
    if (cause != Cause::status)
      rows += failure_row(r.counters.caused_by(cause), in_words(cause, facts, r));
  }
  for (std::uint16_t status = StatusCounts::kFirst; status < StatusCounts::kEnd; ++status)
    rows += failure_row(r.statuses.of(status), fmt::format("status {}", status));
  return rows;
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
  return std::clamp(std::max(by_time, per(ended, shape.part.of(shape.connections))), 0.0, 1.0);
}

}  // namespace

CoreReport total_of(std::span<const CoreReport> reports) {
  CoreReport total;
  std::vector<flow::ShardStats> stacks;
  for (const CoreReport& report : reports) {
    total.results.merge(report.results);
    stacks.push_back(report.stack);
  }
  total.stack = total_of(stacks);
  return total;
}

RunFacts facts_of(const ClientSettings& settings) {
  return {.target = fmt::format("{} port {}", address_of(settings.target), settings.target.port),
          .is_closed_loop = settings.load.concurrency > 0,
          .left_out = left_out(settings.load),
          .arithmetic = arithmetic_of(plan_tuples(settings))};
}

std::string load_table(const RunFacts& facts, std::span<const CoreReport> cores,
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
  table += failure_rows(facts, r);
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
    table += fmt::format("  sources    {}; {} connects found no free source\n", facts.arithmetic,
                         grouped(c.port_exhausted));
  if (!facts.left_out.empty()) table += fmt::format("  left out   {}\n", facts.left_out);
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
