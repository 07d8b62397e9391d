// RACK-TLP (RFC 8985): what is lost is told by the time at which it was sent and by the time at
// which what was sent later arrived; and the end of a transfer, which nothing follows, is probed.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tcp/congestion/scoreboard.h"
#include "tcp/connection.h"

namespace mayfly::tcp {

/// A segment sent at `xmit_ts` that ends at `end` was delivered after `rtt_us` (RFC 8985 6.2, step
/// 2). Times as in SentRun.
void note_delivered(RackDelivery& rack, std::uint32_t xmit_ts, Seq end,
                    std::uint32_t rtt_us) noexcept;

/// A round trip was measured (RFC 8985 6.2, step 1).
inline void note_round_trip(Rack& rack, std::uint32_t rtt_us) noexcept {
  if (rack.min_rtt_us == 0 || rtt_us < rack.min_rtt_us) rack.min_rtt_us = rtt_us;
}

/// Adapts the reordering window to what an ACK has told (RFC 8985 6.2, steps 3 and 4).
void adapt_window(Connection& c, const Delivery& d) noexcept;
/// A recovery has ended well: the window is kept for sixteen of them (RFC 8985 6.2, step 4).
void age_window(Rack& rack) noexcept;

/// Octets in holes, as of RackDelivery::checked_at.
struct Holes {
  std::uint32_t lost = 0, in_flight = 0;
  /// When the next of them will be lost, if nothing arrives; with `late`.
  std::uint32_t late_at = 0;
  bool late = false;
};
/// Looks at all holes (RFC 8985 6.2, step 5).
Holes look_at_holes(const Connection& c) noexcept;

/// The first lost range that was not sent again. False: there is none.
bool first_lost(const Connection& c, wire::SackBlock& lost) noexcept;

/// (Re)starts the timer for what is outstanding: the time-out, or before it the tail loss probe
/// (RFC 8985 7.2) or the end of the reordering window (RFC 8985 6.2, step 5).
void arm_loss_timer(Connection& c, Instant now) noexcept;

/// A tail loss probe is being sent; snd_max is what it is after it. `again`: it carries nothing
/// new.
void note_tail_probe(Connection& c, bool again) noexcept;
/// What an ACK means for the probe that is outstanding (RFC 8985 7.4.2). `duplicate`: it advances
/// nothing. True: the probe has repaired a loss, so the congestion window answers for it.
bool is_loss_repaired_by_probe(Connection& c, const Delivery& d, bool duplicate) noexcept;

}  // namespace mayfly::tcp
