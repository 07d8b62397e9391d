// mayfly ss: the connections and TIME_WAIT entries of a running process, page by page from its
// control socket.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "admin/socket_client.h"
#include "commands.h"

namespace mayfly::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kPatience = Duration::from_s(5);
constexpr const char* kRow = "{:<12} {:>8} {:>8} {:>21} {:>21} {:>9}  {}";

/// The values hold what a user wrote.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = std::string_view("-_.~,").find(c) != std::string_view::npos ||
                          (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= 'a' && byte <= 'z');
    safe += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return safe;
}

std::string query_of(const SsOptions& options) {
  std::string query = "/api/connections?limit=512";
  if (!options.state.empty()) query += "&state=" + escaped(options.state);
  if (!options.peer.empty()) query += "&peer=" + escaped(options.peer);
  if (!options.port.empty()) query += "&port=" + escaped(options.port);
  return query;
}

std::string seconds(const Json& one, const char* key) {
  return fmt::format("{:.1f}s", one.at(key).get<double>());
}

std::string line_of(const Json& one) {
  const std::string state = one.at("state"), local = one.at("local"), peer = one.at("peer");
  const bool is_entry = one.contains("left_s");
  std::string more;
  if (is_entry) {
    more = "ends in " + seconds(one, "left_s");
  } else {
    more = fmt::format("rtt:{:.1f} rto:{:.0f} cwnd:{}", one.at("rtt_ms").get<double>(),
                       one.at("rto_ms").get<double>(), one.at("cwnd").get<std::uint64_t>());
    if (const auto sent = one.at("retransmitted").get<std::uint64_t>(); sent > 0)
      more += fmt::format(" retrans:{}", sent);
  }
  const auto queue = [&](const char* key) {
    return is_entry ? std::uint64_t{0} : one.at(key).get<std::uint64_t>();
  };
  return fmt::format(kRow, state, queue("receive_queue"), queue("send_queue"), local, peer,
                     seconds(one, "age_s"), more);
}

/// A page; null after an error, which is printed.
Json page_of(const SsOptions& options, const std::string& target) {
  const auto answer = admin::ask_socket(options.socket, "GET", target, "", kPatience);
  if (!answer) {
    fmt::print(stderr, "mayfly: {}\n", answer.error().what);
    return nullptr;
  }
  Json json = Json::parse(answer->body, nullptr, false);
  if (json.is_object() && json.contains("connections")) return json;
  const Json errors = json.is_object() ? json.value("error", Json::array()) : Json::array();
  for (const Json& error : errors) fmt::print(stderr, "mayfly: {}\n", error.get<std::string>());
  if (errors.empty()) fmt::print(stderr, "mayfly: {} gave no list\n", options.socket);
  return nullptr;
}

}  // namespace

int ss_command(const SsOptions& options) {
  const std::string first = query_of(options);
  std::string target = first;
  bool needs_title = !options.is_json;
  while (!target.empty()) {
    const Json page = page_of(options, target);
    if (page.is_null()) return kRunFailed;
    if (std::exchange(needs_title, false))
      fmt::print("{}\n",
                 fmt::format(kRow, "State", "Recv-Q", "Send-Q", "Local", "Peer", "Age", ""));
    for (const Json& one : page.at("connections"))
      fmt::print("{}\n", options.is_json ? one.dump() : line_of(one));
    const Json& next = page.at("next");
    target = next.is_null() ? "" : first + "&cursor=" + escaped(next.get<std::string>());
  }
  return kOk;
}

}  // namespace mayfly::app
