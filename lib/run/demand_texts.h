// A planned load as it is written, in options of `mayfly plan` or parameters of /api/plan, and the
// answer as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/demand.h"

namespace mayfly::run {

/// Empty = not given.
struct DemandTexts {
  std::string rate, hold;        ///< 1M, 60s
  std::string clients, ports;    ///< 100, 1024-65535
  std::string capacity, memory;  ///< 16M, 8G; without: as many as are needed, what is free here
  std::string first = "server";  ///< server or client
};

/// An error says which of them is wrong: "--rate 5x: ...".
Result<plan::Demand> read_demand(const DemandTexts& texts);

/// What the load needs, what runs out, and how each preset fits.
nlohmann::ordered_json demand_json(const plan::Demand& demand, const plan::DemandPlan& plan,
                                   const std::vector<plan::PolicyFit>& fits);

}  // namespace mayfly::run
