#include "admin/top_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

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

/// The rates of the last samples as a row of bars of eighths.
std::string curve(const std::vector<Json>& samples, std::size_t width) {
  constexpr std::array<const char*, 9> kEighths = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t first = samples.size() > width ? samples.size() - width : 0;
  double most = 1;
  for (std::size_t i = first; i < samples.size(); ++i)
    most = std::max(most, samples[i]["cps"].get<double>());
  std::string row;
  for (std::size_t i = first; i < samples.size(); ++i)
    row +=
        kEighths[static_cast<std::size_t>(std::lround(8 * samples[i]["cps"].get<double>() / most))];
  return row;
}

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}

  void add(std::string text, TopStyle style = TopStyle::plain) {
    // Long words are broken where a blank is; the rest begins further in.
    while (text.size() > width_) {
      std::size_t at = text.rfind(' ', width_);
      if (at == text.npos || at < width_ / 3) at = width_;
      lines_.push_back({text.substr(0, at), style});
      text = "  " + text.substr(std::min(text.size(), at + (at < width_ ? 1 : 0)));
    }
    lines_.push_back({std::move(text), style});
  }
  void add_raw(std::string text, TopStyle style) { lines_.push_back({std::move(text), style}); }
  std::size_t width() const { return width_; }
  std::vector<TopLine> take() && { return std::move(lines_); }

 private:
  std::size_t width_;
  std::vector<TopLine> lines_;
};

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
  page.add_raw(curve(samples, page.width()), TopStyle::good);
  if (const Json& latency = s["latency_us"]; !latency.is_null())
    page.add(fmt::format("latency       p50 {}   p99 {}",
                         time_of(latency["p50"].get<double>() / 1e6),
                         time_of(latency["p99"].get<double>() / 1e6)));
  const Json& states = s["states"];
  page.add(fmt::format("connections   handshake {}   open {}   closing {}   reset {}/s",
                       amount(states["handshake"]), amount(states["open"]),
                       amount(states["closing"]), amount(s["reset_cps"])));
}

void add_time_wait(Page& page, const char* name, const Json& t) {
  const double now = t["now"], capacity = t["capacity"];
  const double share = capacity > 0 ? now / capacity : 0;
  page.add(
      fmt::format("{} {} {} of {}", name, bar(share, std::min<std::size_t>(30, page.width() / 3)),
                  amount(now), amount(capacity)),
      share > 0.98 ? TopStyle::bad : TopStyle::title);
  page.add(fmt::format("  rate x hold = {}/s x {} = {}", amount(t["opened_cps"]),
                       time_of(t["hold_s"]), amount(t["little"])));
  page.add(fmt::format(
      "  expired {}/s   evicted {}/s{}   skipped {}/s", amount(t["expired_cps"]),
      amount(t["evicted_cps"]),
      t["evicted_age_s"].is_null() ? "" : " after " + time_of(t["evicted_age_s"].get<double>()),
      amount(t["skipped_cps"])));
}

void add_busy(Page& page, const char* name, const Json& busy) {
  for (std::size_t i = 0; i < busy.size(); ++i)
    page.add(fmt::format("{} {:<3} {} {:.0f} %", name, i,
                         bar(busy[i].get<double>(), std::min<std::size_t>(30, page.width() / 3)),
                         100 * busy[i].get<double>()));
}

void add_drops(Page& page, const Json& sample) {
  std::string drops;
  for (const auto& [why, rate] : sample["drops"].items())
    drops += fmt::format("{}{} {}/s", drops.empty() ? "" : ", ", why, amount(rate.get<double>()));
  if (!drops.empty()) page.add("drops         " + drops);
  const Json& harm = sample["harm"];
  page.add(fmt::format("harm          RST to a last ACK {}/s   reset in LAST_ACK {}/s",
                       amount(harm["rst_to_last_ack"]), amount(harm["reset_in_last_ack"])));
}

}  // namespace

std::vector<TopLine> top_lines(const std::vector<Json>& samples, std::size_t width) {
  Page page(std::max<std::size_t>(width, 20));
  const Json& s = samples.back();
  const std::string policy = s["policy"];
  page.add("Mayfly   " + (policy.empty() ? "as the file says" : "policy " + policy),
           TopStyle::title);
  add_problems(page, s);
  page.add("");
  add_rates(page, samples);
  page.add("");
  add_time_wait(page, "TIME_WAIT    ", s["time_wait"]);
  if (s.contains("client")) add_time_wait(page, "at the client", s["client"]["time_wait"]);
  page.add("");
  add_busy(page, "core     ", s["busy"]);
  if (s.contains("client")) add_busy(page, "its core ", s["client"]["busy"]);
  add_drops(page, s);
  for (const Json& link : s["links"])
    page.add(fmt::format("link          {} {}", link["state"].get<std::string>(),
                         link["device"].get<std::string>()));
  return std::move(page).take();
}

}  // namespace mayfly::admin
