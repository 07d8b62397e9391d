// The keys of a configuration as a JSON Schema, by which editors complete and check them.
#pragma once

#include <string>
#include <vector>

#include "config/reference.h"

namespace mayfly::config {

/// Draft 2020-12, indented. It knows names, kinds and choices; ranges and what several keys have to
/// do with each other are only known to `mayfly check`.
std::string json_schema(const std::string& title, const std::vector<KeyReference>& keys);

}  // namespace mayfly::config
