#include "admin/sampler.h"

#include <algorithm>
#include <cmath>

#include "admin/diagnosis.h"
#include "admin/stats_json.h"

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 10) / 10; }

/// A second of a counter between two readings.
class Rates {
 public:
  explicit Rates(double seconds) : seconds_(seconds) {}
  double of(std::uint64_t before, std::uint64_t now) const {
    if (seconds_ <= 0 || now < before) return 0;
    return static_cast<double>(now - before) / seconds_;
  }
  double of(const Counter& before, const Counter& now) const { return of(before.get(), now.get()); }

 private:
  double seconds_;
};

double share_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

/// The age at which half of the entries that were evicted meanwhile were younger, in seconds; null
/// if none was.
Json evicted_age(const flow::ShardStats& before, const flow::ShardStats& now) {
  std::array<std::uint64_t, flow::ShardStats::kAges> counts{};
  std::uint64_t all = 0, below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = now.time_wait_evicted_age[i].get() - before.time_wait_evicted_age[i].get();
    all += counts[i];
  }
  if (all == 0) return nullptr;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (2 * (below + counts[i]) < all) {
      below += counts[i];
      continue;
    }
    // Within the power of two, in proportion.
    const double high = std::ldexp(1.0, static_cast<int>(i)), low = i == 0 ? 0 : high / 2;
    const double share = (static_cast<double>(all) / 2 - static_cast<double>(below)) /
                         static_cast<double>(counts[i]);
    return std::round(low + (high - low) * share) / 1e3;
  }
  return nullptr;
}

Json time_wait_of(const EndReading& end, const flow::ShardStats& before,
                  const flow::ShardStats& now, const Rates& rates, TimeWaitAges& ages, double t) {
  const auto capacity = std::uint64_t{end.time_wait.capacity} * end.cores.size();
  const double opened = rates.of(before.time_wait_opened, now.time_wait_opened);
  const double hold = static_cast<double>(now.time_wait_hold_us.get()) / 1e6;
  Json json{{"now", now.time_wait_now.get()},
            {"capacity", capacity},
            {"opened_cps", rounded(opened)},
            {"expired_cps", rounded(rates.of(before.time_wait_expired, now.time_wait_expired))},
            {"evicted_cps", rounded(rates.of(before.time_wait_evicted, now.time_wait_evicted))},
            {"skipped_cps", rounded(rates.of(before.time_wait_skipped, now.time_wait_skipped))},
            {"hold_s", hold},
            // Little's law: what this rate fills in a whole hold.
            {"little", std::round(opened * hold)},
            {"evicted_age_s", evicted_age(before, now)}};
  json["ages"] = ages.at(t, now.time_wait_opened.get(), now.time_wait_now.get());
  return json;
}

/// Connections by the groups of states that gauges tell apart.
Json states_of(const flow::ShardStats& now) {
  const std::uint64_t all = now.connections.get(), half_open = now.half_open.get();
  const std::uint64_t closing = now.orphans.get(), others = half_open + closing;
  return {{"handshake", half_open},
          {"open", all > others ? all - others : 0},
          {"closing", closing},
          {"time_wait", now.time_wait_now.get()}};
}

Json by_state(const flow::ShardStats& now) {
  Json json;
  for (const tcp::State state : kCountedStates)
    json[key_of(state)] = now.states[static_cast<std::size_t>(state)].get();
  return json;
}

Json busy_of(const EndReading& before, const EndReading& now) {
  Json busy = Json::array();
  for (std::size_t i = 0; i < now.cores.size(); ++i) {
    if (i >= before.cores.size()) break;
    const auto spent = [&](Counter flow::ShardStats::*cycles) {
      return static_cast<double>((now.cores[i].*cycles).get() - (before.cores[i].*cycles).get());
    };
    busy.push_back(std::round(1e3 * share_of(spent(&flow::ShardStats::busy_cycles),
                                             spent(&flow::ShardStats::cycles))) /
                   1e3);
  }
  return busy;
}

Json drops_of(const flow::ShardStats& before, const flow::ShardStats& now, const Rates& rates) {
  Json drops = Json::object();
  for (std::size_t i = 1; i < wire::kDropCount; ++i) {
    const double rate = rates.of(before.drops[i], now.drops[i]);
    if (rate > 0) drops[std::string(name_of(static_cast<Drop>(i)))] = rounded(rate);
  }
  return drops;
}

Json end_of(const EndReading& before, const EndReading& now, double seconds, TimeWaitAges& ages,
            double t) {
  const flow::ShardStats was = total_of(before.cores), is = total_of(now.cores);
  const Rates rates(seconds);
  const auto rate = [&](Counter flow::ShardStats::*counter) {
    return rounded(rates.of(was.*counter, is.*counter));
  };
  const auto closed = [&](flow::CloseReason why) {
    const auto i = static_cast<std::size_t>(why);
    return rounded(rates.of(was.closed[i], is.closed[i]));
  };
  Json json{{"cps", rounded(rates.of(completed_of(was), completed_of(is)))},
            {"accepted_cps", rate(&flow::ShardStats::accepted)},
            {"reset_cps", closed(flow::CloseReason::reset)},
            {"retransmitted_cps", rate(&flow::ShardStats::retransmitted)},
            {"rx_pps", rate(&flow::ShardStats::rx_packets)},
            {"tx_pps", rate(&flow::ShardStats::tx_packets)},
            {"cookies_cps", rate(&flow::ShardStats::syn_cookies_sent)},
            {"connections", is.connections.get()},
            {"connections_max", std::uint64_t{now.connections_max} * now.cores.size()}};
  json["states"] = states_of(is);
  json["by_state"] = by_state(is);
  json["time_wait"] = time_wait_of(now, was, is, rates, ages, t);
  json["drops"] = drops_of(was, is, rates);
  json["harm"] = {{"rst_to_last_ack", rate(&flow::ShardStats::rst_to_last_ack)},
                  {"reset_in_last_ack", rate(&flow::ShardStats::reset_in_last_ack)},
                  {"syn_recycled_away",
                   rounded(rates.of(was.drops[static_cast<std::size_t>(Drop::time_wait_recycle)],
                                    is.drops[static_cast<std::size_t>(Drop::time_wait_recycle)]))}};
  json["busy"] = busy_of(before, now);
  return json;
}

Json latency_of(const load::Latencies& latency) {
  const auto p50 = latency.percentile(50), p99 = latency.percentile(99);
  if (!p50 || !p99) return nullptr;
  return {{"p50", *p50}, {"p99", *p99}};
}

void add_load(Json& json, const load::LoadResults& was, const load::LoadResults& is,
              const Rates& rates) {
  const load::LoadCounters &before = was.counters, &now = is.counters;
  json["latency_us"] = latency_of(is.latency.since(was.latency));
  json["load"] = {
      {"offered_cps", rounded(rates.of(before.offered + before.behind, now.offered + now.behind))},
      {"completed_cps", rounded(rates.of(before.completed, now.completed))},
      {"failed_cps", rounded(rates.of(before.failed_total(), now.failed_total()))},
      {"exhausted_cps", rounded(rates.of(before.port_exhausted, now.port_exhausted))},
      {"failed", Json::object()}};
  for (std::size_t i = 1; i < load::kFailureCount; ++i) {
    const auto why = static_cast<load::Failure>(i);
    const double rate = rates.of(before.failures(why), now.failures(why));
    if (rate > 0) json["load"]["failed"][std::string(name_of(why))] = rounded(rate);
  }
}

}  // namespace

double TimeWaitAges::opened_at(double t) const {
  if (past_.empty() || t <= past_.front().t)
    return past_.empty() ? 0 : double(past_.front().opened);
  const auto after = std::ranges::find_if(past_, [&](const Point& p) { return p.t >= t; });
  if (after == past_.end()) return static_cast<double>(past_.back().opened);
  const Point &b = *after, &a = *std::prev(after);
  const double share = (t - a.t) / (b.t - a.t);
  return static_cast<double>(a.opened) + share * static_cast<double>(b.opened - a.opened);
}

std::array<std::uint64_t, TimeWaitAges::kAges> TimeWaitAges::at(double t, std::uint64_t opened,
                                                                std::uint64_t now) {
  if (past_.empty()) past_.push_back({t - 1, 0});
  if (t - past_.back().t >= 0.9 || past_.size() < 2) {
    past_.push_back({t, opened});
  } else {
    past_.back() = {t, opened};
  }
  while (past_.size() > 700) past_.pop_front();
  std::array<std::uint64_t, kAges> ages{};
  std::uint64_t younger = 0;
  for (std::size_t i = 0; i < kAges; ++i) {
    const double limit = std::ldexp(1.0, static_cast<int>(i));
    const auto made =
        static_cast<std::uint64_t>(static_cast<double>(opened) - opened_at(t - limit));
    const std::uint64_t below = i + 1 == kAges ? now : std::min(now, made);
    ages[i] = below - younger;
    younger = below;
  }
  return ages;
}

Json Sampler::sample(const Reading& now) {
  const Reading& was = before_ ? *before_ : now;
  const double seconds = now.t - was.t;
  Json json{{"t", std::round(now.epoch * 1e3) / 1e3},
            {"interval_s", std::round(seconds * 1e3) / 1e3},
            {"policy", now.policy},
            {"draining", now.is_draining},
            {"changes", now.changes}};
  json.update(end_of(was.end, now.end, seconds, ages_, now.t));
  if (now.client && was.client)
    json["client"] = end_of(*was.client, *now.client, seconds, client_ages_, now.t);
  json["latency_us"] = nullptr;
  if (now.load) {
    if (load_) add_load(json, *load_, *now.load, Rates(now.t - load_t_));
    load_ = now.load;
    load_t_ = now.t;
  }
  json["links"] = now.links;
  // The rate that the policy is judged by must outlive a collapse.
  peak_rate_ =
      std::max(json["time_wait"]["opened_cps"].get<double>(), peak_rate_ * std::exp(-seconds / 60));
  json["problems"] = problems_of(json, now, peak_rate_);
  before_ = now;
  return json;
}

}  // namespace mayfly::admin
