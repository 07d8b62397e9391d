// Settings as text: each key with its value, and the differences between two sets of settings.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace mayfly::config {

/// "time_wait.hold" and "60s", as the value could be written in YAML.
struct KeyValue {
  std::string key, value;
  bool operator==(const KeyValue&) const = default;
};

/// Every key that a file may have, with its present value, in the order of the reference. A list of
/// maps gives the keys of each element, "listen.0.port".
std::vector<KeyValue> describe(const ServeSettings& settings);
std::vector<KeyValue> describe(const LoadSettings& settings);

/// A key whose value has changed. "none" stands for a missing value.
struct KeyChange {
  std::string key, from, to;
  bool operator==(const KeyChange&) const = default;
};

/// In the order of `after`; keys that are only in `before` come last.
std::vector<KeyChange> difference(const std::vector<KeyValue>& before,
                                  const std::vector<KeyValue>& after);

/// "time_wait.hold 60s -> 5s".
std::string to_string(const KeyChange& change);

}  // namespace mayfly::config
