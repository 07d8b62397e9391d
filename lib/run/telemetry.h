// The counters under DPDK's own telemetry: /mayfly/stats, for dpdk-telemetry.py and the collectors
// that read it.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "nic/settings.h"

namespace mayfly::run {

/// Answers /mayfly/stats for as long as it lives; one at a time in a process.
class Telemetry {
 public:
  /// `stats` is called on the thread of DPDK's telemetry.
  explicit Telemetry(std::function<nlohmann::ordered_json()> stats);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

/// One if the settings have it, else null.
std::unique_ptr<Telemetry> telemetry(const nic::ProcessSettings& process,
                                     std::function<nlohmann::ordered_json()> stats);

}  // namespace mayfly::run
