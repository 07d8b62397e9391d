#include "config/reference.h"

#include <fmt/format.h>

#include <string_view>

#include "config/schema.h"

namespace mayfly::config {
namespace {

template <class T>
std::vector<KeyReference> reference_of(const Schema<T>& schema) {
  std::vector<KeyReference> keys;
  map(schema).list_keys(T{}, "", keys);
  return keys;
}

}  // namespace

std::vector<KeyReference> serve_reference() { return reference_of(serve_schema()); }
std::vector<KeyReference> load_reference() { return reference_of(load_schema()); }
std::vector<KeyReference> lab_reference() { return reference_of(lab_schema()); }
std::vector<KeyReference> policy_reference() { return reference_of(policy_schema()); }

std::string to_markdown(const KeyReference& key) {
  static constexpr std::string_view kMarks[] = {"", " *(live)*",
                                                " *(live, up to its value at the start)*"};
  const std::string value = key.range.empty() ? key.type : key.type + ": " + key.range;
  return fmt::format("| `{}` | {} | {} | {}{} |", key.path, value, key.fallback, key.help,
                     kMarks[static_cast<std::size_t>(key.mutability)]);
}

}  // namespace mayfly::config
