// What the subcommands tell the user: errors, and what was changed.
#pragma once

#include <cstdio>
#include <string>

#include "base/result.h"
#include "config/live.h"
#include "config/settings.h"
#include "run/controls.h"
#include "run/exit_status.h"
#include "run/signals.h"

namespace mayfly::app {

/// Tells the user, and returns the exit status: kBadUsage or kRunFailed, as the error's kind says.
int fail(const Error& error);

/// Tells the user all that is wrong with a configuration.
template <class Errors>
void print_errors(const Errors& errors) {
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", to_string(error).c_str());
}

/// The log says what changed, whoever asked for it.
void print_change(const config::Change& change);

/// Reads the configuration again if SIGHUP has come since the last look.
template <class T>
void follow_hangups(run::Controls<T>& controls) {
  if (!run::reload_asked()) return;
  const config::Change change = controls.reload();
  print_errors(change.errors);
  if (!change.errors.empty()) std::fprintf(stderr, "mayfly: nothing was changed\n");
}

/// "port 80 http, port 7 echo" and "198.18.0.1/15": for the line that says that the server is
/// ready.
std::string listens_in_words(const config::ServeSettings& settings);
std::string addresses_in_words(const nic::ProcessSettings& process);

}  // namespace mayfly::app
