// How the process is looked at and steered while it runs.
#pragma once

#include <string>

namespace mayfly::admin {

struct AdminSettings {
  std::string socket;  ///< path of the control socket; empty = none
};

}  // namespace mayfly::admin
