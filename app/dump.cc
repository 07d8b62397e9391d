// mayfly dump: frames of a running process, with what became of each, as a pcapng file.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "admin/socket_client.h"
#include "commands.h"
#include "config/units.h"
#include "run/signals.h"

namespace mayfly::app {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::steady_clock;

constexpr Duration kPatience = Duration::from_s(5);
constexpr std::chrono::milliseconds kPause{20};

int fail_with(const std::string& why) {
  fmt::print(stderr, "mayfly: {}\n", why);
  return kRunFailed;
}

/// The body of the answer; an error has the server's words.
Result<std::string> ask(const DumpOptions& options, const char* method, const std::string& body) {
  const auto answer = admin::ask_socket(options.socket, method, "/api/dump", body, kPatience);
  if (!answer) return answer.error();
  if (answer->status == 200) return answer->body;
  const Json json = Json::parse(answer->body, nullptr, false);
  const bool has_words = json.is_object() && json.contains("error") && !json["error"].empty();
  return Error{has_words ? json["error"][0].get<std::string>() : options.socket + " refuses"};
}

/// What is asked for; an error names the option that is no number.
Result<Json> wanted_of(const DumpOptions& options) {
  Json wanted = Json::object();
  wanted["filter"] = fmt::format("{}", fmt::join(options.filter, " "));
  const auto take = [&](const char* key, const std::string& text) -> Result<void> {
    if (text.empty()) return {};
    const auto number = config::parse_count(text);
    if (!number) return Error{fmt::format("--{} {}: {}", key, text, number.error().what)};
    wanted[key] = *number;
    return {};
  };
  for (const auto& [key, text] : {std::pair{"core", options.core}, std::pair{"port", options.port},
                                  std::pair{"bytes", options.bytes}})
    if (const auto taken = take(key, text); !taken) return taken.error();
  return wanted;
}

/// Writes what comes until it is time. An error if the process or the disk gives up.
Result<void> write_frames(const DumpOptions& options, std::FILE* file) {
  const auto begin = steady_clock::now();
  const auto is_over = [&] {
    if (run::stop_asked() != run::Stop::no) return true;
    return options.duration &&
           steady_clock::now() - begin >= std::chrono::microseconds(options.duration->us);
  };
  for (bool is_last = false; !is_last;) {
    is_last = is_over();  // what came until then is fetched once more
    const auto frames = ask(options, "GET", "");
    if (!frames) return frames.error();
    if (std::fwrite(frames->data(), 1, frames->size(), file) != frames->size() ||
        std::fflush(file) != 0)
      return Error{options.file + ": the disk is full, or the reader has gone"};
    if (frames->empty() && !is_last) std::this_thread::sleep_for(kPause);
  }
  return {};
}

}  // namespace

int dump_command(const DumpOptions& options) {
  const auto wanted = wanted_of(options);
  if (!wanted) {
    fail_with(wanted.error().what);
    return kBadUsage;
  }
  const bool is_stdout = options.file == "-";
  std::FILE* const file = is_stdout ? stdout : std::fopen(options.file.c_str(), "wb");
  if (file == nullptr) return fail_with(options.file + ": cannot be written");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closed(file, std::fclose);
  run::catch_signals();
  const auto begun = ask(options, "POST", wanted->dump());
  if (!begun) return fail_with(begun.error().what);
  const auto written = write_frames(options, file);
  const auto end = ask(options, "DELETE", "");
  if (!written) return fail_with(written.error().what);
  if (!end) return fail_with(end.error().what);
  const Json json = Json::parse(*end, nullptr, false);
  const std::uint64_t lost = json.value("lost", std::uint64_t{0});
  fmt::print(stderr, "{} frames{}\n", json.value("frames", std::uint64_t{0}),
             lost == 0 ? "" : fmt::format(", {} more lost: a filter or --bytes helps", lost));
  return kOk;
}

}  // namespace mayfly::app
