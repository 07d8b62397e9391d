// What every algorithm starts from.
#include "tcp/congestion/growth.h"

#include <algorithm>

#include "base/assert.h"

namespace mayfly::tcp {
namespace growth {

std::uint32_t initial_window(const Connection& c, const TcpSettings& cfg) noexcept {
  const std::uint32_t segments = std::max<std::uint32_t>(1, cfg.initial_window_segments);
  // RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)), for any number in the place of 10.
  return std::min(segments * smss(c), std::max(2 * smss(c), segments * 1'460));
}

void start(Connection& c, const TcpSettings& cfg, bool syns_lost) noexcept {
  c.cwnd = syns_lost ? smss(c) : initial_window(c, cfg);
  MAYFLY_ASSERT(c.cwnd >= smss(c));
  c.ssthresh = 1u << 30;  // RFC 5681 3.1: arbitrarily high
}

std::uint32_t flight_at_loss(const Connection& c) noexcept {
  return std::max(static_cast<std::uint32_t>(c.snd_max - c.snd_una),
                  std::min(c.flight_sent, c.cwnd));
}

void on_undo(Connection& c, const Undo& undo) noexcept {
  c.cwnd = std::max(c.cwnd, undo.cwnd);
  c.ssthresh = std::max(c.ssthresh, undo.ssthresh);
}

}  // namespace growth
}  // namespace mayfly::tcp
