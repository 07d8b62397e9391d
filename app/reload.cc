#include "reload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "signals.h"
#include "start.h"

namespace mayfly {
namespace {

using Json = nlohmann::ordered_json;

/// The log says what changed, whoever asked for it.
void tell(const Change& change) {
  // On a terminal the generator writes its progress over and over on one line.
  const char* fresh_line = isatty(STDOUT_FILENO) != 0 ? "\r\x1b[K" : "";
  for (const KeyChange& one : change.changes) fmt::print("{}{}\n", fresh_line, to_string(one));
  std::fflush(stdout);
}

Json json_of(const Change& change) {
  Json json;
  if (!change.errors.empty()) {
    for (const ConfigError& error : change.errors) json["error"].push_back(to_string(error));
    return json;
  }
  json["changed"] = Json::array();
  for (const auto& [key, from, to] : change.changes)
    json["changed"].push_back({{"key", key}, {"from", from}, {"to", to}});
  return json;
}

}  // namespace

template <class T>
std::string Controls<T>::open() {
  const std::string& path = live_.now().admin.socket;
  if (path.empty()) return {};
  auto server = ControlServer::create(
      path, [actions = actions()](std::string_view line) { return answer_request(actions, line); });
  if (!server) return server.error().what;
  server_ = std::move(*server);
  return {};
}

template <class T>
void Controls<T>::follow_hangups() {
  if (!reload_asked()) return;
  const Change change = apply([](auto& live) { return live.reload(); });
  print_errors(change.errors);
  if (!change.errors.empty()) fmt::print(stderr, "mayfly: nothing was changed\n");
}

template <class T>
ControlActions Controls<T>::actions() {
  return {
      .stats = run_.stats,
      .settings =
          [this] {
            const std::lock_guard guard(changing_);
            Json json = Json::object();
            for (const auto& [key, value] : describe(live_.now())) json[key] = value;
            return json;
          },
      .reload = [this] { return json_of(apply([](auto& live) { return live.reload(); })); },
      .set =
          [this](const std::vector<std::string>& overrides) {
            return json_of(apply([&](auto& live) { return live.set(overrides); }));
          },
      .policy =
          [this](const std::string& name) {
            return json_of(apply([&](auto& live) { return live.policy(name); }));
          },
  };
}

template <class T>
Change Controls<T>::apply(const std::function<Change(LiveSettings<T>&)>& wish) {
  const std::lock_guard guard(changing_);
  Change change = wish(live_);
  if (!change.changes.empty()) run_.use(live_.now());
  tell(change);
  return change;
}

template class Controls<ServeSettings>;
template class Controls<LoadSettings>;

}  // namespace mayfly
