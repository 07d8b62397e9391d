// Settings in words: each key with its value, and what differs between two of them.
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

/// Every key that can be written, with its present value, in the order of the reference. A list of
/// maps has the keys of each element, "listen.0.port".
std::vector<KeyValue> describe(const ServeSettings& settings);
std::vector<KeyValue> describe(const LoadSettings& settings);

/// A key whose value is another one now; "none" where there was or is none.
struct KeyChange {
  std::string key, from, to;
  bool operator==(const KeyChange&) const = default;
};

/// In the order of `after`; what is only in `before` comes last.
std::vector<KeyChange> difference(const std::vector<KeyValue>& before,
                                  const std::vector<KeyValue>& after);

/// "time_wait.hold 60s -> 5s".
std::string to_string(const KeyChange& change);

}  // namespace mayfly::config
