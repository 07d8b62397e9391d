#include "config/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "config/read.h"
#include "config/reference.h"
#include "config/units.h"

namespace mayfly::config {
namespace {

bool is_below(std::string_view key, std::string_view map) {
  return key.starts_with(map) && key.substr(map.size()).starts_with('.');
}

std::string_view key_of(std::string_view override_text) {
  return override_text.substr(0, override_text.find('='));
}

Loaded<ServeSettings> read(const ConfigSource& source, const ServeSettings&) {
  return read_serve_settings(source.file, source.sets, source.policy);
}
Loaded<LoadSettings> read(const ConfigSource& source, const LoadSettings&) {
  return read_load_settings(source.file, source.sets, source.policy);
}

/// The source of the value of `key`: the last override that has it, or else the file.
std::string origin_of(std::string_view key, const ConfigSource& source) {
  const auto found = std::find_if(source.sets.rbegin(), source.sets.rend(), [&](const auto& set) {
    return key_of(set) == key || is_below(key, key_of(set));
  });
  return found == source.sets.rend() ? source.file : "--set " + *found;
}

/// "time_wait.nearness.N.hold" for "time_wait.nearness.3.hold": the key's name in the reference.
std::string row_of(std::string_view key) {
  std::string row;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('.', begin), key.size());
    const std::string_view word = key.substr(begin, end - begin);
    const bool is_index = !word.empty() && std::ranges::all_of(word, [](char c) {
      return std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
    row += (row.empty() ? "" : ".") + std::string(is_index ? "N" : word);
    begin = end + 1;
  }
  return row;
}

using Rows = std::map<std::string, Mutability>;
Rows rows_of(const std::vector<KeyReference>& reference) {
  Rows rows;
  for (const KeyReference& key : reference) rows.emplace(key.path, key.mutability);
  return rows;
}
const Rows& rows(const ServeSettings&) {
  static const Rows all = rows_of(serve_reference());
  return all;
}
const Rows& rows(const LoadSettings&) {
  static const Rows all = rows_of(load_reference());
  return all;
}

/// The changes that need a restart, with the reasons.
std::vector<ConfigError> refused(const Rows& rows, const std::vector<KeyChange>& changes,
                                 const std::vector<KeyValue>& start, const ConfigSource& source) {
  std::vector<ConfigError> errors;
  const auto refuse = [&](const std::string& key, std::string what, std::string hint) {
    errors.push_back({.file = origin_of(key, source),
                      .key = key,
                      .what = std::move(what),
                      .hint = std::move(hint)});
  };
  const auto mutability_of = [&](const std::string& key) { return rows.at(row_of(key)); };
  for (const KeyChange& change : changes) {
    if (mutability_of(change.key) != Mutability::restart) continue;
    refuse(change.key, "cannot change while it runs",
           fmt::format("{} -> {} needs a restart", shown(change.from), shown(change.to)));
  }
  for (const KeyChange& change : changes) {
    if (mutability_of(change.key) != Mutability::live_to_start) continue;
    const auto most = std::ranges::find(start, change.key, &KeyValue::key);
    MAYFLY_ASSERT(most != start.end());
    if (*parse_count(change.to) > *parse_count(most->value))
      refuse(change.key, fmt::format("memory was allocated for {}", most->value),
             fmt::format("{} needs a restart", change.to));
  }
  return errors;
}

}  // namespace

template <class T>
LiveSettings<T>::LiveSettings(ConfigSource source, T start, Objection objection, Reader reader)
    : source_(std::move(source)),
      start_(std::move(start)),
      now_(start_),
      objection_(std::move(objection)),
      reader_(std::move(reader)) {}

template <class T>
Change LiveSettings<T>::set(std::span<const std::string> overrides) {
  std::vector<std::string> all = overrides_;
  for (const std::string& text : overrides) {
    std::erase_if(all, [&](const auto& earlier) { return key_of(earlier) == key_of(text); });
    all.push_back(text);
  }
  return take(source_, std::move(all));
}

template <class T>
Change LiveSettings<T>::policy(const std::string& name) {
  ConfigSource source = source_;
  source.policy = name;
  return take(std::move(source), overrides_);
}

template <class T>
Change LiveSettings<T>::reload() {
  return take(source_, overrides_, true);
}

template <class T>
Change LiveSettings<T>::unset(std::span<const std::string> keys) {
  std::vector<std::string> all = overrides_;
  Change refused;
  for (const std::string& key : keys) {
    const std::size_t gone =
        std::erase_if(all, [&](const auto& earlier) { return key_of(earlier) == key; });
    if (gone == 0)
      refused.errors.push_back({.key = key,
                                .what = "was not set while it runs, so nothing is "
                                        "to be taken back"});
  }
  return refused.errors.empty() ? take(source_, std::move(all)) : refused;
}

template <class T>
Change LiveSettings<T>::take(ConfigSource source, std::vector<std::string> overrides,
                             bool rereads) {
  ConfigSource whole = source;
  whole.sets.insert(whole.sets.end(), overrides.begin(), overrides.end());
  Loaded<T> loaded = reader_ ? reader_(whole) : read(whole, now_);
  if (!loaded.settings) return {{}, std::move(loaded.errors)};
  Change change{.changes = difference(describe(now_), describe(*loaded.settings)), .errors = {}};
  change.errors = refused(rows(now_), change.changes, describe(start_), whole);
  if (change.errors.empty() && objection_)
    if (const auto possible = objection_(*loaded.settings, rereads); !possible)
      change.errors.push_back({.file = whole.file, .what = possible.error().what});
  if (!change.errors.empty()) return {{}, std::move(change.errors)};
  source_ = std::move(source);
  overrides_ = std::move(overrides);
  now_ = *std::move(loaded.settings);
  return change;
}

template class LiveSettings<ServeSettings>;
template class LiveSettings<LoadSettings>;

}  // namespace mayfly::config
