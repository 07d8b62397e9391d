// Which policy for whom, derived from what was measured and from nothing else.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lab/policies.h"

namespace mayfly::lab {

struct Advice {
  std::string user;       ///< "A public web server"
  std::string situation;  ///< what is special about it, one sentence
  std::string policy;     ///< recommended; empty = the result does not say
  std::string words;      ///< why this one, its figures and its harm
};

/// One for each kind of user. A policy with measured harm is recommended only if no flat one is
/// without, and then its harm is named.
std::vector<Advice> advice_on(std::span<const PolicyRow> policies);

}  // namespace mayfly::lab
