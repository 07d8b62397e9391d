// Ctrl-C and SIGTERM: the first asks for an orderly end, the second for an end now.
#pragma once

namespace mayfly {

/// Catches SIGINT and SIGTERM from now on, and ignores SIGPIPE.
void catch_signals();
/// How often the user has asked for the end.
int stops_asked();

}  // namespace mayfly
