#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "config/utf8.h"

namespace mayfly::config {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kListItemsMax = 65'536;

/// The number of values in a tree.
std::size_t size_of(const Value& value) {
  std::size_t size = 1;
  for (const Value& item : value.items) size += size_of(item);
  for (const Value::Entry& entry : value.entries) size += size_of(entry.value);
  return size;
}

/// Builds a tree from the events of the parser, within limits: with aliases n lines can make 2^n
/// values.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const Place& origin) : origin_(origin) { root_.place = origin; }

  Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(Value::Kind::null, mark), mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& text) override {
    Value value = make(Value::Kind::scalar, mark);
    // The parser gives the escapes \N and \_ as one octet each, 85 and a0: the file itself is
    // UTF-8.
    value.text = well_formed(text);
    add(std::move(value), mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto named = anchors_.find(anchor);
    if (named == anchors_.end()) throw YAML::ParserException(mark, "an alias within its own value");
    count(size_of(named->second), mark);
    add(Value(named->second), mark, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Value::Kind::list, mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Value::Kind::map, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that is not complete.
  struct Open {
    Value value;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::optional<Value> key;  ///< of a map, while its value is missing
  };

  Value make(Value::Kind kind, const YAML::Mark& mark) {
    count(1, mark);
    Value value{.kind = kind, .place = origin_};
    if (!origin_.override_text.empty()) return value;
    value.place.line = mark.line + 1;
    value.place.column = mark.column + 1;
    return value;
  }

  void count(std::size_t values, const YAML::Mark& mark) {
    constexpr std::size_t kValuesMax = 100'000;
    values_ += values;
    if (values_ > kValuesMax) throw YAML::ParserException(mark, "too many values");
  }

  void open(Value::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    constexpr std::size_t kDepthMax = 32;
    if (open_.size() == kDepthMax) throw YAML::ParserException(mark, "nested too deeply");
    open_.push_back({make(kind, mark), mark, anchor, std::nullopt});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.mark, done.anchor);
  }

  void add(Value value, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      count(size_of(value), mark);
      anchors_[anchor] = value;
    }
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Open& parent = open_.back(); parent.value.kind == Value::Kind::list) {
      parent.value.items.push_back(std::move(value));
    } else if (parent.key) {
      add_entry(parent, std::move(value));
    } else if (value.kind == Value::Kind::scalar) {
      parent.key = std::move(value);
    } else {
      throw YAML::ParserException(mark, "a key must be a word");
    }
  }

  static void add_entry(Open& map, Value value) {
    Place place = map.key->place;
    // The parser places a missing value at the begin of the next key.
    if (value.kind == Value::Kind::null) value.place = place;
    map.value.entries.push_back({std::move(map.key->text), std::move(place), std::move(value)});
    map.key.reset();
  }

  const Place& origin_;
  Value root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Value> anchors_;
  std::size_t values_ = 0;
};

/// The first document of the text; a null value if there is none. `origin` is the override that
/// contains the text, if any.
std::optional<Value> parse(const std::string& text, const Place& origin, Report& report) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder first(origin), rest(origin);
    parser.HandleNextDocument(first);
    // Not "while": before a stray "," the parser finds empty documents forever.
    if (!parser.HandleNextDocument(rest)) return first.take();
    report.add(origin, "", "continues after its first YAML document",
               "a stray character, or `---` between two documents");
  } catch (const YAML::Exception& exception) {
    Place place = origin;
    if (!exception.mark.is_null()) {
      place.line = exception.mark.line + 1;
      place.column = exception.mark.column + 1;
    }
    report.add(place, "", "YAML: " + exception.msg);
  } catch (const std::exception& exception) {
    report.add(origin, "", fmt::format("cannot be parsed: {}", exception.what()));
  }
  return std::nullopt;
}

std::optional<std::string> read_text(const std::string& path, const Place& origin, Report& report) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    report.add(origin, "", "is a folder", "a YAML file is needed");
    return std::nullopt;
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  if (!file || (file.read(text.data(), static_cast<std::streamsize>(text.size())), file.bad())) {
    report.add(origin, "", fmt::format("cannot be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    report.add(origin, "", "is larger than 1 MiB");
    return std::nullopt;
  }
  if (const std::optional<TextPosition> at = find_non_text(text)) {
    Place place = origin;
    place.line = at->line;
    place.column = at->column;
    report.add(place, "", "is not UTF-8 text");
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

/// The child of that name or index, or null.
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

/// Removes the first word of a dotted path and returns it.
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

void lay_override(Value& root, const std::string& text, Report& report) {
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

std::optional<Value> read_document(const std::string& path, const Place& origin, Report& report) {
  const std::optional<std::string> text = read_text(path, origin, report);
  if (!text) return std::nullopt;
  std::optional<Value> root = parse(*text, origin, report);
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
  return root;
}

void lay_overrides(Value& root, std::span<const std::string> overrides, Report& report) {
  for (const std::string& text : overrides) lay_override(root, text, report);
}

void lay_over(Value& under, const Value& over) {
  using Kind = Value::Kind;
  if (under.kind == Kind::map && over.kind == Kind::null) return;
  if (under.kind != Kind::map || over.kind != Kind::map) {
    under = over;
    return;
  }
  for (auto entry = over.entries.begin(); entry != over.entries.end(); ++entry) {
    const auto has_its_key = [&](const Value::Entry& other) { return other.key == entry->key; };
    const auto there = std::find_if(under.entries.begin(), under.entries.end(), has_its_key);
    // A key that is twice in `over` stays twice, so that check_names reports it.
    if (there == under.entries.end() || std::any_of(over.entries.begin(), entry, has_its_key)) {
      under.entries.push_back(*entry);
    } else {
      there->place = entry->place;
      lay_over(there->value, entry->value);
    }
  }
}

Value with_prefix(Value value, const std::string& prefix) {
  value.place.prefix = prefix;
  for (Value& item : value.items) item = with_prefix(std::move(item), prefix);
  for (Value::Entry& entry : value.entries) {
    entry.place.prefix = prefix;
    entry.value = with_prefix(std::move(entry.value), prefix);
  }
  return value;
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

}  // namespace mayfly::config
