#include "admin/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "admin/words.h"

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;
using OnFull = flow::TimeWaitPolicy::OnFull;

class Problems {
 public:
  void add(const char* level, const char* key, std::string what, std::string remedy,
           Json policy = nullptr) {
    all_.push_back({{"level", level},
                    {"key", key},
                    {"what", std::move(what)},
                    {"do", std::move(remedy)},
                    {"policy", std::move(policy)}});
  }
  Json sorted() && {
    const auto rank = [](const Json& one) {
      const std::string level = one["level"];
      return level == "bad" ? 0 : level == "warn" ? 1 : 2;
    };
    std::ranges::stable_sort(all_, {}, rank);
    return Json(std::move(all_));
  }

 private:
  std::vector<Json> all_;
};

/// One end's TIME_WAIT, as its sample says.
struct TimeWaitFigures {
  double now, capacity, opened, expired, evicted, skipped, hold;
  explicit TimeWaitFigures(const Json& t)
      : now(t["now"]),
        capacity(t["capacity"]),
        opened(t["opened_cps"]),
        expired(t["expired_cps"]),
        evicted(t["evicted_cps"]),
        skipped(t["skipped_cps"]),
        hold(t["hold_s"]) {}
};

/// What the preset `balanced` would do at this rate (flow/hold_balance.h fills 85 %).
std::string balanced_words(const TimeWaitFigures& t, double rate) {
  const double hold = std::min(t.hold, std::max(1.0, 0.85 * t.capacity / std::max(rate, 1.0)));
  return fmt::format("balanced would hold {}, and refuse nobody", seconds_in_words(hold));
}

void add_full(Problems& problems, const Json& sample, const EndReading& end, double peak_rate) {
  const TimeWaitFigures t(sample["time_wait"]);
  const double refused = sample["drops"].value("time_wait_full", 0.0);
  const double rate = std::max(peak_rate, t.opened);
  if (refused > 0) {
    problems.add(
        "bad", "time_wait_full",
        fmt::format("TIME_WAIT is full: {} SYNs a second are refused. Its {} entries leave "
                    "after {}, so it carries {} connections/s",
                    count_in_words(refused), count_in_words(t.capacity), seconds_in_words(t.hold),
                    count_in_words(t.capacity / std::max(t.hold, 1e-3))),
        balanced_words(t, rate), "balanced");
  } else if (t.evicted > 0) {
    const Json& age = sample["time_wait"]["evicted_age_s"];
    problems.add("warn", "time_wait_evicted",
                 fmt::format("TIME_WAIT is full: {} entries a second are evicted after {} instead "
                             "of {}",
                             count_in_words(t.evicted),
                             age.is_null() ? "less" : seconds_in_words(age.get<double>()),
                             seconds_in_words(t.hold)),
                 fmt::format("{}; or a capacity of {} holds them all", balanced_words(t, rate),
                             count_in_words(std::ceil(t.opened * t.hold))),
                 "balanced");
  } else if (t.skipped > 0 && t.hold > 0) {
    problems.add("warn", "time_wait_skipped",
                 fmt::format("TIME_WAIT is full: {} connections a second close without one",
                             count_in_words(t.skipped)),
                 balanced_words(t, rate), "balanced");
  } else if (t.capacity > 0 && t.now >= 0.8 * t.capacity && !end.time_wait.balance) {
    const double growth = t.opened - t.expired;
    const std::string when =
        growth > 1 ? fmt::format(", full in {}", seconds_in_words((t.capacity - t.now) / growth))
                   : "";
    problems.add("warn", "time_wait_fills",
                 fmt::format("TIME_WAIT is {:.0f} % full{}", 100 * t.now / t.capacity, when),
                 balanced_words(t, rate), "balanced");
  }
}

void add_harm(Problems& problems, const Json& sample) {
  const double rst = sample["harm"]["rst_to_last_ack"], reset = sample["harm"]["reset_in_last_ack"];
  if (rst + reset > 0)
    problems.add("warn", "harm",
                 fmt::format("{} connections a second that had ended well are told of a reset: "
                             "their TIME_WAIT ended before their last ACK arrived",
                             count_in_words(std::ceil(rst + reset))),
                 "hold TIME_WAIT for longer than a peer goes on sending its FIN: some seconds");
  if (sample["harm"]["syn_recycled_away"].get<double>() > 0)
    problems.add("bad", "recycled_away",
                 fmt::format("{} SYNs a second are dropped because another host behind their "
                             "address has a newer timestamp",
                             count_in_words(sample["harm"]["syn_recycled_away"])),
                 "switch time_wait.recycle off", "balanced");
}

void add_limits(Problems& problems, const Json& sample) {
  const Json& drops = sample["drops"];
  if (const double full = drops.value("table_full", 0.0); full > 0)
    problems.add("bad", "table_full",
                 fmt::format("the connection table is full: {} SYNs a second are refused",
                             count_in_words(full)),
                 "raise connections.capacity (needs a restart), or shorten what holds connections: "
                 "fin_wait_2.hold, close.grace");
  const double used = sample["connections"], most = sample["connections_max"];
  if (most > 0 && used >= 0.8 * most && drops.value("table_full", 0.0) == 0)
    problems.add("warn", "table_fills",
                 fmt::format("the connection table is {:.0f} % full: {} of {} are in use",
                             100 * used / most, count_in_words(used), count_in_words(most)),
                 "raise connections.capacity (needs a restart) before it refuses newcomers");
  if (const double over = drops.value("overload", 0.0); over > 0)
    problems.add("warn", "overload",
                 fmt::format("{} SYNs a second are dropped: frames arrive faster than they can be "
                             "handled",
                             count_in_words(over)),
                 "add a core, or let clients come slower");
  if (const double cookies = sample["cookies_cps"]; cookies > 0)
    problems.add("note", "cookies",
                 fmt::format("{} SYNs a second are answered with cookies: many handshakes are "
                             "under way",
                             count_in_words(cookies)),
                 "nothing if it is a flood; raise tcp.half_open if the peers are honest but slow");
}

/// "timed_out 300, reset 20", the most first.
std::string failures_in_words(const Json& failed) {
  std::vector<std::pair<double, std::string>> all;
  for (const auto& [why, rate] : failed.items()) all.emplace_back(rate.get<double>(), why);
  std::ranges::sort(all, std::greater());
  std::string words;
  for (const auto& [rate, why] : all) {
    std::string plain = why;
    std::ranges::replace(plain, '_', ' ');
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", plain, count_in_words(rate));
  }
  return words;
}

void add_load(Problems& problems, const Json& sample, const Json& end) {
  if (!sample.contains("load")) return;
  const TimeWaitFigures t(end["time_wait"]);
  if (const double exhausted = sample["load"]["exhausted_cps"]; exhausted > 0)
    problems.add(
        "bad", "port_exhausted",
        fmt::format("the client's sources are used up: {} starts a second find none, "
                    "with {} in TIME_WAIT for {}",
                    count_in_words(exhausted), count_in_words(t.now), seconds_in_words(t.hold)),
        "more source addresses, a shorter hold at the client, time_wait.reuse, or let "
        "the server close first");
  if (const double failed = sample["load"]["failed_cps"]; failed > 0)
    problems.add("warn", "failed",
                 fmt::format("{} connections a second fail: {}", count_in_words(failed),
                             failures_in_words(sample["load"]["failed"])),
                 "");
}

void add_links(Problems& problems, const Json& sample) {
  for (const Json& link : sample["links"]) {
    const std::string problem = link.value("problem", "");
    if (!problem.empty())
      problems.add("bad", "link", fmt::format("{}: {}", link.value("device", "link"), problem), "");
  }
}

}  // namespace

Json problems_of(const Json& sample, const Reading& now, double peak_rate) {
  Problems problems;
  add_links(problems, sample);
  if (now.is_draining)
    problems.add("warn", "draining", "draining: no new connection is accepted", "");
  add_full(problems, sample, now.end, peak_rate);
  add_harm(problems, sample);
  add_limits(problems, sample);
  add_load(problems, sample, sample.contains("client") ? sample["client"] : sample);
  for (const Json& busy : sample["busy"]) {
    if (busy.get<double>() < 0.97) continue;
    problems.add("note", "busy", "a core is busy all the time: this is the most that it carries",
                 "more cores, or fewer connections");
    break;
  }
  return std::move(problems).sorted();
}

}  // namespace mayfly::admin
