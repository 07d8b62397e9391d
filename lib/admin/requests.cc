#include "admin/requests.h"

#include <fmt/format.h>

#include <utility>

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;

Json error(const std::string& why) { return {{"error", Json::array({why})}}; }

/// A file name or a value in an answer may be invalid UTF-8.
std::string in_a_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json set(const ControlActions& actions, const Json& request) {
  const auto keys = request.find("keys");
  if (keys == request.end() || !keys->is_object() || keys->empty())
    return error(R"(set needs keys, such as {"do": "set", "keys": {"time_wait.hold": "5s"}})");
  std::vector<std::string> overrides;
  for (const auto& [key, value] : keys->items()) {
    if (key.find('=') != std::string::npos) return error("a key has no =");
    if (!value.is_primitive() || value.is_null())
      return error("the value of " + key + " is no text, number or boolean");
    overrides.push_back(key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return actions.set(overrides);
}

Json policy(const ControlActions& actions, const Json& request) {
  const auto name = request.find("name");
  if (name == request.end() || !name->is_string() || name->get<std::string>().empty())
    return error(R"(policy needs a name, such as {"do": "policy", "name": "balanced"})");
  return actions.policy(name->get<std::string>());
}

Json answer(const ControlActions& actions, std::string_view line) {
  const Json request = Json::parse(line, nullptr, false);
  if (request.is_discarded()) return error("the line is no JSON");
  const auto what = request.is_object() ? request.find("do") : request.end();
  if (!request.is_object() || what == request.end() || !what->is_string())
    return error(R"(a request is an object such as {"do": "stats"})");
  const std::string name = what->get<std::string>();
  if (name == "stats") return actions.stats();
  if (name == "settings") return actions.settings();
  if (name == "set") return set(actions, request);
  if (name == "policy") return policy(actions, request);
  if (name == "reload") return actions.reload();
  return error("the requests are: stats, settings, set, policy, reload");
}

}  // namespace

std::string answer_request(const ControlActions& actions, std::string_view line) {
  try {
    return in_a_line(answer(actions, line));
  } catch (const std::exception& exception) {  // out of memory, or a bug: the run goes on
    return refusal(exception.what());
  }
}

std::string refusal(const std::string& why) { return in_a_line(error(why)); }

}  // namespace mayfly::admin
