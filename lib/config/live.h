// The settings of something that runs, and their change: the configuration is read again as at the
// start, and only if all of it is good and may change while it runs does it take over.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/describe.h"
#include "config/error.h"
#include "config/settings.h"

namespace mayfly::config {

/// What settings are read from; the later is laid over the earlier.
struct ConfigSource {
  std::string file;
  std::string policy;             ///< a preset; empty = none
  std::vector<std::string> sets;  ///< KEY=VALUE of the command line
};

/// What became of a wish: changes, or every reason why there are none.
struct Change {
  std::vector<KeyChange> changes;  ///< empty although there are no errors: it was so already
  std::vector<ConfigError> errors;
};

/// T is ServeSettings or LoadSettings. Not for two threads at once.
template <class T>
class LiveSettings {
 public:
  /// Fails if settings that the reader finds good cannot be.
  using Objection = std::function<Result<void>(const T&)>;

  /// `start` was read from `source`. Memory was taken for it: capacities are never above its.
  LiveSettings(ConfigSource source, T start, Objection objection = {});

  /// Lays "KEY=VALUE" texts over everything else, from now on.
  Change set(std::span<const std::string> overrides);
  /// Takes another preset in the place of the one before. What was set lies over it.
  Change policy(const std::string& name);
  /// Reads the file and the preset again, which may have changed.
  Change reload();

  const T& now() const { return now_; }

 private:
  Change take(ConfigSource source, std::vector<std::string> overrides);

  ConfigSource source_;
  std::vector<std::string> overrides_;  ///< made since the start, at most one a key
  T start_, now_;
  Objection objection_;
};

}  // namespace mayfly::config
