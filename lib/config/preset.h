// Presets: files of conf/policy/, each with the TIME_WAIT policies of server and client.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/error.h"

namespace mayfly::config {

/// The presets used while one configuration file is read. Each is read once. Both its halves are
/// checked, even if only one is used.
class Presets {
 public:
  /// A bare name is looked for in policy/ beside the folder of the configuration file at `config`,
  /// then in policy/ within that folder, then in conf/policy/ of the current folder. A path is
  /// relative to `path_base`.
  Presets(const std::string& config, std::filesystem::path path_base);

  /// The preset `name` as a map of `about`, `server` and `client`, owned by this object. Null if it
  /// cannot be used. Mistakes in it are reported at their place in the preset, a missing preset at
  /// `place`.
  const Value* find(const std::string& name, const Place& place, const std::string& key,
                    Report& report);
  /// The names of all presets in the folders, sorted.
  std::vector<std::string> known() const;

 private:
  /// What helps somebody who asked for a preset that is not there.
  std::string hint_for(const std::string& name) const;
  std::optional<std::filesystem::path> locate(const std::string& name) const;

  std::vector<std::filesystem::path> folders_;
  std::filesystem::path path_base_;
  std::map<std::filesystem::path, std::optional<Value>> read_;
};

/// The name of a preset: "balanced" for "conf/policy/balanced.yaml" and for "balanced".
std::string preset_name(const std::string& name_or_path);

}  // namespace mayfly::config
