#include "run/controls.h"

#include <utility>

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const config::Change& change) {
  Json json;
  if (!change.errors.empty()) {
    for (const config::ConfigError& error : change.errors)
      json["error"].push_back(to_string(error));
    return json;
  }
  json["changed"] = Json::array();
  for (const auto& [key, from, to] : change.changes)
    json["changed"].push_back({{"key", key}, {"from", from}, {"to", to}});
  return json;
}

}  // namespace

template <class T>
Result<void> Controls<T>::open() {
  const std::string& path = live_.now().admin.socket;
  if (path.empty()) return {};
  auto server = admin::ControlServer::create(
      path, [actions = actions()](std::string_view line) { return answer_request(actions, line); });
  if (!server) return server.error();
  server_ = std::move(*server);
  return {};
}

template <class T>
config::Change Controls<T>::reload() {
  return apply([this](auto& live) {
    config::Change change = live.reload();
    if (!change.errors.empty()) return change;
    if (const auto read = run_.reread(live.now()); !read)
      change.errors.push_back({.key = "http.routes", .what = read.error().what});
    return change;
  });
}

template <class T>
admin::ControlActions Controls<T>::actions() {
  return {
      .stats = run_.stats,
      .settings =
          [this] {
            const std::lock_guard guard(changing_);
            Json json = Json::object();
            for (const auto& [key, value] : describe(live_.now())) json[key] = value;
            return json;
          },
      .reload = [this] { return json_of(reload()); },
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
config::Change Controls<T>::apply(
    const std::function<config::Change(config::LiveSettings<T>&)>& wish) {
  const std::lock_guard guard(changing_);
  config::Change change = wish(live_);
  if (!change.changes.empty()) run_.use(live_.now());
  run_.on_change(change);
  return change;
}

template class Controls<config::ServeSettings>;
template class Controls<config::LoadSettings>;

}  // namespace mayfly::run
