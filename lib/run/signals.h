// Ctrl-C and SIGTERM: the first asks for an orderly end, the second for an end at once. SIGHUP, if
// it is caught, asks to read the configuration again.
#pragma once

#include "run/stop.h"

namespace mayfly::run {

/// Catches SIGINT and SIGTERM from now on, and ignores SIGPIPE.
void catch_signals();
/// The end that the user has asked for.
Stop stop_asked();

/// Catches SIGHUP from now on; without it, a hangup ends the process.
void catch_hangups();
/// True if SIGHUP has come since the last call.
bool reload_asked();

}  // namespace mayfly::run
