// Lists of what a command writes as JSON: a row gives the key its value and doc/json.md its line.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/metric.h"

namespace mayfly {

/// A key as doc/json.md shows it.
struct JsonKey {
  std::string path;  ///< "time_wait.now"; N stands for each place of an array
  std::string type;  ///< a MetricKind, or "number", "text", "boolean", "array", "object"
  std::string unit;  ///< may be empty
  std::string help;
};

/// The row of a key in doc/json.md, a Markdown table.
inline std::string to_markdown(const JsonKey& key) {
  return "| `" + key.path + "` | " + key.type + " | " + key.unit + " | " + key.help + " |";
}

/// A key that is made of a T.
template <class T>
struct JsonField {
  std::string_view path, type, unit, help;
  nlohmann::ordered_json (*of)(const T& from);
};

/// json["a"]["b"] = value for the path "a.b". What is there already is no plain value on the way.
inline void set_at(nlohmann::ordered_json& json, std::string_view path,
                   nlohmann::ordered_json value) {
  nlohmann::ordered_json* at = &json;
  for (std::size_t dot; (dot = path.find('.')) != path.npos; path.remove_prefix(dot + 1))
    at = &(*at)[std::string(path.substr(0, dot))];
  (*at)[std::string(path)] = std::move(value);
}

template <class T, std::size_t N>
void write_fields(nlohmann::ordered_json& json, const std::array<JsonField<T>, N>& fields,
                  const T& from) {
  for (const JsonField<T>& field : fields) set_at(json, field.path, field.of(from));
}

/// An array with an object for each of `things`.
template <class Things, class T, std::size_t N>
nlohmann::ordered_json objects_of(const Things& things, const std::array<JsonField<T>, N>& fields) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const T& thing : things) {
    nlohmann::ordered_json object;
    write_fields(object, fields, thing);
    array.push_back(std::move(object));
  }
  return array;
}

template <class Stats, class Value, std::size_t N>
void write_metrics(nlohmann::ordered_json& json, const std::array<Metric<Stats, Value>, N>& metrics,
                   const Stats& stats) {
  for (const Metric<Stats, Value>& metric : metrics) {
    const std::uint64_t value = amount_of(stats.*metric.value);
    if (metric.unit == "us") {
      set_at(json, metric.path, static_cast<double>(value) / 1e6);
    } else {
      set_at(json, metric.path, value);
    }
  }
}

template <class T, std::size_t N>
void list_keys(std::vector<JsonKey>& keys, const std::array<JsonField<T>, N>& fields,
               const std::string& above = "") {
  for (const JsonField<T>& f : fields)
    keys.push_back({above + std::string(f.path), std::string(f.type), std::string(f.unit),
                    std::string(f.help)});
}

template <class Stats, class Value, std::size_t N>
void list_keys(std::vector<JsonKey>& keys, const std::array<Metric<Stats, Value>, N>& metrics,
               const std::string& above = "") {
  for (const Metric<Stats, Value>& m : metrics)
    keys.push_back({above + std::string(m.path), std::string(name_of(m.kind)),
                    std::string(m.unit == "us" ? "s" : m.unit), std::string(m.help)});
}

}  // namespace mayfly
