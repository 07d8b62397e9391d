// A table of all keys and their meaning, made from the same declarations that read the keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mayfly::config {

/// Whether a key can change while a process runs.
enum class Mutability : std::uint8_t {
  restart,        ///< no: it needs a restart
  live,           ///< yes
  live_to_start,  ///< up to its value at start, for which memory was allocated
};

/// One key.
struct KeyReference {
  std::string path;      ///< "ports.N.device"
  std::string type;      ///< "duration"
  std::string range;     ///< "0 or 1ms..10min"; may be empty
  std::string fallback;  ///< the default, or "required"
  std::string help;
  Mutability mutability = Mutability::restart;
};

std::vector<KeyReference> serve_reference();
std::vector<KeyReference> load_reference();
std::vector<KeyReference> lab_reference();
std::vector<KeyReference> policy_reference();

/// The row of a key in doc/configuration.md, a Markdown table.
std::string to_markdown(const KeyReference& key);

}  // namespace mayfly::config
