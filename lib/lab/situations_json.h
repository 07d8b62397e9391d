// The situations in summary.json.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "base/json_fields.h"
#include "lab/result.h"

namespace mayfly::lab {

/// [{name, title, words, policy, command, why, ..., policies: [...]}, ...]
nlohmann::ordered_json situations_json(const LabResult& result);

/// {experiment, cps}; null if nothing was calibrated.
nlohmann::ordered_json calibration_json(const Calibration& calibration);

/// Their keys, for doc/json.md.
void list_situation_keys(std::vector<JsonKey>& keys);

}  // namespace mayfly::lab
