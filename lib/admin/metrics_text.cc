#include "admin/metrics_text.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "admin/stats_json.h"

namespace mayfly::admin {
namespace {

using prometheus::ClientMetric, prometheus::MetricFamily, prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;

/// "mayfly_time_wait_hold_seconds" for "time_wait.hold_s", "mayfly_packets_rx_total" for the
/// counter "packets.rx".
std::string name_for(std::string_view prefix, std::string_view path, MetricKind kind,
                     std::string_view unit) {
  std::string name = "mayfly_" + std::string(prefix) + std::string(path);
  std::ranges::replace(name, '.', '_');
  if (unit == "us" && name.ends_with("_s")) name += "econds";
  if (kind == MetricKind::counter) name += "_total";
  return name;
}

ClientMetric one_value(MetricType type, double value, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

MetricFamily family_of(std::string name, std::string_view help, MetricType type) {
  return {std::move(name), std::string(help), type, {}};
}

/// A family for each row, with a value for each core (or one, without a label).
template <class List, class Stats>
void add_list(Families& families, const List& list, std::string_view prefix,
              const std::vector<std::pair<Labels, const Stats*>>& all) {
  for (const auto& metric : list) {
    const MetricType type =
        metric.kind == MetricKind::counter ? MetricType::Counter : MetricType::Gauge;
    MetricFamily family =
        family_of(name_for(prefix, metric.path, metric.kind, metric.unit), metric.help, type);
    for (const auto& [labels, stats] : all) {
      const auto value = static_cast<double>(amount_of(stats->*metric.value));
      family.metric.push_back(one_value(type, metric.unit == "us" ? value / 1e6 : value, labels));
    }
    families.push_back(std::move(family));
  }
}

Labels with(Labels labels, std::string name, std::string_view value) {
  labels.push_back({std::move(name), std::string(value)});
  return labels;
}

using Cores = std::vector<std::pair<Labels, const flow::ShardStats*>>;

Cores cores_of(const EndReading& end) {
  Cores cores;
  for (std::size_t i = 0; i < end.cores.size(); ++i)
    cores.push_back({{{"core", std::to_string(i)}}, &end.cores[i]});
  return cores;
}

void add_reasons(Families& families, const Cores& cores) {
  MetricFamily drops = family_of("mayfly_drops_total", "frames and segments dropped, by reason",
                                 MetricType::Counter);
  MetricFamily closed =
      family_of("mayfly_closed_total", "connections that ended, by reason", MetricType::Counter);
  MetricFamily states =
      family_of("mayfly_connections_by_state", "connections by their TCP state", MetricType::Gauge);
  for (const auto& [labels, stats] : cores) {
    for (const tcp::State state : kCountedStates)
      states.metric.push_back(
          one_value(MetricType::Gauge,
                    static_cast<double>(stats->states[static_cast<std::size_t>(state)].get()),
                    with(labels, "state", key_of(state))));
    for (std::size_t i = 1; i < wire::kDropCount; ++i)
      drops.metric.push_back(one_value(MetricType::Counter,
                                       static_cast<double>(stats->drops[i].get()),
                                       with(labels, "reason", name_of(static_cast<Drop>(i)))));
    for (std::size_t i = 0; i < flow::kCloseReasonCount; ++i)
      closed.metric.push_back(
          one_value(MetricType::Counter, static_cast<double>(stats->closed[i].get()),
                    with(labels, "reason", name_of(static_cast<flow::CloseReason>(i)))));
  }
  families.push_back(std::move(drops));
  families.push_back(std::move(closed));
  families.push_back(std::move(states));
}

void add_end(Families& families, const EndReading& end, std::string_view prefix) {
  const Cores cores = cores_of(end);
  add_list(families, flow::kShardMetrics, prefix, cores);
  if (!prefix.empty()) return;
  add_reasons(families, cores);
  MetricFamily capacity = family_of("mayfly_time_wait_capacity",
                                    "TIME_WAIT entries that a core may hold", MetricType::Gauge);
  MetricFamily most = family_of("mayfly_connections_max",
                                "connections that a core may have at once", MetricType::Gauge);
  for (const auto& [labels, stats] : cores) {
    capacity.metric.push_back(one_value(MetricType::Gauge, end.time_wait.capacity, labels));
    most.metric.push_back(one_value(MetricType::Gauge, end.connections_max, labels));
  }
  families.push_back(std::move(capacity));
  families.push_back(std::move(most));
}

/// Buckets at powers of two, where those of the histogram end.
ClientMetric histogram_of(const Histogram& from) {
  ClientMetric metric;
  metric.histogram.sample_count = from.count();
  metric.histogram.sample_sum = from.sum() / 1e6;
  for (unsigned bits = 4; bits <= 24; ++bits) {
    const std::uint64_t limit = std::uint64_t{1} << bits;
    metric.histogram.bucket.push_back(
        {from.count_below(limit), static_cast<double>(limit - 1) / 1e6});
  }
  metric.histogram.bucket.push_back({from.count(), HUGE_VAL});
  return metric;
}

void add_load(Families& families, const load::LoadResults& results) {
  add_list(families, load::kLoadMetrics, "load_",
           std::vector<std::pair<Labels, const load::LoadCounters*>>{{{}, &results.counters}});
  MetricFamily failed = family_of("mayfly_load_failed_total", "connections that failed, by reason",
                                  MetricType::Counter);
  for (std::size_t i = 1; i < load::kFailureCount; ++i) {
    const auto why = static_cast<load::Failure>(i);
    failed.metric.push_back(one_value(MetricType::Counter,
                                      static_cast<double>(results.counters.failures(why)),
                                      {{"reason", std::string(name_of(why))}}));
  }
  families.push_back(std::move(failed));
  const auto add = [&](const char* name, const char* help, const load::Latencies& latency) {
    MetricFamily family = family_of(name, help, MetricType::Histogram);
    family.metric.push_back(histogram_of(latency.of_answered()));
    families.push_back(std::move(family));
  };
  add("mayfly_load_latency_seconds",
      "from the intended start of a connection to the last octet of its last answer",
      results.latency);
  add("mayfly_load_connect_latency_seconds", "from the SYN to the completed handshake",
      results.connect_latency);
}

void add_links(Families& families, const nlohmann::ordered_json& links) {
  MetricFamily family = family_of("mayfly_link_up", "1 if nothing is wrong with the link of a port",
                                  MetricType::Gauge);
  for (const auto& link : links)
    family.metric.push_back(one_value(MetricType::Gauge, link["state"] == "up" ? 1 : 0,
                                      {{"device", link["device"].get<std::string>()}}));
  if (!family.metric.empty()) families.push_back(std::move(family));
}

}  // namespace

std::string metrics_text(const Reading& reading) {
  Families families;
  add_end(families, reading.end, "");
  if (reading.client) add_end(families, *reading.client, "client_");
  if (reading.service)
    add_list(
        families, service::kServiceMetrics, "service_",
        std::vector<std::pair<Labels, const service::ServiceCounters*>>{{{}, &*reading.service}});
  if (reading.load) add_load(families, *reading.load);
  add_links(families, reading.links);
  MetricFamily draining =
      family_of("mayfly_draining", "1 while no new connections are accepted", MetricType::Gauge);
  draining.metric.push_back(one_value(MetricType::Gauge, reading.is_draining ? 1 : 0, {}));
  families.push_back(std::move(draining));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace mayfly::admin
