// The scoreboard's arithmetic (RFC 6675 4), fast recovery with and without it, and go-back-N.
#include "tcp/congestion/recovery.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/congestion/growth.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

/// Is the hole below sacked.range[index] lost? RFC 6675 4, IsLost.
bool is_lost(const Connection& c, std::uint8_t index) noexcept {
  MAYFLY_ASSERT(index < c.sacked.count && c.sacked.count <= kRangesMax);
  if (c.sacked.count - index >= kDupThresh) return true;
  std::uint32_t above = 0;
  for (auto i = index; i < c.sacked.count; ++i) above += size_of(c.sacked.range[i]);
  return above > (kDupThresh - 1) * smss(c);
}

/// RFC 6675 4, SetPipe: each octet counts once if it is not known to be lost, and once if it was
/// sent again.
std::uint32_t pipe(const Connection& c) noexcept {
  std::uint32_t octets = 0;
  Seq at = c.snd_una;
  for (std::uint8_t i = 0; i < c.sacked.count; ++i) {
    const wire::SackBlock hole{at, c.sacked.range[i].left};
    if (!is_lost(c, i)) octets += size_of(hole);
    const Seq resent = before(c.retransmit_next, hole.right) ? c.retransmit_next : hole.right;
    if (after(resent, hole.left)) octets += size_of({hole.left, resent});
    at = c.sacked.range[i].right;
  }
  return octets + size_of({at, c.snd_max});
}

void enter_recovery(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(!c.has(conn_flag::recovery | conn_flag::rto_recovery));
  c.set(conn_flag::recovery | conn_flag::retransmit_now);
  c.recover = c.snd_max;
  c.retransmit_next = c.snd_una;
  growth::on_loss(c, cfg, now);
  // If a peer agreed to SACK but sends no blocks, recovery is that of RFC 6582.
  if (c.sacked.count > 0) c.set(conn_flag::sack_recovery);
  MAYFLY_ASSERT(c.ssthresh >= 2 * smss(c));
  c.cwnd = c.ssthresh + (c.sacked.count > 0 ? 0 : kDupThresh * smss(c));
}

void leave_recovery(Connection& c) noexcept {
  c.clear(conn_flag::recovery | conn_flag::sack_recovery | conn_flag::retransmit_now);
}

/// RFC 6582 3.2 steps 3 and 5, RFC 6675 5: an ACK for new data during fast recovery.
void on_recovery_ack(Connection& c, std::uint32_t acked) noexcept {
  const bool sack = c.has(conn_flag::sack_recovery);
  if (at_or_after(c.snd_una, c.recover)) {
    leave_recovery(c);
    const auto flight = static_cast<std::uint32_t>(c.snd_max - c.snd_una);
    c.cwnd = sack ? c.ssthresh : std::min(c.ssthresh, std::max(flight, smss(c)) + smss(c));
    return;
  }
  if (sack) return;  // the blocks tell what is missing
  // A partial ACK: the segment that it stops at is lost too.
  c.set(conn_flag::retransmit_now);
  c.cwnd -= std::min(c.cwnd, acked);
  if (acked >= smss(c) || c.cwnd < smss(c)) c.cwnd += smss(c);
}

}  // namespace

void on_new_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg, Instant now) noexcept {
  c.dup_acks = 0;
  trim_before(c.sacked, c.snd_una);
  if (c.has(conn_flag::recovery)) return on_recovery_ack(c, acked);
  growth::on_ack(c, acked, cfg, now);
  if (c.has(conn_flag::rto_recovery) && at_or_after(c.snd_una, c.recover)) {
    c.clear(conn_flag::rto_recovery);
  }
}

void on_duplicate_ack(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(c.snd_una != c.snd_max);
  if (c.has(conn_flag::rto_recovery)) return;  // RFC 6582 4.1: duplicates of go-back-N's own making
  if (c.dup_acks < 0xff) ++c.dup_acks;
  if (c.has(conn_flag::recovery)) {
    // RFC 5681 3.2 step 4: a segment has left the network. With SACK, pipe() counts it already.
    // No more can have left it than were in flight at the loss, however many duplicates a peer
    // invents; what is sent because of them adds nothing (RFC 5681 3.2).
    const auto flight = static_cast<std::uint32_t>(c.recover - c.snd_una);
    if (!c.has(conn_flag::sack_recovery)) c.cwnd = std::min(c.cwnd + smss(c), c.ssthresh + flight);
    return;
  }
  // RFC 6675 5: the third duplicate, or SACKed data enough above the first hole.
  const bool lost = c.sacked.count > 0 && is_lost(c, 0);
  if (c.dup_acks >= kDupThresh || lost) enter_recovery(c, cfg, now);
}

void go_back(Connection& c) noexcept {
  c.snd_nxt = c.snd_una;
  c.recover = c.snd_max;
  c.clear(conn_flag::rtt_timing);
  leave_recovery(c);
  c.set(conn_flag::rto_recovery);
}

void on_retransmission_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  growth::on_timeout(c, cfg, now);
  c.sacked.count = 0;  // RFC 2018 8: the receiver may have thrown it away
  c.dup_acks = 0;
  go_back(c);
  MAYFLY_ASSERT(c.cwnd >= smss(c) && c.ssthresh >= 2 * smss(c));
}

std::uint32_t flight_size(const Connection& c) noexcept {
  if (c.has(conn_flag::sack_recovery)) return pipe(c);
  return static_cast<std::uint32_t>(c.snd_nxt - c.snd_una);
}

bool next_hole(const Connection& c, bool only_lost, wire::SackBlock& hole) noexcept {
  Seq at = later_of(c.snd_una, c.retransmit_next);
  for (std::uint8_t i = 0; i < c.sacked.count; ++i) {
    const wire::SackBlock sacked = c.sacked.range[i];
    if (before(at, sacked.left)) {
      hole = {at, sacked.left};
      return !only_lost || is_lost(c, i);
    }
    at = later_of(at, sacked.right);
  }
  return false;
}

}  // namespace mayfly::tcp
