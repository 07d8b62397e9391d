// What a running server or generator does for those who ask its API.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mayfly::admin {

/// The functions return the answer, or {"error": ["...", ...]}. All are called on the thread of
/// the admin server. `by` is who asks, in words.
struct Actions {
  using Json = nlohmann::ordered_json;
  using Keys = std::vector<std::string>;

  std::function<Json()> stats, settings;
  /// The present policy, and those that there are.
  std::function<Json()> policies;
  /// All changes so far, the oldest first.
  std::function<Json()> history;
  /// "KEY=VALUE" texts, to take effect together or not at all.
  std::function<Json(const Keys& overrides, const std::string& by)> set;
  /// Gives up what was set of these keys.
  std::function<Json(const Keys& keys, const std::string& by)> unset;
  /// With `trial` the policy goes back by itself after that time.
  std::function<Json(const std::string& name, std::optional<Duration> trial, const std::string& by)>
      policy;
  std::function<Json(const std::string& by)> reload;
  /// Is not ready any more from now on, accepts no new connections after `linger`, and then ends
  /// when the open ones have.
  std::function<Json(Duration linger, const std::string& by)> drain;
  /// Takes the TIME_WAIT entries of files that another server has left: how many, of each.
  std::function<Json(const std::vector<std::string>& files, const std::string& by)> import_files;
  /// {"healthy", "ready", "why": [...]}: whether it works, and whether it takes new connections.
  std::function<Json()> health;
  /// The live figures since the last call (sampler.h).
  std::function<Json()> sample;
  /// The names and values of a query, in its order.
  using Query = std::vector<std::pair<std::string, std::string>>;
  /// A page of the connections and TIME_WAIT entries. An error of the kind `usage`: the query is
  /// wrong.
  std::function<Result<Json>(const Query&)> connections;
  /// The arithmetic of a load: `rate`, `hold` and the other options of `mayfly plan`. The same
  /// errors.
  std::function<Result<Json>(const Query&)> plan;
  /// A capture of frames: begins with what is wanted, {"filter", "core", "port", "bytes"}; gives
  /// what there is so far, as pcapng, or nothing if there is no capture; ends, {"frames", "lost"}.
  std::function<Json(const Json& wanted)> begin_dump;
  std::function<std::optional<std::string>()> read_dump;
  std::function<Json()> end_dump;
  /// The counters in Prometheus' text format.
  std::function<std::string()> metrics;
  /// Called once on the thread of the server, before it answers anybody.
  std::function<void()> on_start = [] {};
  /// Called about four times a second.
  std::function<void()> each_round;
};

}  // namespace mayfly::admin
