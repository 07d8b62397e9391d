// Whether a run must end. A run asks several times a second, and the function that its caller gave
// answers, for instance by the signals that have come.
#pragma once

#include <cstdint>
#include <functional>

namespace mayfly::run {

/// The end that is asked for.
enum class Stop : std::uint8_t {
  no,
  orderly,  ///< no new connections; open ones may finish
  leave,    ///< the same; then what is in TIME_WAIT is held (a drain)
  now,      ///< open connections are reset
};

using StopAsked = std::function<Stop()>;

}  // namespace mayfly::run
