// Where the control socket is if nobody says: a server finds a free name there, and `mayfly ctl`
// finds the server.
#pragma once

#include <string>

#include "base/result.h"

namespace mayfly::admin {

/// A path for the control socket of a process of this kind, such as "serve": in the folder that
/// systemd has made for it, in /run/mayfly for root, or in the user's runtime folder. The folder is
/// made. If a process has the name already, the path has this process's id in it. An error if there
/// is no such folder.
Result<std::string> default_socket(const std::string& kind);

/// The socket that a caller means: `given` if it is a path; "serve" is the one of that name in the
/// default folders; if it is empty, the only one there on which somebody listens.
Result<std::string> socket_meant(const std::string& given);

}  // namespace mayfly::admin
