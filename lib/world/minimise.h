// A seed that fails, made smaller: fewer faults, fewer connections, as long as the same oracle is
// not satisfied.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "world/scenario.h"
#include "world/sim_run.h"

namespace mayfly::world {

struct Minimised {
  SimOptions options;       ///< the smallest that was found
  SimResult result;         ///< what it came to
  std::uint32_t tried = 0;  ///< worlds lived through
};

/// `failing` must fail with `result`. Tries at most `tries` worlds.
Result<Minimised> minimise(const SimOptions& failing, const SimResult& result,
                           std::uint32_t tries = 200);

}  // namespace mayfly::world
