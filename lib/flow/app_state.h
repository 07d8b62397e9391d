// The words that a connection's block keeps for the app.
#pragma once

#include <cstdint>

namespace mayfly::flow {

/// 32 bytes in each connection's block that belong to the app. The stack zeroes them when the block
/// is taken and does not read them.
struct AppState {
  std::uint64_t word[4] = {};
};

}  // namespace mayfly::flow
