// A YAML text as a plain tree in which every value has its place in the file. Only document.cc
// depends on yaml-cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace mayfly::config {

/// A YAML value. `kind` decides which of the last three members is used.
struct Value {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  Place place;
  std::string text;            ///< of a scalar, unquoted
  std::vector<Value> items;    ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the order of the file; a key may be there twice
};

/// A key of a map with its value.
struct Value::Entry {
  std::string key;
  Place place;  ///< of the key
  Value value;
};

/// "a list", "a map", "text" or "nothing".
std::string_view kind_name(Value::Kind kind);

/// Reads the file (UTF-8, at most 1 MiB, one document, a map). The places of its values have
/// `origin.file`, or that of the report if it is empty. nullopt if the file cannot be used; then
/// `report` has the reason. Throws nothing.
std::optional<Value> read_document(const std::string& path, const Place& origin, Report& report);

/// Lays "KEY=VALUE" texts over `root`, the later over the earlier. One that cannot be laid is left
/// out, and `report` gets the reason.
void lay_overrides(Value& root, std::span<const std::string> overrides, Report& report);

/// Lays one document over another, key by key: maps are merged, all else is replaced. A map without
/// a value (because all its keys are commented out) changes nothing.
void lay_over(Value& under, const Value& over);

/// The same value, to be laid at another place: messages about it have `prefix` before the key.
Value with_prefix(Value value, const std::string& prefix);

/// The value at a path such as "ports.0.device" below `root`; null if there is none.
const Value* find(const Value& root, std::string_view path);

/// The place of the value at `path`, or that of the closest value above it.
Place nearest_place(const Value& root, std::string_view path);

}  // namespace mayfly::config
