// mayfly ctl: asks a running server or generator, and changes its policy, through the API on its
// control socket.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "admin/socket_client.h"
#include "commands.h"

namespace mayfly::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kPatience = Duration::from_s(5);

struct Ask {
  const char* method;
  const char* target;
  Json body = nullptr;
  int (*print)(const Json&);
};

/// Sends a request and prints the answer; an error goes to standard error.
int ask(const CtlOptions& options, const Ask& request) {
  const std::string body = request.body.is_null() ? "" : request.body.dump();
  const auto answer =
      admin::ask_socket(options.socket, request.method, request.target, body, kPatience);
  if (!answer) {
    fmt::print(stderr, "mayfly: {}\n", answer.error().what);
    return kRunFailed;
  }
  const Json json = Json::parse(answer->body, nullptr, false);
  if (json.is_discarded()) {
    fmt::print(stderr, "mayfly: {} gave an answer that is no JSON\n", options.socket);
    return kRunFailed;
  }
  const auto errors = json.is_object() ? json.find("error") : json.end();
  if (json.is_object() && errors != json.end()) {
    for (const Json& error : *errors) fmt::print(stderr, "{}\n", error.get<std::string>());
    return kRunFailed;
  }
  return request.print(json);
}

int print_json(const Json& json) {
  fmt::print("{}\n", json.dump(2));
  return kOk;
}

int print_settings(const Json& json) {
  std::size_t width = 0;
  for (const auto& [key, value] : json.items()) width = std::max(width, key.size());
  for (const auto& [key, value] : json.items()) {
    // One line each: values with control characters are shown as in JSON.
    const std::string text = value.get<std::string>();
    const bool is_plain = std::ranges::none_of(text, [](unsigned char c) { return c < 0x20; });
    fmt::print("{:<{}}  {}\n", key, width, is_plain ? text : value.dump());
  }
  return kOk;
}

int print_changes(const Json& json) {
  const Json& changes = json.at("changed");
  for (const Json& change : changes)
    fmt::print("{} {} -> {}\n", change.at("key").get<std::string>(),
               change.at("from").get<std::string>(), change.at("to").get<std::string>());
  if (changes.empty()) fmt::print("no change: the settings had these values already\n");
  return kOk;
}

int print_history(const Json& json) {
  for (const Json& one : json) {
    const auto at = static_cast<std::time_t>(one.at("t").get<double>());
    std::tm local{};
    localtime_r(&at, &local);
    char time[32];
    std::strftime(time, sizeof time, "%F %T", &local);
    fmt::print("{}  {}, by {}\n", time, one.at("what").get<std::string>(),
               one.at("by").get<std::string>());
    for (const Json& change : one.at("changed"))
      fmt::print("    {} {} -> {}\n", change.at("key").get<std::string>(),
                 change.at("from").get<std::string>(), change.at("to").get<std::string>());
  }
  if (json.empty()) fmt::print("nothing has been changed since the start\n");
  return kOk;
}

int print_health(const Json& json) {
  const bool is_healthy = json.at("healthy"), is_ready = json.at("ready");
  fmt::print("{}, {}\n", is_healthy ? "healthy" : "not healthy", is_ready ? "ready" : "not ready");
  for (const Json& why : json.at("why")) fmt::print("  {}\n", why.get<std::string>());
  return is_healthy && is_ready ? kOk : kRunFailed;
}

int print_drain(const Json& json) {
  if (const double linger = json.value("linger_s", 0.0); linger > 0)
    fmt::print("draining in {:g} s; it is not ready any more, so that balancers learn of it\n",
               linger);
  else
    fmt::print(
        "draining: no new connection is accepted; the process ends when the open ones and "
        "TIME_WAIT "
        "have\n");
  return kOk;
}

}  // namespace

int ctl_command(const CtlOptions& options, const std::string& request) {
  if (request == "stats") return ask(options, {"GET", "/api/stats", nullptr, print_json});
  if (request == "settings")
    return ask(options, {"GET", "/api/configuration", nullptr, print_settings});
  if (request == "history") return ask(options, {"GET", "/api/history", nullptr, print_history});
  if (request == "health") return ask(options, {"GET", "/api/health", nullptr, print_health});
  if (request == "reload") return ask(options, {"POST", "/api/reload", nullptr, print_changes});
  if (request == "drain") {
    const Json linger = options.linger.empty() ? Json() : Json{{"linger", options.linger}};
    return ask(options, {"POST", "/api/drain", linger, print_drain});
  }
  if (request == "policy")
    return ask(options, {"PUT", "/api/policy", {{"name", options.policy}}, print_changes});
  if (request == "try")
    return ask(
        options,
        {"PUT", "/api/policy", {{"name", options.policy}, {"for", options.trial}}, print_changes});
  if (request == "unset")
    return ask(options, {"POST", "/api/unset", {{"keys", options.keys}}, print_changes});
  Json keys = Json::object();
  for (const std::string& set : options.sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "mayfly: {} is not KEY=VALUE, such as time_wait.hold=5s\n", set);
      return kBadUsage;
    }
    keys[set.substr(0, equals)] = set.substr(equals + 1);
  }
  return ask(options, {"PATCH", "/api/configuration", keys, print_changes});
}

}  // namespace mayfly::app
