// The settings of a running process, and changes to them. For a change the configuration is read
// again as at start. The result takes effect only if all of it is valid, and all that differs may
// change while the process runs.
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

/// What settings are read from. Each member is laid over those before it.
struct ConfigSource {
  std::string file;
  std::string policy;             ///< a preset; empty = none
  std::vector<std::string> sets;  ///< KEY=VALUE of the command line
};

/// The result of a request: changes, or all errors because of which there are none.
struct Change {
  std::vector<KeyChange> changes;  ///< empty without errors: nothing differs
  std::vector<ConfigError> errors;
};

/// T is ServeSettings or LoadSettings. Not thread-safe.
template <class T>
class LiveSettings {
 public:
  /// An error if settings that are valid by themselves cannot be used. `rereads`: what they name,
  /// such as folders, is to be read again though they may be the same. Without an error they take
  /// effect.
  using Objection = std::function<Result<void>(const T&, bool rereads)>;
  /// Reads settings from their source, if that is not a file of serve or load.
  using Reader = std::function<Loaded<T>(const ConfigSource&)>;

  /// `start` was read from `source`. Memory was allocated for it, so capacities cannot exceed its.
  LiveSettings(ConfigSource source, T start, Objection objection = {}, Reader reader = {});

  /// Lays "KEY=VALUE" texts over all other sources, now and after later changes.
  Change set(std::span<const std::string> overrides);
  /// Replaces the preset. What set() has changed stays laid over it.
  Change policy(const std::string& name);
  /// Reads the file and the preset again, and what the settings name.
  Change reload();
  /// Gives up what set() has laid over these keys: the other sources' values are back. An error if
  /// one was not set.
  Change unset(std::span<const std::string> keys);

  /// The settings in effect.
  const T& now() const { return now_; }
  /// What they were read from; its policy is the last preset that was taken.
  const ConfigSource& source() const { return source_; }
  /// What set() has laid over it, as "KEY=VALUE".
  const std::vector<std::string>& overrides() const { return overrides_; }
  /// The settings at start: what memory was allocated for.
  const T& start() const { return start_; }

 private:
  Change take(ConfigSource source, std::vector<std::string> overrides, bool rereads = false);

  ConfigSource source_;
  std::vector<std::string> overrides_;  ///< made since the start, at most one a key
  T start_, now_;
  Objection objection_;
  Reader reader_;
};

}  // namespace mayfly::config
