// Which policy is best for which kind of user. The advice follows from the measurements alone.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lab/policies.h"

namespace mayfly::lab {

/// The advice for one kind of user.
struct Advice {
  std::string user;       ///< "A public web server"
  std::string situation;  ///< its special situation, one sentence
  std::string policy;     ///< recommended; empty = the result does not allow one
  std::string words;      ///< why this one, its figures and its harm
};

/// One for each kind of user. A policy with measured harm is recommended only if every flat one has
/// some; its harm is then named.
std::vector<Advice> advice_on(std::span<const PolicyRow> policies);

}  // namespace mayfly::lab
