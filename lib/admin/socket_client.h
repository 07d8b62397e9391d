// A caller of a running process's control socket.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace mayfly::admin {

struct SocketAnswer {
  int status = 0;
  std::string body;
};

/// Sends one request to the socket at `path`; a body is JSON. Waits at most `patience` for the
/// answer.
Result<SocketAnswer> ask_socket(const std::string& path, const std::string& method,
                                const std::string& target, const std::string& body,
                                Duration patience);

}  // namespace mayfly::admin
