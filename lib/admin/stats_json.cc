#include "admin/stats_json.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace mayfly {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t closed_as(const StatsSnapshot& stats, CloseReason why) {
  return stats.closed[static_cast<std::size_t>(why)].get();
}

std::uint64_t dropped(const StatsSnapshot& stats, Drop why) {
  return stats.drops[static_cast<std::size_t>(why)].get();
}

/// How many entries were evicted at an age below so many milliseconds, and at or above half of it.
Json evicted_ages(const StatsSnapshot& stats) {
  Json ages = Json::array();
  for (std::size_t i = 0; i < ShardStats::kAges; ++i) {
    const std::uint64_t count = stats.time_wait_evicted_age[i].get();
    if (count > 0) ages.push_back({{"below", std::uint64_t{1} << i}, {"count", count}});
  }
  return ages;
}

Json time_wait_json(const StatsSnapshot& s) {
  return {
      {"now", s.time_wait_now.get()},
      {"peak", s.time_wait_peak.get()},
      {"opened", s.time_wait_opened.get()},
      {"expired", s.time_wait_expired.get()},
      {"evicted", s.time_wait_evicted.get()},
      {"skipped", s.time_wait_skipped.get()},
      {"reopened", s.time_wait_reopened_timestamp.get() + s.time_wait_reopened_sequence.get()},
      {"reopened_by_timestamp", s.time_wait_reopened_timestamp.get()},
      {"reopened_by_sequence", s.time_wait_reopened_sequence.get()},
      {"reused", s.time_wait_reused.get()},
      {"restored", s.time_wait_restored.get()},
      {"killed", s.time_wait_killed.get()},
      {"fin_again", s.time_wait_fin_again.get()},
      {"taken_over", s.time_wait_taken_over.get()},
      {"shortened", s.time_wait_shortened.get()},
      {"syn_refused", dropped(s, Drop::time_wait_syn)},
      {"syn_recycled_away", dropped(s, Drop::time_wait_recycle)},
      {"rst_ignored", dropped(s, Drop::time_wait_rst)},
      {"paws", dropped(s, Drop::tcp_paws)},
      {"hold_s", static_cast<double>(s.time_wait_hold_us.get()) / 1e6},
      {"evicted_age_ms", evicted_ages(s)},
  };
}

Json one(const StatsSnapshot& s, Duration active) {
  Json json;
  const std::uint64_t completed = completed_of(s);
  json["accepted"] = s.accepted.get();
  json["opened"] = s.opened.get();
  json["completed"] = completed;
  json["reset"] = closed_as(s, CloseReason::reset);
  for (const Drop why :
       {Drop::table_full, Drop::half_open_full, Drop::time_wait_full, Drop::tcp_draining})
    json["refused"][std::string(name_of(why))] = dropped(s, why);
  json["cps"] = active.us > 0 ? static_cast<double>(completed) / active.seconds() : 0.0;
  json["connections"] = s.connections.get();
  json["connections_peak"] = s.connections_peak.get();
  json["time_wait"] = time_wait_json(s);
  // Reason 1 for TIME_WAIT (RFC 9293 3.6.1) violated: seen from the end that reset, and from the
  // one that was reset.
  json["harm"] = {{"rst_to_last_ack", s.rst_to_last_ack.get()},
                  {"reset_in_last_ack", s.reset_in_last_ack.get()}};
  json["cycles_per_connection"] =
      completed > 0 ? static_cast<double>(s.busy_cycles.get()) / static_cast<double>(completed)
                    : 0.0;
  json["packets_per_connection"] =
      completed > 0 ? static_cast<double>(s.rx_packets.get() + s.tx_packets.get()) /
                          static_cast<double>(completed)
                    : 0.0;
  json["packets"] = {
      {"rx", s.rx_packets.get()}, {"tx", s.tx_packets.get()}, {"handled", s.rx_handled.get()}};
  json["bytes"] = {{"rx", s.rx_bytes.get()}, {"tx", s.tx_bytes.get()}};
  json["retransmitted"] = s.retransmitted.get();
  json["syn"] = {{"half_open", s.half_open.get()},
                 {"half_open_given_up", s.half_open_given_up.get()},
                 {"cookies_sent", s.syn_cookies_sent.get()},
                 {"cookies_accepted", s.syn_cookies_accepted.get()}};
  json["rst_sent"] = s.rst_sent.get();
  json["rst_limited"] = s.rst_limited.get();
  json["challenges_limited"] = s.challenges_limited.get();
  json["arp"] = {{"requests", s.arp_requests.get()},
                 {"replies", s.arp_replies.get()},
                 {"limited", s.arp_limited.get()},
                 {"conflicts", s.arp_conflicts.get()}};
  json["icmp_sent"] = s.icmp_sent.get();
  json["closed"] = Json::object();
  for (std::size_t i = 0; i < kCloseReasonCount; ++i)
    json["closed"][std::string(name_of(static_cast<CloseReason>(i)))] = s.closed[i].get();
  json["drops"] = Json::object();
  for (std::size_t i = 1; i < kDropCount; ++i)
    if (s.drops[i].get() > 0)
      json["drops"][std::string(name_of(static_cast<Drop>(i)))] = s.drops[i].get();
  const std::uint64_t cycles = s.cycles.get();
  json["busy_ratio"] =
      cycles > 0 ? static_cast<double>(s.busy_cycles.get()) / static_cast<double>(cycles) : 0.0;
  const std::uint64_t busy_polls = s.busy_polls.get();
  json["packets_per_busy_poll"] =
      busy_polls > 0 ? static_cast<double>(s.rx_packets.get() + s.tx_packets.get()) /
                           static_cast<double>(busy_polls)
                     : 0.0;
  return json;
}

}  // namespace

StatsSnapshot sum_of(std::span<const StatsSnapshot> cores) {
  StatsSnapshot sum;
  for (const StatsSnapshot& core : cores) {
    const std::uint64_t hold = sum.time_wait_hold_us.get();
#define MAYFLY_X(name, help) sum.name.add(core.name.get());
    MAYFLY_SHARD_COUNTERS(MAYFLY_X)
#undef MAYFLY_X
    sum.time_wait_hold_us.set(std::max(hold, core.time_wait_hold_us.get()));
    for (std::size_t i = 0; i < ShardStats::kAges; ++i)
      sum.time_wait_evicted_age[i].add(core.time_wait_evicted_age[i].get());
    for (std::size_t i = 0; i < kDropCount; ++i) sum.drops[i].add(core.drops[i].get());
    for (std::size_t i = 0; i < kCloseReasonCount; ++i) sum.closed[i].add(core.closed[i].get());
  }
  return sum;
}

std::uint64_t completed_of(const StatsSnapshot& stats) {
  return closed_as(stats, CloseReason::done) + closed_as(stats, CloseReason::time_wait);
}

Json server_json(std::span<const StatsSnapshot> cores, Duration active) {
  Json json = one(sum_of(cores), active);
  json["active_s"] = active.seconds();
  json["cores"] = Json::array();
  for (const StatsSnapshot& core : cores) json["cores"].push_back(one(core, active));
  return json;
}

std::string write_json(const std::string& path, const Json& json) {
  if (path == "-") {
    std::cout << json.dump(2) << std::endl;
    return {};
  }
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) return "cannot write " + path + ": " + std::strerror(errno);
  return {};
}

}  // namespace mayfly
