// How a connection ended, as the app and the counters are told. One list makes the enum, its names
// in the JSON and the help texts of its counters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::flow {

// X(name, what is counted). In done, the connection may have gone through CLOSING.
#define MAYFLY_CLOSE_REASONS(X)                                                                   \
  X(done, "connections that ended with both FINs exchanged, the peer's first or both at once")    \
  X(time_wait, "connections that ended with both FINs exchanged and left a TIME_WAIT here")       \
  X(fin_wait_2, "connections whose peer never sent its FIN: fin_wait_2.hold ended")               \
  X(reset, "connections that ended by the peer's RST")                                            \
  X(refused, "active opens that were answered by RST")                                            \
  X(timed_out, "connections given up at the limit of retransmissions or keep-alive probes")       \
  X(unreachable, "handshakes that ended because of an ICMP message that the peer is unreachable") \
  X(aborted, "connections that we ended with RST")                                                \
  X(evicted, "connections that we ended with RST to make room for others")

/// How a connection ended.
enum class CloseReason : std::uint8_t {
#define MAYFLY_X(name, help) name,
  MAYFLY_CLOSE_REASONS(MAYFLY_X)
#undef MAYFLY_X
};
#define MAYFLY_X(name, help) +1
inline constexpr std::size_t kCloseReasonCount = 0 MAYFLY_CLOSE_REASONS(MAYFLY_X);
#undef MAYFLY_X

/// Its key in the JSON: "done", "time_wait", ...
std::string_view name_of(CloseReason reason) noexcept;
/// The help text of its counter.
std::string_view help_of(CloseReason reason) noexcept;

}  // namespace mayfly::flow
