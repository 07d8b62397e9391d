// mayfly ctl: asks a running server or generator, and changes its policy.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "admin/control.h"
#include "commands.h"

namespace mayfly::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kPatience = Duration::from_s(5);

/// Sends a request and prints the answer; an error goes to standard error.
int ask(const CtlOptions& options, const Json& request, void (*print)(const Json&)) {
  const auto answer = admin::ask_control(options.socket, request.dump(), kPatience);
  if (!answer) {
    fmt::print(stderr, "mayfly: {}\n", answer.error().what);
    return kRunFailed;
  }
  const Json json = Json::parse(*answer, nullptr, false);
  if (!json.is_object()) {
    fmt::print(stderr, "mayfly: {} gave an answer that is no JSON object\n", options.socket);
    return kRunFailed;
  }
  if (const auto errors = json.find("error"); errors != json.end()) {
    for (const Json& error : *errors) fmt::print(stderr, "{}\n", error.get<std::string>());
    return kRunFailed;
  }
  print(json);
  return kOk;
}

void print_stats(const Json& json) { fmt::print("{}\n", json.dump(2)); }

void print_settings(const Json& json) {
  std::size_t width = 0;
  for (const auto& [key, value] : json.items()) width = std::max(width, key.size());
  for (const auto& [key, value] : json.items()) {
    // One line each: values with control characters are shown as in JSON.
    const std::string text = value.get<std::string>();
    const bool is_plain = std::ranges::none_of(text, [](unsigned char c) { return c < 0x20; });
    fmt::print("{:<{}}  {}\n", key, width, is_plain ? text : value.dump());
  }
}

void print_changes(const Json& json) {
  const Json& changes = json.at("changed");
  for (const Json& change : changes)
    fmt::print("{} {} -> {}\n", change.at("key").get<std::string>(),
               change.at("from").get<std::string>(), change.at("to").get<std::string>());
  if (changes.empty()) fmt::print("no change: the settings had these values already\n");
}

}  // namespace

int ctl_command(const CtlOptions& options, const std::string& request) {
  if (request == "stats") return ask(options, {{"do", request}}, print_stats);
  if (request == "settings") return ask(options, {{"do", request}}, print_settings);
  if (request == "reload") return ask(options, {{"do", request}}, print_changes);
  if (request == "policy")
    return ask(options, {{"do", request}, {"name", options.policy}}, print_changes);
  Json keys = Json::object();
  for (const std::string& set : options.sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "mayfly: {} is not KEY=VALUE, such as time_wait.hold=5s\n", set);
      return kBadUsage;
    }
    keys[set.substr(0, equals)] = set.substr(equals + 1);
  }
  return ask(options, {{"do", request}, {"keys", keys}}, print_changes);
}

}  // namespace mayfly::app
