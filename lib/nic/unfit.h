// Why a port cannot work.
#pragma once

#include <string>

namespace mayfly::nic {

struct Unfit {
  std::string what;        ///< what is wrong, and what to do about it
  bool is_absent = false;  ///< something is not there that may be there on another machine
};

}  // namespace mayfly::nic
