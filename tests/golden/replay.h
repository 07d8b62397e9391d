// Plays a scenario's capture to the server, in simulated time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "scenario.h"

namespace mayfly::testing {

using Bytes = std::vector<std::byte>;

struct Replayed {
  std::string text;         ///< a line a frame, then the counters
  std::vector<Bytes> sent;  ///< each frame that the server sent
};

/// The server is tests/golden/serve.yaml with the scenario's own settings over it; it writes what
/// it sends to `sent_to` too. Throws when it cannot start. The EAL has been started.
Replayed replay(const Scenario& scenario, const std::filesystem::path& sent_to);

/// The frames of a capture as DPDK's own reader sees them.
std::vector<Bytes> read_capture(const std::filesystem::path& capture);

}  // namespace mayfly::testing
