// How a connection ended, as the app and the counters are told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly {

/// How a connection ended.
enum class CloseReason : std::uint8_t {
  done,       ///< both FINs exchanged; we closed last or at the same time: no TIME_WAIT, or entered
              ///< CLOSING
  time_wait,  ///< both FINs exchanged and we hold the TIME_WAIT
  fin_wait_2,   ///< the peer never sent its FIN: fin_wait_2_hold ended
  reset,        ///< the peer's RST
  refused,      ///< RST in answer to our SYN
  timed_out,    ///< retransmission or keep-alive limit
  unreachable,  ///< ICMP said so during the handshake
  aborted,      ///< we sent the RST
};
inline constexpr std::size_t kCloseReasonCount = 8;
/// As the JSON has it: "done", "time_wait", ...
std::string_view name_of(CloseReason reason) noexcept;

}  // namespace mayfly
