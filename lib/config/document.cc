#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "config/utf8.h"

namespace mayfly {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kListItemsMax = 65'536;

/// Copies yaml-cpp's graph into a tree. Aliases can make that graph cyclic, or a tree of 2^n nodes.
class Copier {
 public:
  Copier(const Place& origin, Report& report) : origin_(origin), report_(report) {}

  std::optional<Value> copy(const YAML::Node& node, int depth = 0) {
    constexpr int kDepthMax = 32, kNodesMax = 200'000;
    Value value{.place = place(node.Mark())};
    if (depth > kDepthMax || ++nodes_ > kNodesMax) {
      report_.add(value.place, "", "is nested too deeply or has too many values");
      return std::nullopt;
    }
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return value;
      case YAML::NodeType::Scalar:
        value.kind = Value::Kind::scalar;
        value.text = node.Scalar();
        return value;
      case YAML::NodeType::Sequence:
        value.kind = Value::Kind::list;
        return copy_items(node, depth, value) ? std::optional(std::move(value)) : std::nullopt;
      case YAML::NodeType::Map:
        value.kind = Value::Kind::map;
        return copy_entries(node, depth, value) ? std::optional(std::move(value)) : std::nullopt;
    }
    return value;
  }

 private:
  Place place(const YAML::Mark& mark) const {
    if (!origin_.override_text.empty()) return origin_;
    return {mark.line + 1, mark.column + 1, {}};
  }

  bool copy_items(const YAML::Node& node, int depth, Value& list) {
    for (const YAML::Node& item : node) {
      std::optional<Value> value = copy(item, depth + 1);
      if (!value) return false;
      list.items.push_back(*std::move(value));
    }
    return true;
  }

  bool copy_entries(const YAML::Node& node, int depth, Value& map) {
    for (const auto& entry : node) {
      const Place at = place(entry.first.Mark());
      if (!entry.first.IsScalar()) {
        report_.add(at, "", "a key must be a word");
        return false;
      }
      std::optional<Value> value = copy(entry.second, depth + 1);
      if (!value) return false;
      // yaml-cpp gives an empty value no place of its own.
      if (value->kind == Value::Kind::null) value->place = at;
      map.entries.push_back({entry.first.Scalar(), at, *std::move(value)});
    }
    return true;
  }

  const Place& origin_;
  Report& report_;
  int nodes_ = 0;
};

/// `origin` is where the text came from if that is an override.
std::optional<Value> parse(const std::string& text, const Place& origin, Report& report) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      report.add(origin, "", "holds more than one YAML document", "remove the lines `---`");
      return std::nullopt;
    }
    if (documents.empty()) return Value{.place = origin};
    return Copier(origin, report).copy(documents[0]);
  } catch (const YAML::Exception& exception) {
    Place place = origin;
    if (!exception.mark.is_null()) {
      place.line = exception.mark.line + 1;
      place.column = exception.mark.column + 1;
    }
    report.add(place, "", "YAML syntax: " + exception.msg);
  } catch (const std::exception& exception) {
    report.add(origin, "", fmt::format("cannot be parsed: {}", exception.what()));
  }
  return std::nullopt;
}

std::optional<std::string> read_text(const std::string& path, Report& report) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    report.add({}, "", "is a folder", "a YAML file is needed");
    return std::nullopt;
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  if (!file || (file.read(text.data(), static_cast<std::streamsize>(text.size())), file.bad())) {
    report.add({}, "", fmt::format("cannot be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    report.add({}, "", "is larger than 1 MiB");
    return std::nullopt;
  }
  if (const std::optional<TextPosition> at = find_non_text(text)) {
    report.add({at->line, at->column, {}}, "", "is not UTF-8 text");
    return std::nullopt;
  }
  return text;
}

std::optional<std::size_t> index_of(std::string_view word) {
  std::size_t index = 0;
  const char* end = word.data() + word.size();
  const auto [stopped, failure] = std::from_chars(word.data(), end, index);
  if (failure != std::errc{} || stopped != end) return std::nullopt;
  return index;
}

/// One step of a path: the child of that name or index, or null.
const Value* child(const Value& parent, std::string_view word) {
  if (parent.kind == Value::Kind::map) {
    const auto entry = std::find_if(parent.entries.begin(), parent.entries.end(),
                                    [word](const Value::Entry& e) { return e.key == word; });
    return entry == parent.entries.end() ? nullptr : &entry->value;
  }
  const std::optional<std::size_t> index = index_of(word);
  if (parent.kind != Value::Kind::list || !index) return nullptr;
  return *index < parent.items.size() ? &parent.items[*index] : nullptr;
}

/// Takes the first word off a dotted path.
std::string_view next_word(std::string_view& path) {
  const std::size_t dot = path.find('.');
  const std::string_view word = path.substr(0, dot);
  path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  return word;
}

/// The child to write to: made if it is missing. Null if `parent` cannot have such a child.
Value* child_to_write(Value& parent, std::string_view word, const Place& place) {
  const std::optional<std::size_t> index = index_of(word);
  if (parent.kind == Value::Kind::null) {
    parent.kind = index ? Value::Kind::list : Value::Kind::map;
    parent.place = place;
  }
  if (const Value* there = child(parent, word)) return const_cast<Value*>(there);
  if (parent.kind == Value::Kind::map) {
    parent.entries.push_back({std::string(word), place, Value{.place = place}});
    return &parent.entries.back().value;
  }
  const bool appends = parent.kind == Value::Kind::list && index == parent.items.size();
  if (!appends || parent.items.size() >= kListItemsMax) return nullptr;
  parent.items.push_back(Value{.place = place});
  return &parent.items.back();
}

std::string why_not(const Value& parent, std::string_view word) {
  if (parent.kind == Value::Kind::scalar) return "is a plain value and has no keys below it";
  if (!index_of(word)) return fmt::format("is a list: {} is no index into it", in_quotes(word));
  return fmt::format("has {} elements: the next index is {}", parent.items.size(),
                     parent.items.size());
}

void apply_override(Value& root, const std::string& text, Report& report) {
  const Place place{0, 0, text};
  const std::size_t equals = text.find('=');
  const std::string_view path = std::string_view(text).substr(0, equals);
  if (equals == std::string::npos || path.empty() || path.starts_with('.') || path.ends_with('.') ||
      path.find("..") != std::string_view::npos || find_non_text(text)) {
    report.add(Place{0, 0, text.empty() ? "''" : text}, "", "is no override",
               "KEY=VALUE, such as time_wait.hold=5s or ports.0.vlan=12");
    return;
  }
  std::optional<Value> value = parse(text.substr(equals + 1), place, report);
  if (!value) return;
  Value* target = &root;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t reached = path.size() - rest.size();
    const std::string_view word = next_word(rest);
    Value* next = child_to_write(*target, word, place);
    if (next == nullptr) {
      const std::string_view parent = path.substr(0, reached == 0 ? 0 : reached - 1);
      report.add(place, std::string(parent), why_not(*target, word));
      return;
    }
    target = next;
  }
  *target = *std::move(value);
}

}  // namespace

std::string_view kind_name(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::null: return "nothing";
    case Value::Kind::scalar: return "a plain value";
    case Value::Kind::list: return "a list";
    case Value::Kind::map: return "a map";
  }
  return "nothing";
}

std::optional<Value> read_document(const std::string& path, std::span<const std::string> overrides,
                                   Report& report) {
  const std::optional<std::string> text = read_text(path, report);
  if (!text) return std::nullopt;
  std::optional<Value> root = parse(*text, Place{}, report);
  if (!root) return std::nullopt;
  if (root->kind == Value::Kind::null) {
    report.add(root->place, "", "is empty", "see conf/ for examples");
    return std::nullopt;
  }
  if (root->kind != Value::Kind::map) {
    report.add(root->place, "", fmt::format("must be a map, is {}", kind_name(root->kind)),
               "lines such as `cores: [0]`");
    return std::nullopt;
  }
  for (const std::string& text_of_override : overrides) {
    apply_override(*root, text_of_override, report);
  }
  return root;
}

const Value* find(const Value& root, std::string_view path) {
  const Value* value = &root;
  while (!path.empty() && value != nullptr) value = child(*value, next_word(path));
  return value;
}

Place nearest_place(const Value& root, std::string_view path) {
  const Value* value = &root;
  while (!path.empty()) {
    const Value* next = child(*value, next_word(path));
    if (next == nullptr) break;
    value = next;
  }
  return value->place;
}

}  // namespace mayfly
