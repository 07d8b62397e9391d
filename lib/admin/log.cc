#include "admin/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace mayfly::admin {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
  }
  return "info";
}

}  // namespace

Log::Log(const LogSettings& settings) : format_(settings.format) {
  // Colours on terminals alone.
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  logger_ = std::make_shared<spdlog::logger>("mayfly", std::move(sink));
  logger_->set_level(spdlog_level(settings.level));
  const char* pattern = format_ == LogFormat::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";
  logger_->set_pattern(pattern, spdlog::pattern_time_type::utc);
  // What cannot be written has nowhere else to go.
  logger_->set_error_handler([](const std::string&) {});
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::say(const News& news) {
  const spdlog::level::level_enum level = spdlog_level(news.level);
  if (!logger_->should_log(level)) return;
  if (format_ == LogFormat::text) return logger_->log(level, "{}", news.words);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  logger_->log(level, "{}",
               json_line(news, std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
}

std::string json_line(const News& news, std::int64_t epoch_ms) {
  nlohmann::ordered_json json{{"t", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                                fmt::gmtime(epoch_ms / 1'000), epoch_ms % 1'000)},
                              {"level", name_of(news.level)},
                              {"event", news.event},
                              {"words", news.words}};
  for (const auto& [key, value] : news.facts.items()) json[key] = value;
  // A path of a request may be no UTF-8.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace mayfly::admin
