#include "tcp/congestion/recovery.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/growth.h"
#include "tcp/congestion/rack.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

/// What a loss is about to change is kept, if there is room, and may be given back.
void remember(Connection& c, bool by_original) noexcept {
  if (c.loss == nullptr) return;
  Undo& undo = c.loss->undo = {};
  undo.cwnd = c.cwnd;
  undo.ssthresh = c.ssthresh;
  undo.armed = c.has(conn_flag::sack);
  undo.by_original = by_original;
}

void enter_recovery(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(!c.has(kRepairs));
  remember(c, false);
  c.set(conn_flag::recovery);
  c.recover = c.snd_max;
  c.ecn.owes_cwr = true;  // RFC 3168 6.1.2: whatever the reason
  c.ecn.in_round = false;
  growth::on_loss(c, cfg, now);
  MAYFLY_ASSERT(c.ssthresh >= 2 * smss(c));
  if (c.loss != nullptr) c.loss->prr = {static_cast<std::uint32_t>(c.snd_max - c.snd_una), 0, 0};
  if (sacked_count(c) > 0) {
    mark(Branch::recovery_by_sack);
    c.set(conn_flag::sack_recovery);
    return;
  }
  // Without blocks recovery is that of RFC 6582, whether or not the peer has agreed to SACK.
  mark(Branch::recovery_by_duplicates);
  c.set(conn_flag::retransmit_now);
  c.cwnd = c.ssthresh + kDupThresh * smss(c);
}

void leave_recovery(Connection& c) noexcept {
  c.clear(conn_flag::recovery | conn_flag::sack_recovery | conn_flag::retransmit_now);
}

/// RFC 6582 3.2 step 3: an ACK for new data during fast recovery.
[[gnu::noinline]] void on_partial_or_full_ack(Connection& c, std::uint32_t acked) noexcept {
  if (at_or_after(c.snd_una, c.recover)) {
    leave_recovery(c);
    const auto flight = static_cast<std::uint32_t>(c.snd_max - c.snd_una);
    c.cwnd = std::min(c.ssthresh, std::max(flight, smss(c)) + smss(c));
    return;
  }
  // A partial ACK: the segment that it stops at is lost too.
  c.set(conn_flag::retransmit_now);
  c.cwnd -= std::min(c.cwnd, acked);
  if (acked >= smss(c) || c.cwnd < smss(c)) c.cwnd += smss(c);
}

/// RFC 6937 3.1: how much may be sent for this ACK. Below ssthresh PRR-SSRB, but without its extra
/// segment for an ACK that advances nothing (RFC 9937 5.2): that one tells of further losses.
void reduce_rate(Connection& c, std::uint32_t delivered, bool advances) noexcept {
  MAYFLY_ASSERT(c.loss != nullptr);
  RateReduction& prr = c.loss->prr;
  prr.delivered += delivered;
  const std::uint32_t pipe = flight_size(c);
  std::uint32_t room = 0;
  if (pipe > c.ssthresh) {
    const std::uint64_t share = (std::uint64_t{prr.delivered} * c.ssthresh + prr.recover_fs - 1) /
                                std::max(prr.recover_fs, 1u);
    room = static_cast<std::uint32_t>(share > prr.out ? share - prr.out : 0);
  } else {
    const std::uint32_t unused = prr.delivered > prr.out ? prr.delivered - prr.out : 0;
    const std::uint32_t limit = std::max(unused, delivered) + (advances ? smss(c) : 0);
    room = std::min(c.ssthresh - pipe, limit);
  }
  if (prr.out == 0) room = std::max(room, smss(c));  // the retransmission that begins it
  c.cwnd = std::max(pipe + room, smss(c));
}

/// Nothing was lost: the window is what it was before (RFC 4015 3.2, RFC 5682 3.1).
void undo(Connection& c) noexcept {
  leave_recovery(c);
  c.clear(conn_flag::rto_recovery);
  declare_in_flight(c);
  growth::on_undo(c, c.loss->undo);
  c.rack.reordering_seen = true;
  // What was sent again still arrives twice, and says how late the originals were.
  c.rack.dsacks_due =
      static_cast<std::uint8_t>(std::min<std::uint16_t>(c.loss->undo.retransmissions, 0xff));
  c.dup_acks = 0;
  c.loss->undo = {};
}

/// A D-SACK answers a retransmission: once all are answered, none was necessary (RFC 3708 3).
bool is_undone_by_duplicates(Connection& c, const Delivery& d) noexcept {
  Undo& undo = c.loss->undo;
  if (d.duplicate == 0 || d.tail_duplicate || undo.retransmissions == 0) return false;
  const std::uint32_t segments = (d.duplicate + smss(c) - 1) / smss(c);
  undo.retransmissions -=
      static_cast<std::uint16_t>(std::min<std::uint32_t>(segments, undo.retransmissions));
  return undo.retransmissions == 0;
}

/// RFC 3522 3.2: the first ACK for new text echoes what was sent before the retransmission.
bool is_undone_by_stamp(Undo& undo, const SackedAck& ack) noexcept {
  if (!undo.by_stamp || ack.acked == 0) return false;
  undo.by_stamp = false;
  return ack.has_echo && static_cast<std::int32_t>(ack.echo - undo.first_stamp) < 0;
}

/// Does this ACK show that nothing was lost?
bool is_undone(Connection& c, const SackedAck& ack) noexcept {
  if (c.loss == nullptr || !c.loss->undo.armed) return false;
  if (is_undone_by_stamp(c.loss->undo, ack)) {
    mark(Branch::undo_by_stamp);
    return true;
  }
  if (is_undone_by_duplicates(c, ack.delivery)) {
    mark(Branch::undo_by_duplicates);
    return true;
  }
  // RFC 5682 3.1, step 3: what was not sent again after the time-out arrives.
  if (c.has(conn_flag::rto_recovery) && c.loss->undo.by_original &&
      ack.delivery.original_after_timeout) {
    mark(Branch::undo_by_original);
    return true;
  }
  return false;
}

/// The recovery that snd_una has passed is over. A later D-SACK may still undo it.
void end_repairs(Connection& c) noexcept {
  if (!c.has(kRepairs) || before(c.snd_una, c.recover)) return;
  if (c.has(conn_flag::sack_recovery)) c.cwnd = std::max(c.ssthresh, smss(c));
  leave_recovery(c);
  c.clear(conn_flag::rto_recovery);
  if (c.loss != nullptr) c.loss->undo.by_stamp = c.loss->undo.by_original = false;
  age_window(c.rack);
}

void look_for_losses(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (c.has(kRepairs) || sacked_count(c) == 0) return;
  if (look_at_holes(c).lost > 0) enter_recovery(c, cfg, now);
}

/// RFC 8985 7.4.2: the probe repaired a loss, to which the window has not answered yet.
void answer_for_probe(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (c.has(kRepairs)) return;
  growth::on_loss(c, cfg, now);
  c.cwnd = std::min(c.cwnd, c.ssthresh);
}

void grow(Connection& c, const SackedAck& ack, const TcpSettings& cfg, Instant now) noexcept {
  const std::uint32_t octets = ack.delivery.octets;
  // What was SACKed out of order counts where order means nothing; otherwise it may mean a loss.
  if (octets > 0 && (ack.acked > 0 || c.rack.reordering_seen)) growth::on_ack(c, octets, cfg, now);
}

}  // namespace

void on_new_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg, Instant now) noexcept {
  c.dup_acks = 0;
  if (c.has(conn_flag::recovery)) return on_partial_or_full_ack(c, acked);
  growth::on_ack(c, acked, cfg, now);
  if (c.has(conn_flag::rto_recovery) && at_or_after(c.snd_una, c.recover)) {
    c.clear(conn_flag::rto_recovery);
  }
}

void on_sacked_ack(Connection& c, const SackedAck& ack, const TcpSettings& cfg,
                   Instant now) noexcept {
  const Delivery& d = ack.delivery;
  if (ack.acked > 0) c.dup_acks = 0;
  const bool clean = is_undisturbed(c) && d.duplicate == 0 && !ack.duplicate && !d.reordered;
  if (clean) [[likely]]
    return grow(c, ack, cfg, now);
  if (c.loss != nullptr) c.loss->rack.checked_at = run_clock(now);
  adapt_window(c, d);
  if (is_loss_repaired_by_probe(c, d, ack.duplicate)) answer_for_probe(c, cfg, now);
  if (is_undone(c, ack)) undo(c);
  const bool was_reducing = c.has(conn_flag::sack_recovery);
  end_repairs(c);
  // RFC 2883 5: what arrived twice is no sign that something else did not arrive.
  if ((ack.duplicate && d.duplicate == 0) || (d.sack_news && ack.acked == 0)) {
    if (sacked_count(c) == 0 && !c.has(conn_flag::sack_recovery))
      return on_duplicate_ack(c, cfg, now);
    if (c.dup_acks < 0xff) ++c.dup_acks;
  }
  look_for_losses(c, cfg, now);
  if (c.has(conn_flag::recovery) && sacked_count(c) > 0) c.set(conn_flag::sack_recovery);
  if (c.has(conn_flag::sack_recovery)) return reduce_rate(c, d.octets, ack.acked > 0);
  if (c.has(conn_flag::recovery)) {
    if (ack.acked > 0) on_partial_or_full_ack(c, ack.acked);
    return;
  }
  if (!was_reducing) grow(c, ack, cfg, now);
}

[[gnu::noinline]] void on_duplicate_ack(Connection& c, const TcpSettings& cfg,
                                        Instant now) noexcept {
  MAYFLY_ASSERT(c.snd_una != c.snd_max);
  if (c.has(conn_flag::rto_recovery)) return;  // RFC 6582 4.1: duplicates of go-back-N's own making
  if (c.dup_acks < 0xff) ++c.dup_acks;
  if (c.has(conn_flag::recovery)) {
    // RFC 5681 3.2 step 4: a segment has left the network. No more can have left it than were in
    // flight at the loss, however many duplicates a peer invents; what is sent because of them adds
    // nothing (RFC 5681 3.2).
    const auto flight = static_cast<std::uint32_t>(c.recover - c.snd_una);
    c.cwnd = std::min(c.cwnd + smss(c), c.ssthresh + flight);
    return;
  }
  if (c.dup_acks >= kDupThresh) enter_recovery(c, cfg, now);
}

void on_reordering_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (c.loss != nullptr) c.loss->rack.checked_at = run_clock(now);
  look_for_losses(c, cfg, now);
  if (c.has(conn_flag::sack_recovery)) reduce_rate(c, 0, false);
}

void on_congestion_echo(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (c.has(kRepairs)) return;  // the window answers for this round already
  if (c.ecn.in_round && before(c.snd_una, c.recover)) return;
  mark(Branch::ecn_reduces);
  growth::on_loss(c, cfg, now);
  c.cwnd = std::min(c.cwnd, c.ssthresh);
  c.recover = c.snd_max;
  c.ecn.owes_cwr = c.ecn.in_round = true;
}

void go_back(Connection& c) noexcept {
  if (c.has(conn_flag::sack)) {
    declare_lost(c);
    if (c.loss != nullptr)
      c.loss->hidden = 0;  // what is in hidden gaps counts as lost too: nothing is in flight
  } else {
    c.snd_nxt = c.snd_una;
  }
  c.recover = c.snd_max;
  c.clear(conn_flag::rtt_timing);
  leave_recovery(c);
  c.set(conn_flag::rto_recovery);
}

void on_retransmission_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  // RFC 5682 3.1: not in a recovery, whose retransmissions would be taken for originals.
  if (!c.has(kRepairs)) remember(c, true);
  c.rack.tail_outstanding = false;
  c.ecn.owes_cwr = true;
  c.ecn.in_round = false;
  growth::on_timeout(c, cfg, now);
  c.dup_acks = 0;
  // RFC 6675 5.1: what was SACKed still counts; a peer that has thrown it away is found out by
  // where its acknowledgements stop.
  go_back(c);
  MAYFLY_ASSERT(c.cwnd >= smss(c) && c.ssthresh >= 2 * smss(c));
}

void note_repair(Connection& c, Seq from, Seq to, Instant now) noexcept {
  if (c.loss == nullptr) return;
  if (c.has(conn_flag::recovery)) c.loss->prr.out += size_of({from, to});
  Undo& undo = c.loss->undo;
  if (!before(from, c.snd_max) || !undo.armed) return;
  if (undo.retransmissions == 0) {
    undo.first_stamp = now.ts_ms() + c.ts_offset;
    undo.by_stamp = c.has(conn_flag::timestamps);
  }
  if (undo.retransmissions < 0xffff) ++undo.retransmissions;
}

std::uint32_t flight_size(const Connection& c) noexcept {
  const bool by_blocks = sacked_count(c) > 0 || c.has(conn_flag::sack_recovery) ||
                         (c.has(conn_flag::rto_recovery) && c.has(conn_flag::sack));
  if (!by_blocks) [[likely]]
    return static_cast<std::uint32_t>(c.snd_nxt - c.snd_una);
  return look_at_holes(c).in_flight + (c.loss == nullptr ? 0 : c.loss->hidden);
}

}  // namespace mayfly::tcp
