// Makes a failing seed smaller: fewer faults and fewer connections, as long as the same oracle is
// violated.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "world/scenario.h"
#include "world/sim_run.h"

namespace mayfly::world {

struct Minimised {
  SimOptions options;       ///< the smallest that was found
  SimResult result;         ///< its result
  std::uint32_t tried = 0;  ///< worlds that were run
};

/// `failing` must fail with `result`. Tries at most `tries` worlds.
Result<Minimised> minimise(const SimOptions& failing, const SimResult& result,
                           std::uint32_t tries = 200);

}  // namespace mayfly::world
