// Bytes are counted, not ACKs (RFC 3465), so a peer that divides its ACKs gains nothing (RFC
// 5681 3.1).
#include "tcp/congestion.h"

#include <algorithm>

#include "tcp/seq_ranges.h"

namespace mayfly {
namespace {

std::uint32_t initial_window(const Connection& c, const TcpSettings& cfg) noexcept {
  const std::uint32_t segments = std::max<std::uint32_t>(1, cfg.initial_window_segments);
  // RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)), for any number in the place of 10.
  return std::min(segments * smss(c), std::max(2 * smss(c), segments * 1'460));
}

/// Is the hole below sacked.range[index] lost? RFC 6675 4, IsLost.
bool is_lost(const Connection& c, std::uint8_t index) noexcept {
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
    const SackBlock hole{at, c.sacked.range[i].left};
    if (!is_lost(c, i)) octets += size_of(hole);
    const Seq resent = before(c.retransmit_next, hole.right) ? c.retransmit_next : hole.right;
    if (after(resent, hole.left)) octets += size_of({hole.left, resent});
    at = c.sacked.range[i].right;
  }
  return octets + size_of({at, c.snd_max});
}

void grow(Connection& c, std::uint32_t acked) noexcept {
  const std::uint32_t mss = smss(c);
  // A window that was not used says nothing: it does not grow (RFC 7661 4).
  if (2 * (static_cast<std::uint32_t>(c.snd_max - c.snd_una) + acked) < c.cwnd) return;
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

void enter_recovery(Connection& c) noexcept {
  c.set(conn_flag::recovery | conn_flag::retransmit_now);
  c.recover = c.snd_max;
  c.retransmit_next = c.snd_una;
  // RFC 5681 3.1 (4): FlightSize is all that is unacknowledged, not what limited transmit added to
  // cwnd.
  const auto flight = static_cast<std::uint32_t>(c.snd_max - c.snd_una);
  c.ssthresh = std::max(flight / 2, 2 * smss(c));
  // Where a peer agreed to SACK but sends no blocks, NewReno does the work.
  if (c.sacked.count > 0) c.set(conn_flag::sack_recovery);
  c.cwnd = c.ssthresh + (c.sacked.count > 0 ? 0 : kDupThresh * smss(c));
  c.bytes_acked = 0;
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

void start_congestion_control(Connection& c, const TcpSettings& cfg, bool syn_lost) noexcept {
  c.cwnd = syn_lost ? smss(c) : initial_window(c, cfg);
  c.ssthresh = 1u << 30;  // RFC 5681 3.1: arbitrarily high
}

void restart_if_idle(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (c.snd_una != c.snd_max || now - c.last_sent <= Duration{c.rto_us}) return;
  c.cwnd = std::min(c.cwnd, initial_window(c, cfg));
}

void on_new_ack(Connection& c, std::uint32_t acked) noexcept {
  c.dup_acks = 0;
  trim_before(c.sacked, c.snd_una);
  if (c.has(conn_flag::recovery)) return on_recovery_ack(c, acked);
  grow(c, acked);
  if (c.has(conn_flag::rto_recovery) && at_or_after(c.snd_una, c.recover)) {
    c.clear(conn_flag::rto_recovery);
  }
}

void on_duplicate_ack(Connection& c) noexcept {
  if (c.has(conn_flag::rto_recovery)) return;  // RFC 6582 4.1: duplicates of go-back-N's own making
  if (c.dup_acks < 0xff) ++c.dup_acks;
  if (c.has(conn_flag::recovery)) {
    // RFC 5681 3.2 step 4: a segment has left the network. With SACK, pipe() knows it already. No
    // more can have left it than were in flight at the loss, however many duplicates a peer makes
    // up; what is sent on their account adds nothing (RFC 5681 3.2).
    const auto flight = static_cast<std::uint32_t>(c.recover - c.snd_una);
    if (!c.has(conn_flag::sack_recovery)) c.cwnd = std::min(c.cwnd + smss(c), c.ssthresh + flight);
    return;
  }
  // RFC 6675 5: the third duplicate, or SACKed data enough above the first hole.
  const bool lost = c.sacked.count > 0 && is_lost(c, 0);
  if (c.dup_acks >= kDupThresh || lost) enter_recovery(c);
}

void go_back(Connection& c) noexcept {
  c.snd_nxt = c.snd_una;
  c.recover = c.snd_max;
  c.clear(conn_flag::rtt_timing);
  leave_recovery(c);
  c.set(conn_flag::rto_recovery);
}

void on_retransmission_timeout(Connection& c) noexcept {
  const auto flight = static_cast<std::uint32_t>(c.snd_max - c.snd_una);
  // RFC 5681 3.1 (4). When the same segment times out again, snd_max is where it was: so is
  // ssthresh.
  c.ssthresh = std::max(flight / 2, 2 * smss(c));
  c.cwnd = smss(c);
  c.bytes_acked = 0;
  c.sacked.count = 0;  // RFC 2018 8: the receiver may have thrown it away
  c.dup_acks = 0;
  go_back(c);
}

std::uint32_t flight_size(const Connection& c) noexcept {
  if (c.has(conn_flag::sack_recovery)) return pipe(c);
  return static_cast<std::uint32_t>(c.snd_nxt - c.snd_una);
}

bool next_hole(const Connection& c, bool only_lost, SackBlock& hole) noexcept {
  Seq at = later_of(c.snd_una, c.retransmit_next);
  for (std::uint8_t i = 0; i < c.sacked.count; ++i) {
    const SackBlock sacked = c.sacked.range[i];
    if (before(at, sacked.left)) {
      hole = {at, sacked.left};
      return !only_lost || is_lost(c, i);
    }
    at = later_of(at, sacked.right);
  }
  return false;
}

}  // namespace mayfly
