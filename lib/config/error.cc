#include "config/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace mayfly {

std::string to_string(const ConfigError& error) {
  std::string text = error.file;
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  text += error.key.empty() ? ": " : fmt::format(" {}: ", error.key);
  text += error.what;
  if (!error.hint.empty()) text += fmt::format(" ({})", error.hint);
  return text;
}

void Report::add(const Place& place, std::string key, std::string what, std::string hint) {
  constexpr std::size_t kErrorsMax = 1'000;
  if (errors_.size() == kErrorsMax) {
    ++left_out_;
    return;
  }
  const bool overridden = !place.override_text.empty();
  errors_.push_back({.file = overridden ? "--set " + place.override_text : file_,
                     .line = overridden ? 0 : place.line,
                     .column = overridden ? 0 : place.column,
                     .key = std::move(key),
                     .what = std::move(what),
                     .hint = std::move(hint)});
}

bool Report::concerns(std::string_view key, std::size_t count) const {
  const auto is_at_or_below = [](std::string_view path, std::string_view top) {
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '.');
  };
  const auto end = errors_.begin() + static_cast<std::ptrdiff_t>(std::min(count, errors_.size()));
  return std::any_of(errors_.begin(), end, [&](const ConfigError& error) {
    return !error.key.empty() && (is_at_or_below(error.key, key) || is_at_or_below(key, error.key));
  });
}

std::vector<ConfigError> Report::take() {
  std::stable_sort(errors_.begin(), errors_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  if (left_out_ > 0) {
    errors_.push_back({.file = file_, .what = fmt::format("has {} more errors", left_out_)});
  }
  return std::move(errors_);
}

std::string join_key(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShownMax = 40;
  std::size_t end = std::min(text.size(), kShownMax);
  const bool is_cut = end < text.size();
  // A UTF-8 sequence is not cut in two.
  while (is_cut && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  std::string shown(text.substr(0, end));
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return is_cut ? shown + "..." : shown;
}

std::string in_quotes(std::string_view text) { return fmt::format("\"{}\"", shown(text)); }

namespace {

/// Levenshtein's distance: the insertions, deletions and replacements from one word to the other.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestKey = 64;
  if (word.size() > kLongestKey) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    // A distance of the whole word is no likeness at all.
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace mayfly
