#include "config/form.h"

#include <algorithm>

namespace mayfly::config {
namespace {

constexpr std::size_t kKeysListed = 12;

std::string hint_for_unknown(const std::string& key, const std::vector<std::string>& known) {
  if (const std::optional<std::string> likely = nearest(key, known)) {
    return fmt::format("did you mean {}?", *likely);
  }
  if (known.size() > kKeysListed) return "see doc/configuration.md";
  return fmt::format("known here: {}", fmt::join(known, ", "));
}

}  // namespace

void check_names(const Cursor& at, const std::vector<KnownKey>& known) {
  std::vector<std::string> names;
  for (const KnownKey& key : known) names.push_back(key.name.text);
  std::vector<std::string> seen;
  for (const Value::Entry& entry : at.value.entries) {
    const std::string path = join_key(at.path, shown(entry.key));
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      at.report.add(entry.place, path, "is not a known key", hint_for_unknown(entry.key, names));
    } else if (std::find(seen.begin(), seen.end(), entry.key) != seen.end()) {
      at.report.add(entry.place, path, "is given twice", "the first one would be used: remove one");
    } else {
      seen.push_back(entry.key);
    }
  }
  if (at.is_layer) return;
  for (const auto& [name, hint] : known) {
    if (!name.is_required || find(at.value, name.text) != nullptr) continue;
    at.report.add(at.value.place, join_key(at.path, name.text), "is missing", hint);
  }
}

}  // namespace mayfly::config
