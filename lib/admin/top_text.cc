#include "admin/top_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "admin/stats_json.h"

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;

std::string amount(double n) {
  constexpr std::array<std::pair<double, char>, 3> kUnits{{{1e9, 'G'}, {1e6, 'M'}, {1e4, 'k'}}};
  for (const auto& [size, unit] : kUnits)
    if (n >= size) return fmt::format("{:.3g}{}", n / (unit == 'k' ? 1e3 : size), unit);
  return fmt::format("{:.0f}", n);
}

std::string time_of(double s) {
  if (s >= 1 || s == 0) return fmt::format("{:.3g} s", s);
  return s >= 1e-3 ? fmt::format("{:.3g} ms", s * 1e3) : fmt::format("{:.3g} us", s * 1e6);
}

/// A bar of `width` columns, filled to `share`.
std::string bar(double share, std::size_t width) {
  const auto full = static_cast<std::size_t>(
      std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(width)));
  return "[" + std::string(full, '#') + std::string(width - full, ' ') + "]";
}

/// The rates of the last samples as columns of `rows` lines, in eighths of a line.
std::vector<std::string> curve(const std::vector<Json>& samples, std::size_t width,
                               std::size_t rows) {
  constexpr std::array<const char*, 9> kEighths = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t first = samples.size() > width ? samples.size() - width : 0;
  double most = 1;
  for (std::size_t i = first; i < samples.size(); ++i)
    most = std::max(most, samples[i]["cps"].get<double>());
  std::vector<std::string> lines(rows);
  for (std::size_t i = first; i < samples.size(); ++i) {
    const auto eighths =
        std::lround(static_cast<double>(8 * rows) * samples[i]["cps"].get<double>() / most);
    for (std::size_t row = 0; row < rows; ++row) {
      const auto below = static_cast<long>(8 * (rows - 1 - row));
      lines[row] += kEighths[static_cast<std::size_t>(std::clamp(eighths - below, 0L, 8L))];
    }
  }
  return lines;
}

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}

  /// `rank`: of a line that may be left out where there are too few rows, the highest first.
  void add(std::string text, TopStyle style = TopStyle::plain, int rank = 0) {
    // Long words are broken where a blank is; the rest begins further in.
    while (text.size() > width_) {
      std::size_t at = text.rfind(' ', width_);
      if (at == text.npos || at < width_ / 3) at = width_;
      add_whole(text.substr(0, at), style, rank);
      text = "  " + text.substr(std::min(text.size(), at + (at < width_ ? 1 : 0)));
    }
    add_whole(std::move(text), style, rank);
  }
  void add_blank() { add_whole("", TopStyle::plain, kBlankRank); }
  /// Where add_curve() puts it.
  void place_curve() { curve_at_ = lines_.size(); }
  /// Puts the curve into the rows that are left, at most twelve and at least one.
  void add_curve(const std::vector<Json>& samples, std::size_t height) {
    while (lines_.size() + 1 > height && drop_one()) {
    }
    const std::size_t left = height > lines_.size() ? height - lines_.size() : 1;
    std::vector<Line> rows;
    for (std::string& row : curve(samples, width_, std::min<std::size_t>(left, 12)))
      rows.push_back({{std::move(row), TopStyle::good}, 0});
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(curve_at_), rows.begin(),
                  rows.end());
  }
  std::size_t width() const { return width_; }
  std::vector<TopLine> take() && {
    std::vector<TopLine> lines;
    for (Line& line : lines_) lines.push_back(std::move(line.shown));
    return lines;
  }

 private:
  static constexpr int kBlankRank = 9;
  struct Line {
    TopLine shown;
    int rank;
  };
  void add_whole(std::string text, TopStyle style, int rank) {
    lines_.push_back({{std::move(text), style}, rank});
  }
  /// False: no line may be left out.
  bool drop_one() {
    const auto least = std::ranges::max_element(lines_, {}, &Line::rank);
    if (least == lines_.end() || least->rank == 0) return false;
    if (static_cast<std::size_t>(least - lines_.begin()) < curve_at_) --curve_at_;
    lines_.erase(least);
    return true;
  }

  std::size_t width_, curve_at_ = 0;
  std::vector<Line> lines_;
};

/// What may be left out, the first last.
enum Rank : int { kStates = 1, kHarm, kLinks, kTheClients, kDetails };

void add_problems(Page& page, const Json& sample) {
  for (const Json& one : sample["problems"]) {
    const std::string level = one["level"], remedy = one["do"];
    const TopStyle style = level == "bad"    ? TopStyle::bad
                           : level == "warn" ? TopStyle::warn
                                             : TopStyle::plain;
    page.add(one["what"].get<std::string>() + (remedy.empty() ? "" : " -- " + remedy), style);
  }
  if (sample["problems"].empty()) page.add("all is well", TopStyle::good);
}

void add_rates(Page& page, const std::vector<Json>& samples) {
  const Json& s = samples.back();
  std::string line = fmt::format("connections/s {:>8}", amount(s["cps"]));
  if (s.contains("load"))
    line += fmt::format("   of {} offered, {} fail", amount(s["load"]["offered_cps"]),
                        amount(s["load"]["failed_cps"]));
  page.add(line, TopStyle::title);
  page.place_curve();
  if (const Json& latency = s["latency_us"]; !latency.is_null())
    page.add(fmt::format("latency       p50 {}   p99 {}",
                         time_of(latency["p50"].get<double>() / 1e6),
                         time_of(latency["p99"].get<double>() / 1e6)));
  const Json& states = s["by_state"];
  page.add(fmt::format("connections   {} of {}   {} accepted/s   {} reset/s   {} sent again/s",
                       amount(s["connections"]), amount(s["connections_max"]),
                       amount(s["accepted_cps"]), amount(s["reset_cps"]),
                       amount(s["retransmitted_cps"])));
  std::string by_state;
  for (const tcp::State state : kCountedStates) {
    const double n = states[key_of(state)];
    if (n > 0) by_state += fmt::format("   {} {}", name_of(state), amount(n));
  }
  page.add("states     " + (by_state.empty() ? "   none at this moment" : by_state),
           TopStyle::plain, kStates);
}

void add_time_wait(Page& page, const char* name, const Json& t, int rank = 0) {
  const double now = t["now"], capacity = t["capacity"];
  const double share = capacity > 0 ? now / capacity : 0;
  page.add(
      fmt::format("{} {} {} of {}", name, bar(share, std::min<std::size_t>(30, page.width() / 3)),
                  amount(now), amount(capacity)),
      share > 0.98 ? TopStyle::bad : TopStyle::title, rank);
  page.add(fmt::format("  rate x hold = {}/s x {} = {}", amount(t["opened_cps"]),
                       time_of(t["hold_s"]), amount(t["little"])),
           TopStyle::plain, rank);
  page.add(
      fmt::format(
          "  expired {}/s   evicted {}/s{}   skipped {}/s", amount(t["expired_cps"]),
          amount(t["evicted_cps"]),
          t["evicted_age_s"].is_null() ? "" : " after " + time_of(t["evicted_age_s"].get<double>()),
          amount(t["skipped_cps"])),
      TopStyle::plain, std::max<int>(rank, kDetails));
  if (rank > 0) return;
  constexpr std::array<const char*, 10> kAges = {"<1s",    "1-2s",   "2-4s",   "4-8s",   "8-16s",
                                                 "16-32s", "32-64s", "1-2min", "2-4min", "older"};
  std::string ages;
  for (std::size_t i = 0; i < kAges.size() && i < t["ages"].size(); ++i)
    if (const double n = t["ages"][i]; n > 0) ages += fmt::format("   {} {}", kAges[i], amount(n));
  if (!ages.empty()) page.add("  by age  " + ages, TopStyle::plain, kDetails);
}

void add_busy(Page& page, const char* name, const Json& busy, int rank = 0) {
  for (std::size_t i = 0; i < busy.size(); ++i)
    page.add(fmt::format("{} {:<3} {} {:.0f} %", name, i,
                         bar(busy[i].get<double>(), std::min<std::size_t>(30, page.width() / 3)),
                         100 * busy[i].get<double>()),
             TopStyle::plain, rank);
}

void add_drops(Page& page, const Json& sample) {
  std::string drops;
  for (const auto& [why, rate] : sample["drops"].items())
    drops += fmt::format("{}{} {}/s", drops.empty() ? "" : ", ", why, amount(rate.get<double>()));
  if (!drops.empty()) page.add("drops         " + drops);
  const Json& harm = sample["harm"];
  page.add(fmt::format("harm          RST to a last ACK {}/s   reset in LAST_ACK {}/s",
                       amount(harm["rst_to_last_ack"]), amount(harm["reset_in_last_ack"])),
           TopStyle::plain, kHarm);
}

}  // namespace

std::vector<TopLine> top_lines(const std::vector<Json>& samples, std::size_t width,
                               std::size_t height) {
  Page page(std::max<std::size_t>(width, 20));
  const Json& s = samples.back();
  const std::string policy = s["policy"];
  page.add("Mayfly   " + (policy.empty() ? "as the file says" : "policy " + policy),
           TopStyle::title);
  add_problems(page, s);
  page.add_blank();
  add_rates(page, samples);
  page.add_blank();
  add_time_wait(page, "TIME_WAIT    ", s["time_wait"]);
  if (s.contains("client"))
    add_time_wait(page, "at the client", s["client"]["time_wait"], kTheClients);
  page.add_blank();
  add_busy(page, "core     ", s["busy"]);
  if (s.contains("client")) add_busy(page, "its core ", s["client"]["busy"], kTheClients);
  add_drops(page, s);
  for (const Json& link : s["links"])
    page.add(fmt::format("link          {} {}", link["state"].get<std::string>(),
                         link["device"].get<std::string>()),
             TopStyle::plain, kLinks);
  page.add_curve(samples, height);
  return std::move(page).take();
}

}  // namespace mayfly::admin
