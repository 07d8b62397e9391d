// Actions that note what they are asked to do, for the tests of the API and its server.
#pragma once

#include <string>
#include <vector>

#include "admin/actions.h"

namespace mayfly::testing {

class NotedActions {
 public:
  using Json = nlohmann::ordered_json;

  admin::Actions actions() {
    const auto note = [this](std::string what) {
      noted.push_back(std::move(what));
      return Json{{"changed", Json::array()}};
    };
    admin::Actions actions;
    actions.stats = [] { return Json{{"accepted", 7}, {"name", "\xff"}}; };
    actions.settings = [] { return Json{{"time_wait.hold", "60s"}}; };
    actions.policies = [] { return Json{{"policy", "balanced"}}; };
    actions.history = [] { return Json::array(); };
    actions.set = [note](const auto& overrides, const std::string& by) {
      std::string all;
      for (const std::string& one : overrides) all += " " + one;
      return note("set" + all + " by " + by);
    };
    actions.unset = [note](const auto& keys, const std::string&) {
      return note("unset " + keys.at(0));
    };
    actions.policy = [note](const std::string& name, std::optional<Duration> trial,
                            const std::string&) {
      return note("policy " + name + (trial ? " " + std::to_string(trial->us / 1'000'000) : ""));
    };
    actions.reload = [note](const std::string&) { return note("reload"); };
    actions.drain = [note](Duration linger, const std::string&) {
      return note("drain" + (linger.us > 0 ? " " + std::to_string(linger.us / 1'000'000) : ""));
    };
    actions.health = [this] {
      return Json{{"healthy", is_healthy}, {"ready", false}, {"why", Json::array()}};
    };
    actions.sample = [this] { return Json{{"n", ++samples}}; };
    actions.connections = [](const admin::Actions::Query& query) -> Result<Json> {
      Json json = Json::object();
      for (const auto& [name, value] : query) json[name] = value;
      if (json.contains("bad")) return Error{"bad", ErrorKind::usage};
      if (json.contains("mute")) return Error{"core 0 does not answer"};
      return json;
    };
    actions.plan = [](const admin::Actions::Query& query) -> Result<Json> {
      if (query.empty()) return Error{"--rate: a plan needs one", ErrorKind::usage};
      return Json{{"asked", query.at(0).second}};
    };
    actions.begin_dump = [note](const Json& wanted) { return note("dump " + wanted.dump()); };
    actions.read_dump = [] { return std::optional<std::string>(std::string("\0\n", 2)); };
    actions.end_dump = [note] { return note("end of dump"); };
    actions.metrics = [] { return std::string("# HELP x\n"); };
    actions.each_round = [] {};
    return actions;
  }

  std::vector<std::string> noted;
  int samples = 0;
  bool is_healthy = true;
};

}  // namespace mayfly::testing
