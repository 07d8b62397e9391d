#include "config/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace mayfly::config {

std::string to_string(const ConfigError& error) {
  std::string text = error.file;
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  text += error.key.empty() ? ": " : fmt::format(" {}: ", error.key);
  text += error.what;
  if (!error.hint.empty()) text += fmt::format(" ({})", error.hint);
  return text;
}

std::string Report::Finding::full_key() const { return join_key(place.prefix, key); }

bool Report::Finding::is_same(const Finding& other) const {
  const auto where = [](const Place& p) {
    return std::tie(p.line, p.column, p.override_text, p.file);
  };
  return where(place) == where(other.place) && what == other.what && full_key() == other.full_key();
}

void Report::add(const Place& place, std::string key, std::string what, std::string hint) {
  constexpr std::size_t kErrorsMax = 1'000;
  if (findings_.size() == kErrorsMax) {
    ++left_out_;
    return;
  }
  findings_.push_back({place, std::move(key), std::move(what), std::move(hint)});
  // A line within an override is of no use: the override is shown as a whole.
  if (Place& at = findings_.back().place; !at.override_text.empty()) at.line = at.column = 0;
}

void Report::note(const Place& place, std::string key, std::string what, std::string hint) {
  notes_.push_back({place, std::move(key), std::move(what), std::move(hint)});
  if (Place& at = notes_.back().place; !at.override_text.empty()) at.line = at.column = 0;
}

void Report::absorb(Report part, std::string_view context) {
  for (Finding& finding : part.findings_) {
    const bool is_known = std::any_of(findings_.begin(), findings_.end(),
                                      [&](const Finding& known) { return finding.is_same(known); });
    if (is_known) continue;
    if (finding.place.prefix.empty() && !context.empty()) {
      finding.hint += (finding.hint.empty() ? "" : "; ") + std::string(context);
    }
    finding.key = finding.full_key();
    finding.place.prefix.clear();
    add(finding.place, std::move(finding.key), std::move(finding.what), std::move(finding.hint));
  }
  left_out_ += part.left_out_;
  for (Finding& note : part.notes_)
    if (std::ranges::none_of(notes_, [&](const Finding& known) { return note.is_same(known); }))
      notes_.push_back(std::move(note));
}

bool Report::concerns(std::string_view key, std::size_t count) const {
  const auto is_at_or_below = [](std::string_view path, std::string_view top) {
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '.');
  };
  const auto end = findings_.begin() + static_cast<std::ptrdiff_t>(std::min(count, size()));
  return std::any_of(findings_.begin(), end, [&](const Finding& finding) {
    return !finding.key.empty() &&
           (is_at_or_below(finding.key, key) || is_at_or_below(key, finding.key));
  });
}

ConfigError Report::told(Finding finding) const {
  const Place& place = finding.place;
  const std::string& file = place.file.empty() ? file_ : place.file;
  return {.file = place.override_text.empty() ? file : "--set " + place.override_text,
          .line = place.line,
          .column = place.column,
          .key = finding.full_key(),
          .what = std::move(finding.what),
          .hint = std::move(finding.hint)};
}

std::vector<ConfigError> Report::take() {
  std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  std::vector<ConfigError> errors;
  for (Finding& finding : findings_) errors.push_back(told(std::move(finding)));
  if (left_out_ > 0) {
    errors.push_back({.file = file_, .what = fmt::format("has {} more errors", left_out_)});
  }
  return errors;
}

std::vector<ConfigError> Report::take_notes() {
  std::vector<ConfigError> notes;
  for (Finding& note : notes_) notes.push_back(told(std::move(note)));
  return notes;
}

std::string join_key(std::string_view path, std::string_view name) {
  if (path.empty() || name.empty()) return std::string(path.empty() ? name : path);
  return fmt::format("{}.{}", path, name);
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

/// Levenshtein's distance: the number of insertions, deletions and replacements between two words.
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
    // A distance as long as the word means that nothing is alike.
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace mayfly::config
