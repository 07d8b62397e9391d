// mayfly state import: the TIME_WAIT files of a server that has left for good are handed to one
// that runs, through the API on its control socket.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "admin/socket_client.h"
#include "commands.h"

namespace mayfly::app {
namespace {

using Json = nlohmann::ordered_json;

/// 64 million entries take a while.
constexpr Duration kImportPatience = Duration::from_s(600);

void print_tally(const std::string& what, const Json& json) {
  fmt::print(
      "{}: {} taken, {} expired already, {} known here already, {} refused for want of room\n",
      what, json.at("taken").get<std::uint64_t>(), json.at("expired").get<std::uint64_t>(),
      json.at("known").get<std::uint64_t>(), json.at("refused").get<std::uint64_t>());
}

}  // namespace

int state_import_command(const StateOptions& options) {
  std::error_code none;
  Json files = Json::array();
  for (const std::string& file : options.files)
    files.push_back(std::filesystem::absolute(file, none).string());
  const auto answer = admin::ask_socket(options.socket, "POST", "/api/state/import",
                                        Json{{"files", files}}.dump(), kImportPatience);
  if (!answer) {
    fmt::print(stderr, "mayfly: {}\n", answer.error().what);
    return kRunFailed;
  }
  const Json json = Json::parse(answer->body, nullptr, false);
  if (!json.is_object() || json.contains("error") || !json.contains("files")) {
    fmt::print(stderr, "mayfly: {}\n",
               json.is_object() ? json["error"].dump() : "an answer that is no JSON");
    return kRunFailed;
  }
  int status = kOk;
  if (options.is_json) fmt::print("{}\n", json.dump(2));
  for (const Json& one : json.at("files")) {
    const bool is_wrong = one.contains("error");
    if (is_wrong) status = kRunFailed;
    if (options.is_json) continue;
    if (is_wrong)
      fmt::print(stderr, "mayfly: {}\n", one.at("error").get<std::string>());
    else
      print_tally(one.at("file").get<std::string>(), one);
  }
  return status;
}

}  // namespace mayfly::app
