// A seed that fails, made smaller: fewer faults, fewer connections, as long as the same oracle is
// not satisfied.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "world/scenario.h"
#include "world/world.h"

namespace mayfly {

struct Minimised {
  SimOptions options;       ///< the smallest that was found
  WorldResult result;       ///< what it came to
  std::uint32_t tried = 0;  ///< worlds lived through
};

/// `failing` must fail with `result`. Tries at most `tries` worlds.
Result<Minimised> minimise(const SimOptions& failing, const WorldResult& result,
                           std::uint32_t tries = 200);

/// Lives through the world of `options` once. Writes what happens as text to `text` and the frames
/// to `pcap`; both may be null.
Result<WorldResult> live_through(const SimOptions& options, std::FILE* text = nullptr,
                                 std::shared_ptr<PcapFile> pcap = nullptr);

}  // namespace mayfly
