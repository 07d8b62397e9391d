// Bytes are counted, not ACKs (RFC 3465), so a peer that divides its ACKs gains nothing (RFC
// 5681 3.1).
#include "tcp/congestion/newreno.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/congestion/growth.h"

namespace mayfly::tcp {
namespace newreno {

[[gnu::noinline]] void on_ack(Connection& c, std::uint32_t acked, const TcpSettings&,
                              Instant) noexcept {
  const std::uint32_t mss = smss(c);
  MAYFLY_ASSERT(acked > 0 && c.cwnd >= mss);
  if (c.cwnd < c.ssthresh) {  // RFC 5681 3.1; L = 2 * SMSS, after a time-out 1 (RFC 3465 2.2, 2.3)
    c.cwnd += std::min(acked, c.has(conn_flag::rto_recovery) ? mss : 2 * mss);
    return;
  }
  c.bytes_acked += acked;
  if (c.bytes_acked >= c.cwnd) {
    c.bytes_acked -= c.cwnd;
    c.cwnd += mss;
  }
}

void on_loss(Connection& c, const TcpSettings&, Instant) noexcept {
  // RFC 5681 3.1 (4): FlightSize is all that is unacknowledged, not what limited transmit added to
  // cwnd. When the same segment is lost again, snd_max is where it was: so is ssthresh.
  const std::uint32_t flight = growth::flight_at_loss(c);
  c.ssthresh = std::max(flight / 2, 2 * smss(c));
  c.bytes_acked = 0;
}

void on_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  on_loss(c, cfg, now);
  c.cwnd = smss(c);
}

[[gnu::noinline]] void on_idle(Connection& c, const TcpSettings& cfg, Instant) noexcept {
  c.cwnd = std::min(c.cwnd, growth::initial_window(c, cfg));
}

}  // namespace newreno
}  // namespace mayfly::tcp
