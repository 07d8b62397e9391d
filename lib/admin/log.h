// What a server says while it runs: one line for each event, as text or as JSON, on standard error.
// Never for a poll-mode core: a reader that does not read holds up who says something.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "admin/settings.h"

namespace spdlog {
class logger;
}

namespace mayfly::admin {

/// Something to be said. `event` is one word for scripts, `words` one line for people, `facts` are
/// further keys of the JSON.
struct News {
  LogLevel level = LogLevel::info;
  std::string event, words;
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();
};

/// All calls are for any thread.
class Log {
 public:
  explicit Log(const LogSettings& settings);
  ~Log();

  void say(const News& news);
  void say(LogLevel level, std::string event, std::string words) {
    say(News{level, std::move(event), std::move(words)});
  }

 private:
  LogFormat format_;
  std::shared_ptr<spdlog::logger> logger_;
};

/// {"t": "2026-01-31T12:00:00.000Z", "level": "info", "event": ..., "words": ..., facts...}.
/// `epoch_ms` is the time since 1970.
std::string json_line(const News& news, std::int64_t epoch_ms);

}  // namespace mayfly::admin
