// The ledger of the hazard lab in summary.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "lab/result.h"

namespace mayfly::lab {

/// {seed, ledger: [...], legend: [...]}
nlohmann::ordered_json ledger_json(const LabResult& result);

/// Its keys below "hazards.", for doc/json.md.
void list_ledger_keys(std::vector<JsonKey>& keys);

/// The keys of the harms below `above`.
void list_harm_keys(std::vector<JsonKey>& keys, const std::string& above);

}  // namespace mayfly::lab
