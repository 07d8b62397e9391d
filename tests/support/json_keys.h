// doc/json.md against the lists that make it, and JSON that was written against both.
// MAYFLY_SOURCE_ROOT is the project's folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/json_fields.h"

namespace mayfly::testing {

/// The table's rows in the section of doc/json.md with this heading, each with its line break.
inline std::string documented_rows(const std::string& heading) {
  std::ifstream file(std::filesystem::path(MAYFLY_SOURCE_ROOT) / "doc/json.md");
  std::string rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) inside = line == "## " + heading;
    if (inside && line.starts_with("| `")) rows += line + "\n";
  }
  return rows;
}

inline std::string rows_of(const std::vector<JsonKey>& keys) {
  std::string rows;
  for (const JsonKey& key : keys) rows += to_markdown(key) + "\n";
  return rows;
}

/// The paths of all plain values in `json`, with N for the places of arrays and for keys that are
/// numbers.
inline void collect_paths(const nlohmann::ordered_json& json, const std::string& path,
                          std::set<std::string>& paths) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      const std::string step = key.find_first_not_of("0123456789") == key.npos ? "N" : key;
      collect_paths(value, path.empty() ? step : path + "." + step, paths);
    }
  } else if (json.is_array()) {
    for (const auto& value : json) collect_paths(value, path + ".N", paths);
  } else {
    paths.insert(path);
  }
}

/// The paths in `json` that no key is documented for. A key of type "object" or "array" that ends
/// in N or is listed as a whole stands for all below it.
inline std::set<std::string> undocumented(const nlohmann::ordered_json& json,
                                          const std::vector<JsonKey>& keys) {
  std::set<std::string> paths, missing;
  collect_paths(json, "", paths);
  for (const std::string& path : paths) {
    bool known = false;
    for (const JsonKey& key : keys) {
      const bool whole = key.type == "object" || key.type == "array";
      known = known || path == key.path || (whole && path.starts_with(key.path + "."));
    }
    if (!known) missing.insert(path);
  }
  return missing;
}

/// The keys that are documented but stand at no place of `json`.
inline std::set<std::string> unwritten(const nlohmann::ordered_json& json,
                                       const std::vector<JsonKey>& keys) {
  std::set<std::string> paths, missing;
  collect_paths(json, "", paths);
  for (const JsonKey& key : keys) {
    bool found = false;
    for (const std::string& path : paths)
      found = found || path == key.path || path.starts_with(key.path + ".");
    if (!found) missing.insert(key.path);
  }
  return missing;
}

}  // namespace mayfly::testing
