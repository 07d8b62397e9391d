#include "admin/stats_json.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;

/// The numbers that derived keys are computed from.
struct Serving {
  const flow::ShardStats& stats;
  Duration active;
};

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

std::uint64_t packets_of(const flow::ShardStats& s) {
  return s.rx_packets.get() + s.tx_packets.get();
}

std::uint64_t closed_as(const flow::ShardStats& stats, flow::CloseReason why) {
  return stats.closed[static_cast<std::size_t>(why)].get();
}

template <Drop kWhy>
Json dropped(const Serving& of) {
  return of.stats.drops[static_cast<std::size_t>(kWhy)].get();
}

Json reset(const Serving& of) { return closed_as(of.stats, flow::CloseReason::reset); }

Json completed(const Serving& of) { return completed_of(of.stats); }

Json completed_a_second(const Serving& of) {
  const double seconds = of.active.seconds();
  return seconds > 0 ? static_cast<double>(completed_of(of.stats)) / seconds : 0.0;
}

Json reopened(const Serving& of) {
  return of.stats.time_wait_reopened_timestamp.get() + of.stats.time_wait_reopened_sequence.get();
}

Json evicted_ages(const Serving& of) {
  Json ages = Json::array();
  for (std::size_t i = 0; i < flow::ShardStats::kAges; ++i) {
    const std::uint64_t count = of.stats.time_wait_evicted_age[i].get();
    if (count > 0) ages.push_back({{"below", std::uint64_t{1} << i}, {"count", count}});
  }
  return ages;
}

Json cycles_per_connection(const Serving& of) {
  return ratio(of.stats.busy_cycles.get(), completed_of(of.stats));
}

Json packets_per_connection(const Serving& of) {
  return ratio(packets_of(of.stats), completed_of(of.stats));
}

Json packets_per_busy_poll(const Serving& of) {
  return ratio(packets_of(of.stats), of.stats.busy_polls.get());
}

Json busy_ratio(const Serving& of) {
  return ratio(of.stats.busy_cycles.get(), of.stats.cycles.get());
}

// clang-format off
/// The keys that are not members of ShardStats: computed from several of its members, or a second
/// name of one.
constexpr auto kDerived = std::to_array<JsonField<Serving>>({
    {"completed", "counter", "connections", "connections that ended with both FINs exchanged",
     completed},
    {"reset", "counter", "connections", "connections that ended by the peer's RST", reset},
    {"refused.table_full", "counter", "segments", help_of(Drop::table_full),
     dropped<Drop::table_full>},
    {"refused.half_open_full", "counter", "segments", help_of(Drop::half_open_full),
     dropped<Drop::half_open_full>},
    {"refused.time_wait_full", "counter", "segments", help_of(Drop::time_wait_full),
     dropped<Drop::time_wait_full>},
    {"refused.overload", "counter", "segments", help_of(Drop::overload),
     dropped<Drop::overload>},
    {"refused.tcp_draining", "counter", "segments", help_of(Drop::tcp_draining),
     dropped<Drop::tcp_draining>},
    {"cps", "number", "connections/s", "`completed` per second of the active time",
     completed_a_second},
    {"time_wait.reopened", "counter", "entries", "TIME_WAIT entries ended by a SYN (RFC 6191)",
     reopened},
    {"time_wait.syn_refused", "counter", "segments", help_of(Drop::time_wait_syn),
     dropped<Drop::time_wait_syn>},
    {"time_wait.syn_recycled_away", "counter", "segments", help_of(Drop::time_wait_recycle),
     dropped<Drop::time_wait_recycle>},
    {"time_wait.rst_ignored", "counter", "segments", help_of(Drop::time_wait_rst),
     dropped<Drop::time_wait_rst>},
    {"time_wait.paws", "counter", "segments", help_of(Drop::tcp_paws), dropped<Drop::tcp_paws>},
    {"time_wait.evicted_age_ms", "array", "",
     "TIME_WAIT entries evicted, by age: `count` of them were younger than `below` ms, a power of "
     "two, and at least half as old; those without any are left out", evicted_ages},
    {"cycles_per_connection", "number", "cycles", "`cycles.busy` for each completed connection",
     cycles_per_connection},
    {"packets_per_connection", "number", "frames",
     "frames received and sent for each completed connection", packets_per_connection},
    {"busy_ratio", "number", "", "share of the polls' cycles in polls that did work, 0 to 1",
     busy_ratio},
    {"packets_per_busy_poll", "number", "frames",
     "frames received and sent for each poll that did work", packets_per_busy_poll},
});
// clang-format on

Json json_of(const flow::ShardStats& stats, Duration active) {
  Json json;
  write_metrics(json, flow::kShardMetrics, stats);
  write_fields(json, kDerived, Serving{stats, active});
  for (std::size_t i = 0; i < flow::kCloseReasonCount; ++i)
    json["closed"][std::string(name_of(static_cast<flow::CloseReason>(i)))] = stats.closed[i].get();
  for_each_counted_stage(stats, [&](flow::Stage stage, std::uint64_t cycles) {
    json["cycles"]["by_stage"][std::string(name_of(stage))] = cycles;
  });
  for (const tcp::State state : kCountedStates)
    json["by_state"][key_of(state)] = stats.states[static_cast<std::size_t>(state)].get();
  json["drops"] = Json::object();
  for (std::size_t i = 1; i < wire::kDropCount; ++i)
    if (stats.drops[i].get() > 0)
      json["drops"][std::string(name_of(static_cast<Drop>(i)))] = stats.drops[i].get();
  return json;
}

}  // namespace

std::string key_of(tcp::State state) {
  std::string key(name_of(state));
  std::ranges::transform(key, key.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(c));
  });
  return key;
}

std::uint64_t completed_of(const flow::ShardStats& stats) {
  return closed_as(stats, flow::CloseReason::done) + closed_as(stats, flow::CloseReason::time_wait);
}

Json server_json(std::span<const flow::ShardStats> cores, Duration active) {
  Json json = json_of(total_of(cores), active);
  json["active_s"] = active.seconds();
  json["cores"] = Json::array();
  for (const flow::ShardStats& core : cores) json["cores"].push_back(json_of(core, active));
  return json;
}

Json service_json(const service::ServiceCounters& counters) {
  Json json;
  write_metrics(json, service::kServiceMetrics, counters);
  for (std::size_t i = 0; i < service::kEndingCount; ++i)
    json["closes"][std::string(name_of(static_cast<service::Ending>(i)))] =
        counters.closes[i].get();
  return json;
}

std::vector<JsonKey> serve_json_keys() {
  std::vector<JsonKey> keys;
  list_keys(keys, flow::kShardMetrics);
  list_keys(keys, kDerived);
  for (std::size_t i = 0; i < flow::kCloseReasonCount; ++i) {
    const auto why = static_cast<flow::CloseReason>(i);
    keys.push_back({"closed." + std::string(name_of(why)), "counter", "connections",
                    std::string(help_of(why))});
  }
  for (std::size_t i = 0; i < flow::kStageCount; ++i) {
    const auto stage = static_cast<flow::Stage>(i);
    keys.push_back(
        {"cycles.by_stage." + std::string(name_of(stage)), "counter", "cycles",
         "of `cycles.busy`, if built with `-Dstage_clock=true`: " + std::string(help_of(stage))});
  }
  for (const tcp::State state : kCountedStates)
    keys.push_back({"by_state." + key_of(state), "gauge", "connections",
                    "connections in " + std::string(name_of(state)) + " now"});
  for (std::size_t i = 1; i < wire::kDropCount; ++i) {
    const auto why = static_cast<Drop>(i);
    keys.push_back(
        {"drops." + std::string(name_of(why)), "counter", "frames", std::string(help_of(why))});
  }
  keys.push_back({"active_s", "number", "s", "time from the first connection to the last change"});
  keys.push_back({"cores.N", "object", "", "the keys above, except `active_s`, for each core"});
  list_keys(keys, service::kServiceMetrics, "service.");
  for (std::size_t i = 0; i < service::kEndingCount; ++i) {
    const auto why = static_cast<service::Ending>(i);
    keys.push_back({"service.closes." + std::string(name_of(why)), "counter", "connections",
                    std::string(help_of(why))});
  }
  return keys;
}

Result<void> write_json(const std::string& path, const Json& json) {
  if (path == "-") {
    std::cout << json.dump(2) << std::endl;
    return {};
  }
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) return Error{"cannot write " + path + ": " + std::strerror(errno)};
  return {};
}

}  // namespace mayfly::admin
