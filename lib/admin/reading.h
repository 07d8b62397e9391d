// The counters of a running process at one moment, as its control thread reads them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "flow/metrics.h"
#include "flow/settings.h"
#include "load/results.h"
#include "service/counters.h"

namespace mayfly::admin {

/// One end: the shards of a server or of a generator, and the policy that they follow.
struct EndReading {
  std::vector<flow::ShardStats> cores;
  flow::TimeWaitPolicy time_wait;
  std::uint32_t connections_max = 0;  ///< a core
};

struct Reading {
  double t = 0;        ///< seconds of a clock that only goes forward
  double epoch = 0;    ///< the same moment in seconds since 1970
  std::string policy;  ///< the preset in effect; empty = none
  bool is_draining = false;
  EndReading end;                    ///< the server, or a generator by itself
  std::optional<EndReading> client;  ///< of the live lab
  std::optional<service::ServiceCounters> service;
  std::optional<load::LoadResults> load;  ///< where this process measures latency
  nlohmann::ordered_json links = nlohmann::ordered_json::array();  ///< links_json
  std::uint64_t changes = 0;  ///< of the settings since the start
};

}  // namespace mayfly::admin
