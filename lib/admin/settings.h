// Settings of the access to a running process.
#pragma once

#include <string>

namespace mayfly::admin {

/// Where a running process answers. doc/control.md describes it.
struct AdminSettings {
  std::string socket;      ///< path of the control socket; empty = none
  std::string page;        ///< ADDRESS:PORT of the page and the API; empty = none
  std::string token_file;  ///< file with the token that callers of the page need; empty = none
};

}  // namespace mayfly::admin
