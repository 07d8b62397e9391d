// Messages of the subcommands: errors, and changes of settings.
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

/// Prints the error, and returns its exit status: kBadUsage or kRunFailed.
int fail(const Error& error);

/// Prints all errors of a configuration.
template <class Errors>
void print_errors(const Errors& errors) {
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", to_string(error).c_str());
}

/// Prints what changed, whoever requested it.
void print_change(const config::Change& change);

/// Reads the configuration again if SIGHUP has come since the last call.
template <class T>
void follow_hangups(run::Controls<T>& controls) {
  if (!run::reload_asked()) return;
  const config::Change change = controls.reload();
  print_errors(change.errors);
  if (!change.errors.empty()) std::fprintf(stderr, "mayfly: nothing was changed\n");
}

/// "port 80 http, port 7 echo" and "198.18.0.1/15", for the line that says that the server is
/// ready.
std::string listens_in_words(const config::ServeSettings& settings);
std::string addresses_in_words(const nic::ProcessSettings& process);

}  // namespace mayfly::app
