// Ctrl-C and SIGTERM: the first asks for an orderly end, the second for an end now. SIGHUP, where
// it is caught: read the configuration again.
#pragma once

namespace mayfly {

/// Catches SIGINT and SIGTERM from now on, and ignores SIGPIPE.
void catch_signals();
/// How often the user has asked for the end.
int stops_asked();

/// Catches SIGHUP from now on; without it, a hangup ends the process.
void catch_hangups();
/// Whether SIGHUP has come since the last call.
bool reload_asked();

}  // namespace mayfly
