// The retransmission time-out: measured, computed and backed off after RFC 6298.
#pragma once

#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {

/// Begins to time the segment at `seq`, unless one is being timed already.
void time_segment(Connection& c, Seq seq, Instant now) noexcept;

/// For how long the segment has been timed: less than 71 minutes, since its time-out, the longest
/// of which is shorter, ends the timing.
inline Duration timed_for(const Connection& c, Instant now) noexcept {
  return Duration{static_cast<std::uint32_t>(now.us) - c.rtt_sent_us};
}

/// An ACK for new data came: takes a sample if it is unambiguous (Karn's algorithm, RFC 6298 3).
/// TSecr would resolve the ambiguity, but after a lost ACK it echoes the first transmission, so
/// each sample would include the time-out: the RTO would grow to its ceiling and stay there.
void measure_round_trip(Connection& c, Seq ack, const TcpSettings& cfg, Instant now) noexcept;

/// One round-trip measurement (RFC 6298 (2.2), (2.3)); sets the RTO.
void take_sample(Connection& c, Duration round_trip, const TcpSettings& cfg) noexcept;

/// Doubles the RTO up to rto_max (RFC 6298 (5.5)).
void back_off(Connection& c, const TcpSettings& cfg) noexcept;

/// Stops the timer that retransmit_at stands for, whichever it is.
inline void stop_retransmit_timer(Connection& c) noexcept {
  c.clear(conn_flag::tail_timer | conn_flag::reorder_timer);
  c.retransmit_at = Instant::never();
}

/// (Re)starts the retransmission timer for one RTO from now.
inline void start_retransmit_timer(Connection& c, Instant now) noexcept {
  c.clear(conn_flag::tail_timer | conn_flag::reorder_timer);
  c.retransmit_at = now + Duration{c.rto_us};
}

}  // namespace mayfly::tcp
