// Initial sequence numbers that outsiders cannot guess.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"
#include "wire/seq.h"

namespace mayfly::tcp {

/// 128 secret bits, drawn at the start of the process (in the simulator, from its seed).
using Secret = std::array<std::uint64_t, 2>;

/// RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secret), M a 4 us timer (RFC
/// 9293 MUST-8). `f` is F's value, of a function whose values nobody without the secret can predict
/// (flow::FlowSecret). Rises monotonically for each four-tuple.
constexpr Seq initial_sequence(std::uint32_t f, Instant now) noexcept {
  return Seq{static_cast<std::uint32_t>(now.us / 4)} + f;
}

}  // namespace mayfly::tcp
