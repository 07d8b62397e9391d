// The words that a connection's block keeps for the app.
#pragma once

#include <cstdint>

namespace mayfly::flow {

/// What a service keeps with a connection.
struct AppState {
  std::uint64_t word[4] = {};
};

}  // namespace mayfly::flow
