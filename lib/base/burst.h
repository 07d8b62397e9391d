// How many frames are handled at once.
#pragma once

#include <cstddef>

namespace mayfly {

/// Frames of one receive call, keys of one bulk look-up.
inline constexpr std::size_t kBurstMax = 32;

}  // namespace mayfly
