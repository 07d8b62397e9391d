// Whether a run is to end. A run asks some times a second; who started it answers, for instance by
// the signals that have come.
#pragma once

#include <cstdint>
#include <functional>

namespace mayfly::run {

enum class Stop : std::uint8_t {
  no,
  orderly,  ///< nothing new is begun; what is under way may finish
  now,      ///< what is under way is reset
};

using StopAsked = std::function<Stop()>;

}  // namespace mayfly::run
