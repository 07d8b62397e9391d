// Presets: files of conf/policy/ that say how TIME_WAIT is held at either end.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/error.h"

namespace mayfly::config {

/// The presets that one configuration file is read with. Each is read once, and both its halves
/// are checked, whichever is wanted.
class Presets {
 public:
  /// A bare name is looked for in policy/ beside the folder of the configuration file at `config`,
  /// then in policy/ within that folder, then in conf/policy/ of the current folder. A path is
  /// relative to `path_base`.
  Presets(const std::string& config, std::filesystem::path path_base);

  /// The preset `name` as a map of `about`, `server` and `client`, owned by this. Null if it is of
  /// no use. Mistakes in it are told to `report` in its own file; that it is not there, at `place`.
  const Value* find(const std::string& name, const Place& place, const std::string& key,
                    Report& report);
  /// The names of all presets in the folders, sorted.
  std::vector<std::string> known() const;

 private:
  std::optional<std::filesystem::path> locate(const std::string& name) const;

  std::vector<std::filesystem::path> folders_;
  std::filesystem::path path_base_;
  std::map<std::filesystem::path, std::optional<Value>> read_;
};

/// "conf/policy/balanced.yaml" and "balanced" are both called "balanced".
std::string preset_name(const std::string& name_or_path);

}  // namespace mayfly::config
