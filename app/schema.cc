// mayfly schema: the keys of a kind of configuration as a JSON Schema, for editors.
#include <fmt/format.h>

#include "commands.h"
#include "config/json_schema.h"

namespace mayfly::app {

int schema_command(const std::string& kind) {
  const auto keys = kind == "serve"  ? config::serve_reference()
                    : kind == "load" ? config::load_reference()
                    : kind == "lab"  ? config::lab_reference()
                                     : config::policy_reference();
  fmt::print("{}", config::json_schema("mayfly " + kind, keys));
  return kOk;
}

}  // namespace mayfly::app
