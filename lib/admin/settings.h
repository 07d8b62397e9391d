// Settings of the access to a running process.
#pragma once

#include <string>

namespace mayfly::admin {

/// The control socket.
struct AdminSettings {
  std::string socket;  ///< path of the control socket; empty = none
};

}  // namespace mayfly::admin
