// A YAML text as a plain tree in which every value knows its place. Only this file's twin knows
// yaml-cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace mayfly::config {

/// A YAML value. Which of the last three members counts depends on `kind`.
struct Value {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  Place place;
  std::string text;            ///< of a scalar, unquoted
  std::vector<Value> items;    ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the order of the file; a key may be there twice
};

struct Value::Entry {
  std::string key;
  Place place;  ///< of the key
  Value value;
};

/// "a list", "a map", "text" or "nothing".
std::string_view kind_name(Value::Kind kind);

/// Reads the file (UTF-8, at most 1 MiB, one document, a map). Its values are placed in
/// `origin.file`, the report's own if that is empty. Nothing if the file is of no use; then
/// `report` says why. No exception leaves.
std::optional<Value> read_document(const std::string& path, const Place& origin, Report& report);

/// Lays "KEY=VALUE" texts over `root`, the later over the earlier. One that cannot be laid is left
/// out, and `report` says why.
void lay_overrides(Value& root, std::span<const std::string> overrides, Report& report);

/// Lays one document over another, key by key: maps are merged, all else is replaced. A map without
/// a value (all its keys are commented out) changes nothing.
void lay_over(Value& under, const Value& over);

/// The same value, to be laid elsewhere: messages about it have `prefix` before the key.
Value with_prefix(Value value, const std::string& prefix);

/// What "ports.0.device" names below `root`; null if it is not there.
const Value* find(const Value& root, std::string_view path);

/// Where `path` was written, or the closest place above it that was.
Place nearest_place(const Value& root, std::string_view path);

}  // namespace mayfly::config
