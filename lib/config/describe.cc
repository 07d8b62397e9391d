#include "config/describe.h"

#include <fmt/format.h>

#include <map>

#include "config/schema.h"

namespace mayfly::config {
namespace {

template <class T>
std::vector<KeyValue> described(const Schema<T>& schema, const T& settings) {
  std::vector<KeyValue> values;
  map(schema).describe(settings, "", values);
  return values;
}

}  // namespace

std::vector<KeyValue> describe(const ServeSettings& settings) {
  return described(serve_schema(), settings);
}

std::vector<KeyValue> describe(const LoadSettings& settings) {
  return described(load_schema(), settings);
}

std::vector<KeyChange> difference(const std::vector<KeyValue>& before,
                                  const std::vector<KeyValue>& after) {
  constexpr const char* kNone = "none";
  std::map<std::string, std::string> old;
  for (const auto& [key, value] : before) old.emplace(key, value);
  std::vector<KeyChange> changes;
  for (const auto& [key, value] : after) {
    const auto was = old.extract(key);
    const std::string from = was ? was.mapped() : kNone;
    if (from != value) changes.push_back({key, from, value});
  }
  for (const auto& [key, value] : old)
    if (value != kNone) changes.push_back({key, value, kNone});
  return changes;
}

std::string to_string(const KeyChange& change) {
  return fmt::format("{} {} -> {}", change.key, change.from, change.to);
}

}  // namespace mayfly::config
