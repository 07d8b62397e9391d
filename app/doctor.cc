// mayfly doctor: what of this machine is in the way of a configuration, each with the command that
// mends it.
#include "run/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>

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

run::Target target_of(const config::ServeSettings&) { return {}; }
run::Target target_of(const config::LoadSettings& settings) {
  const load::TargetSettings& target = settings.target;
  if (target.six || target.address == Ipv4Address{}) return {{}, target.six};
  return {target.address, {}};
}

/// A note of the configuration says that it would not start here, and has the place in the file.
template <class T>
int examine_for(const config::Loaded<T>& loaded) {
  std::vector<run::Finding> findings;
  for (const auto* list : {&loaded.errors, &loaded.notes})
    for (const config::ConfigError& each : *list)
      findings.push_back({Level::bad, to_string(each), ""});
  if (loaded.settings) {
    const auto is_said = [&](const run::Finding& finding) {
      return std::ranges::any_of(loaded.notes, [&](const config::ConfigError& note) {
        return finding.what.ends_with(note.what);
      });
    };
    const T& settings = *loaded.settings;
    for (const auto& part :
         {run::examine(settings.process, settings.cores, "", target_of(settings)),
          run::examine(settings.admin)})
      std::ranges::copy_if(part, std::back_inserter(findings), std::not_fn(is_said));
  }
  return report(findings) ? kOk : kRunFailed;
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
