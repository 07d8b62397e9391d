#include "admin/narrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "admin/words.h"

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;

LogLevel level_of(const Json& problem) {
  const std::string level = problem["level"];
  return level == "bad" ? LogLevel::error : level == "warn" ? LogLevel::warn : LogLevel::info;
}

/// Told where they are noticed, and sooner than once a second.
bool is_told_elsewhere(const std::string& key) { return key == "link" || key == "draining"; }

/// What the end of a problem is called.
std::string end_in_words(const std::string& key, const std::string& what, double lasted) {
  const std::string time = seconds_in_words(lasted);
  if (key == "cookies") return fmt::format("SYN cookies are off again, after {}", time);
  return fmt::format("over after {}: {}", time, what);
}

}  // namespace

std::vector<News> Narrator::hear(const Json& sample) {
  std::vector<News> news;
  const double t = sample["t"];
  for (const Json& problem : sample["problems"]) hear_problem(problem, t, news);
  end_troubles(t, news);
  sum_up(sample, t, news);
  return news;
}

void Narrator::hear_problem(const Json& problem, double t, std::vector<News>& news) {
  const std::string key = problem["key"], what = problem["what"], remedy = problem["do"];
  if (is_told_elsewhere(key)) return;
  const auto [known, is_new] = troubles_.try_emplace(key, Trouble{t, t, what});
  known->second.last_seen = t;
  if (!is_new) return;
  const std::string before = key == "cookies" ? "SYN cookies are on: " : "";
  news.push_back({.level = level_of(problem),
                  .event = key,
                  .words = before + what + (remedy.empty() ? "" : ". " + remedy),
                  .facts = {{"state", "begins"}}});
}

void Narrator::end_troubles(double t, std::vector<News>& news) {
  std::erase_if(troubles_, [&](const auto& entry) {
    const auto& [key, trouble] = entry;
    if (t - trouble.last_seen < kOverAfter) return false;
    const double lasted = trouble.last_seen - trouble.began;
    news.push_back({.level = LogLevel::info,
                    .event = key,
                    .words = end_in_words(key, trouble.what, lasted),
                    .facts = {{"state", "over"}, {"lasted_s", lasted}}});
    return true;
  });
}

/// Once a minute: the mean rate, what is held, and the drops of that minute.
void Narrator::sum_up(const Json& sample, double t, std::vector<News>& news) {
  if (minute_began_ < 0) minute_began_ = t;
  const double seconds = sample["interval_s"];
  seconds_ += seconds;
  completed_ += seconds * sample["cps"].get<double>();
  for (const Json& busy : sample["busy"]) busiest_ = std::max(busiest_, busy.get<double>());
  for (const auto& [why, rate] : sample["drops"].items())
    dropped_[why] += seconds * rate.get<double>();
  if (t - minute_began_ < kSummaryEvery) return;
  const Json& wait = sample["time_wait"];
  const double rate = seconds_ > 0 ? completed_ / seconds_ : 0;
  const double now = wait["now"], capacity = wait["capacity"];
  std::string words = fmt::format(
      "{} connections/s, {} open, TIME_WAIT {} of {} ({:.0f} %), busiest core {:.0f} %",
      count_in_words(rate), count_in_words(sample["connections"]), count_in_words(now),
      count_in_words(capacity), capacity > 0 ? 100 * now / capacity : 0, 100 * busiest_);
  Json drops = Json::object();
  for (const auto& [why, frames] : dropped_) drops[why] = std::llround(frames);
  for (const auto& [why, frames] : dropped_)
    words += fmt::format("{}{} {}", why == dropped_.begin()->first ? "; dropped: " : ", ", why,
                         count_in_words(frames));
  news.push_back({.level = LogLevel::info,
                  .event = "summary",
                  .words = std::move(words),
                  .facts = {{"cps", rate},
                            {"connections", sample["connections"]},
                            {"time_wait", now},
                            {"busy", busiest_},
                            {"drops", std::move(drops)}}});
  minute_began_ = t;
  seconds_ = completed_ = busiest_ = 0;
  dropped_.clear();
}

}  // namespace mayfly::admin
