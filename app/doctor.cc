// mayfly doctor: what of this machine is in the way of a configuration, each with the command that
// mends it.
#include "run/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "config/read.h"
#include "print.h"
#include "run/preflight.h"

namespace mayfly::app {
namespace {

using Level = run::Finding::Level;

/// Prints them; true if none is bad.
bool report(const std::vector<run::Finding>& findings) {
  const bool is_terminal = isatty(STDOUT_FILENO) != 0;
  bool all_good = true;
  for (const run::Finding& one : findings) {
    const char* mark = one.level == Level::good   ? "ok  "
                       : one.level == Level::slow ? "slow"
                                                  : "BAD ";
    const char* colour = one.level == Level::good ? "32" : one.level == Level::slow ? "33" : "31";
    if (is_terminal) {
      fmt::print("\x1b[{}m{}\x1b[0m  {}\n", colour, mark, one.what);
    } else {
      fmt::print("{}  {}\n", mark, one.what);
    }
    if (!one.remedy.empty()) fmt::print("        {}\n", one.remedy);
    all_good = all_good && one.level != Level::bad;
  }
  return all_good;
}

template <class T>
int examine_for(const config::Loaded<T>& loaded) {
  bool all_good = loaded.settings.has_value();
  for (const auto& error : loaded.errors) fmt::print("BAD   {}\n", to_string(error));
  for (const auto& note : loaded.notes) fmt::print("slow  {}\n", to_string(note));
  if (loaded.settings)
    all_good = report(run::examine(loaded.settings->process, loaded.settings->cores)) && all_good;
  return all_good ? kOk : kRunFailed;
}

}  // namespace

int doctor_command(const RunOptions& options) {
  if (options.config.empty()) return report(run::examine({}, {0})) ? kOk : kRunFailed;
  if (config::kind_of(options.config, options.sets) == config::FileKind::load)
    return examine_for(config::read_load_settings(options.config, options.sets, options.policy,
                                                  run::everything()));
  return examine_for(
      config::read_serve_settings(options.config, options.sets, options.policy, run::everything()));
}

}  // namespace mayfly::app
