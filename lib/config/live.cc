#include "config/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "config/read.h"
#include "config/units.h"

namespace mayfly {
namespace {

constexpr std::array<std::string_view, 4> kLive{"close", "fin_wait_2", "tcp", "time_wait"};

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

/// Where the value of `key` comes from: the last override that has it, or else the file.
std::string origin_of(std::string_view key, const ConfigSource& source) {
  const auto found = std::find_if(source.sets.rbegin(), source.sets.rend(), [&](const auto& set) {
    return key_of(set) == key || is_below(key, key_of(set));
  });
  return found == source.sets.rend() ? source.file : "--set " + *found;
}

/// What of the changes has to wait for a restart, and why.
std::vector<ConfigError> refused(const std::vector<KeyChange>& changes, const EndSettings& start,
                                 const EndSettings& wanted, const ConfigSource& source) {
  std::vector<ConfigError> errors;
  const auto refuse = [&](const std::string& key, std::string what, std::string hint) {
    errors.push_back({.file = origin_of(key, source),
                      .key = key,
                      .what = std::move(what),
                      .hint = std::move(hint)});
  };
  const auto limit = [&](const std::string& key, std::uint32_t value, std::uint32_t most) {
    if (value > most)
      refuse(key, fmt::format("memory was taken for {}", format_count(most)),
             fmt::format("{} needs a restart", format_count(value)));
  };
  for (const KeyChange& change : changes) {
    const bool is_live = std::any_of(kLive.begin(), kLive.end(),
                                     [&](auto map) { return is_below(change.key, map); });
    if (is_live) continue;
    refuse(change.key, "cannot change while it runs",
           fmt::format("{} -> {} needs a restart", shown(change.from), shown(change.to)));
  }
  limit("time_wait.capacity", wanted.shard.time_wait.capacity, start.shard.time_wait.capacity);
  limit("tcp.receive_window", wanted.shard.tcp.receive_window, start.shard.tcp.receive_window);
  return errors;
}

}  // namespace

template <class T>
LiveSettings<T>::LiveSettings(ConfigSource source, T start, Objection objection)
    : source_(std::move(source)),
      start_(std::move(start)),
      now_(start_),
      objection_(std::move(objection)) {}

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
  return take(source_, overrides_);
}

template <class T>
Change LiveSettings<T>::take(ConfigSource source, std::vector<std::string> overrides) {
  ConfigSource whole = source;
  whole.sets.insert(whole.sets.end(), overrides.begin(), overrides.end());
  Loaded<T> loaded = read(whole, now_);
  if (!loaded.settings) return {{}, std::move(loaded.errors)};
  Change change{.changes = difference(describe(now_), describe(*loaded.settings)), .errors = {}};
  change.errors = refused(change.changes, start_, *loaded.settings, whole);
  if (change.errors.empty() && objection_)
    if (std::string why = objection_(*loaded.settings); !why.empty())
      change.errors.push_back({.file = whole.file, .what = std::move(why)});
  if (!change.errors.empty()) return {{}, std::move(change.errors)};
  source_ = std::move(source);
  overrides_ = std::move(overrides);
  now_ = *std::move(loaded.settings);
  return change;
}

template class LiveSettings<ServeSettings>;
template class LiveSettings<LoadSettings>;

}  // namespace mayfly
