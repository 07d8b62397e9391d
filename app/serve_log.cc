#include "serve_log.h"

#include <fmt/format.h>

#include <cstdio>
#include <variant>

#include "wire/print.h"

namespace mayfly::app {
namespace {

using admin::LogLevel;
using Json = nlohmann::ordered_json;

Json changes_of(const config::Change& change) {
  Json json = Json::array();
  for (const auto& [key, from, to] : change.changes)
    json.push_back({{"key", key}, {"from", from}, {"to", to}});
  return json;
}

std::string peer_of(const FlowKey4& tuple) {
  return fmt::format("{}:{}", to_string(tuple.remote()), tuple.remote_port_host());
}
std::string peer_of(const FlowKey6& tuple) {
  return fmt::format("[{}]:{}", to_string(tuple.remote), tuple.remote_port_host());
}

/// `GET /x` of 198.18.1.1:40000, 200, 14 octets
admin::News news_of(const service::Access& access) {
  const std::string peer = std::visit([](const auto& key) { return peer_of(key); }, access.tuple);
  const std::uint16_t port =
      std::visit([](const auto& key) { return key.local_port_host(); }, access.tuple);
  const char* method = access.is_head ? "HEAD" : "GET";
  // What has no path that could be read has no method either.
  const std::string request =
      access.path().empty() ? std::string("-") : fmt::format("{} {}", method, access.path());
  const int status = code_of(access.status);
  Json facts{{"peer", peer}, {"port", port}, {"status", status}, {"bytes", access.body_bytes}};
  if (!access.path().empty()) facts["path"] = access.path();
  return {.level = LogLevel::info,
          .event = "request",
          .words = fmt::format("{} \"{}\" {} {}", peer, request, status, access.body_bytes),
          .facts = std::move(facts)};
}

}  // namespace

run::StartProgress ServeLog::progress(bool is_verbose) {
  return {.on_plan =
              [is_verbose](const std::string& table) {
                if (is_verbose) fmt::print("{}\n", table);
              },
          .on_step = [this](const std::string& text) { log_.say(LogLevel::info, "start", text); },
          .on_wait =
              [this, told = std::string()](const std::string& waiting_for) mutable {
                if (waiting_for != told)
                  log_.say(LogLevel::info, "waiting", "waiting for " + (told = waiting_for));
                return run::stop_asked() == run::Stop::no;
              }};
}

void ServeLog::ready(const config::ServeSettings& settings, const std::vector<nic::Device>& devices,
                     const std::string& policy) {
  const std::string what = listens_in_words(settings);
  const std::string where = addresses_in_words(settings.process);
  Json facts{{"listen", what}, {"addresses", where}, {"devices", Json::array()}};
  for (const nic::Device& device : devices) facts["devices"].push_back(device.describe());
  if (!policy.empty()) facts["policy"] = policy;
  if (!settings.admin.page.empty()) facts["page"] = settings.admin.page;
  if (!settings.admin.socket.empty()) facts["socket"] = settings.admin.socket;
  log_.say({.level = LogLevel::info,
            .event = "ready",
            .words = fmt::format("serves {} on {}{}", what, where,
                                 policy.empty() ? "" : " under policy " + policy),
            .facts = std::move(facts)});
  fmt::print("ready: {} on {}\n", what, where);
  std::fflush(stdout);
}

void ServeLog::changed(const config::Change& change, const std::string& what,
                       const std::string& by) {
  print_change(change, what, by);
  if (!change.errors.empty()) {
    for (const config::ConfigError& error : change.errors)
      log_.say({.level = LogLevel::warn,
                .event = "refused",
                .words = to_string(error),
                .facts = {{"what", what}, {"by", by}}});
    const bool is_partial = !change.changes.empty();
    if (!is_partial)
      log_.say(LogLevel::warn, "refused", fmt::format("{}, by {}: nothing was changed", what, by));
    return;
  }
  if (change.changes.empty()) return;
  log_.say({.level = LogLevel::info,
            .event = "changed",
            .words = fmt::format("{}, by {}", what, by),
            .facts = {{"what", what}, {"by", by}, {"changed", changes_of(change)}}});
}

void ServeLog::draining(std::uint32_t open) {
  if (open > 0) fmt::print("draining: {} connections are open; Ctrl-C again to reset them\n", open);
  std::fflush(stdout);
  log_.say({.level = LogLevel::info,
            .event = "draining",
            .words = fmt::format("draining: no new connection is accepted, {} are open", open),
            .facts = {{"open", open}}});
}

void ServeLog::follow(run::ServeRun& run, run::Controls<config::ServeSettings>& controls) {
  tell_requests(run);
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + std::chrono::seconds(1);
  for (const admin::News& news : narrator_.hear(sampler_.sample(controls.reading())))
    log_.say(news);
  const std::uint64_t lost = run.requests_untold();
  if (lost == lost_) return;
  log_.say(LogLevel::warn, "requests_untold",
           fmt::format("{} requests of the sample are missing here: there were more than can be "
                       "written; lower http.access_log.sample",
                       lost - lost_));
  lost_ = lost;
}

void ServeLog::tell_requests(run::ServeRun& run) {
  run.read_requests([this](const service::Access& access) { log_.say(news_of(access)); });
}

}  // namespace mayfly::app
