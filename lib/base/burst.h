// How many frames one poll handles at most.
#pragma once

#include <cstddef>

namespace mayfly {

/// The most frames of one receive call, and the most keys of one bulk look-up.
inline constexpr std::size_t kBurstMax = 32;

}  // namespace mayfly
