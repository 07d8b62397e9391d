// The requests on the control socket: each is a JSON object on a line, and so is each answer.
// doc/control.md describes them.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::admin {

/// The functions of a running server or generator for each request. They return the answer.
struct ControlActions {
  std::function<nlohmann::ordered_json()> stats, settings, reload;
  /// "KEY=VALUE" texts, to take effect together or not at all.
  std::function<nlohmann::ordered_json(const std::vector<std::string>& overrides)> set;
  std::function<nlohmann::ordered_json(const std::string& name)> policy;
};

/// The answer to one line, as a line. Throws nothing, whatever the line is.
std::string answer_request(const ControlActions& actions, std::string_view line);

/// {"error":["..."]}, the answer to a request that is refused.
std::string refusal(const std::string& why);

}  // namespace mayfly::admin
