// mayfly secret: what the servers of a cluster have in common.
#include <fmt/format.h>

#include "commands.h"
#include "print.h"
#include "run/secrets.h"

namespace mayfly::app {

int secret_command(const std::string& file, bool rotate) {
  if (const auto made = run::make_secret_file(file, rotate); !made) return fail(made.error());
  fmt::print("{}: copy it to every server (cluster.secret), for its owner alone\n", file);
  return kOk;
}

}  // namespace mayfly::app
