// mayfly top: the live page in a terminal.
#include <fmt/format.h>
#include <ncurses.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/socket_client.h"
#include "admin/top_text.h"
#include "commands.h"

namespace mayfly::app {
namespace {

using Json = nlohmann::ordered_json;
using admin::top_lines, admin::TopLine, admin::TopStyle;

constexpr Duration kPatience = Duration::from_s(2);
constexpr std::size_t kSamplesMax = 600, kOnceLines = 40;

/// The terminal in curses' mode, for as long as this lives.
class Screen {
 public:
  Screen() {
    std::setlocale(LC_ALL, "");
    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    timeout(250);
    if (has_colors()) {
      start_color();
      use_default_colors();
      init_pair(1, COLOR_GREEN, -1);
      init_pair(2, COLOR_YELLOW, -1);
      init_pair(3, COLOR_RED, -1);
    }
  }
  ~Screen() { endwin(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void show(const std::vector<TopLine>& lines, const std::string& foot) {
    erase();
    const int last = LINES - 1;
    for (int i = 0; i < last && i < static_cast<int>(lines.size()); ++i) {
      const auto& [text, style] = lines[static_cast<std::size_t>(i)];
      const chtype how = look_of(style);
      attron(how);
      mvaddnstr(i, 0, text.c_str(), -1);
      attroff(how);
    }
    attron(A_REVERSE);
    mvaddnstr(last, 0, fmt::format("{:<{}}", foot, COLS - 1).c_str(), COLS - 1);
    attroff(A_REVERSE);
    refresh();
  }

 private:
  static chtype look_of(TopStyle style) {
    switch (style) {
      case TopStyle::title: return A_BOLD;
      case TopStyle::good: return COLOR_PAIR(1);
      case TopStyle::warn: return COLOR_PAIR(2) | A_BOLD;
      case TopStyle::bad: return COLOR_PAIR(3) | A_BOLD;
      case TopStyle::plain: break;
    }
    return A_NORMAL;
  }
};

/// The samples so far, and the policies that a key chooses from.
class Watched {
 public:
  explicit Watched(std::string socket) : socket_(std::move(socket)) {}

  /// Asks for the newest sample. An error if nobody answers.
  Result<void> look() {
    if (samples_.empty()) remember();
    auto json = ask("GET", "/api/sample", "");
    if (!json) return json.error();
    if (samples_.empty() || samples_.back()["t"] != (*json)["t"]) samples_.push_back(*json);
    if (samples_.size() > kSamplesMax) samples_.erase(samples_.begin());
    return {};
  }
  /// The next or previous policy in the order of the presets.
  Result<std::string> choose(int step) {
    const auto json = ask("GET", "/api/policy", "");
    if (!json) return json.error();
    std::vector<std::string> names;
    for (const Json& one : (*json)["policies"]) names.push_back(one["name"]);
    if (names.empty()) return Error{"there are no presets"};
    const auto here = std::ranges::find(names, (*json)["policy"].get<std::string>());
    const auto size = static_cast<int>(names.size());
    const int at = here == names.end() ? 0 : static_cast<int>(here - names.begin()) + step;
    const std::string name = names[static_cast<std::size_t>((at + size) % size)];
    const auto changed = ask("PUT", "/api/policy", Json{{"name", name}}.dump());
    if (!changed) return changed.error();
    if (changed->contains("error")) return Error{(*changed)["error"][0].get<std::string>()};
    return "policy " + name;
  }
  const std::vector<Json>& samples() const { return samples_; }

 private:
  /// The samples of the last ten minutes. Without an answer the curve begins now.
  void remember() {
    const auto answer = admin::ask_socket(socket_, "GET", "/api/samples", "", kPatience);
    if (!answer) return;
    const Json json = Json::parse(answer->body, nullptr, false);
    if (json.is_array()) samples_.assign(json.begin(), json.end());
  }
  Result<Json> ask(const char* method, const char* target, const std::string& body) const {
    const auto answer = admin::ask_socket(socket_, method, target, body, kPatience);
    if (!answer) return answer.error();
    Json json = Json::parse(answer->body, nullptr, false);
    if (!json.is_object()) return Error{socket_ + " gave an answer that is no JSON object"};
    return json;
  }

  std::string socket_;
  std::vector<Json> samples_;
};

int fail_with(const Error& error) {
  fmt::print(stderr, "mayfly: {}\n", error.what);
  return kRunFailed;
}

}  // namespace

int top_command(const CtlOptions& options) {
  Watched watched(options.socket);
  if (const auto looked = watched.look(); !looked) return fail_with(looked.error());
  if (options.is_once || isatty(STDOUT_FILENO) == 0) {
    for (const TopLine& line : top_lines(watched.samples(), 100, kOnceLines))
      fmt::print("{}\n", line.text);
    return kOk;
  }
  std::string foot = "q quit   n p next and previous policy";
  std::optional<Error> end;
  {
    Screen screen;
    while (!end) {
      screen.show(top_lines(watched.samples(), static_cast<std::size_t>(COLS),
                            static_cast<std::size_t>(LINES - 1)),
                  foot);
      const int key = getch();
      if (key == 'q') return kOk;
      if (key == 'n' || key == 'p') {
        const auto said = watched.choose(key == 'n' ? 1 : -1);
        foot = said ? *said : said.error().what;
      }
      if (const auto looked = watched.look(); !looked) end = looked.error();
    }
  }
  return fail_with(*end);
}

}  // namespace mayfly::app
