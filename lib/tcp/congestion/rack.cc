#include "tcp/congestion/rack.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/recovery.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/input.h"
#include "tcp/rtt.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

/// A peer may delay the ACK of a single segment for so long (RFC 8985 7.2, TLP.max_ack_delay); for
/// peers that were seen to take longer, RFC 1122's half of a second is what the time-out covers.
constexpr std::uint32_t kAckDelayUs = 50'000, kSlowAckDelayUs = 500'000;
/// A core, or a peer, that is kept from its work for less has lost nothing.
constexpr std::uint32_t kProbeMinUs = 5'000;
constexpr std::uint8_t kWindowKept = 16;  // RFC 8985 6.2, step 4

/// RFC 8985 6.2, step 4: RACK_update_reo_wnd.
std::uint32_t reordering_window(const Connection& c, std::uint32_t sacked) noexcept {
  const bool many = c.dup_acks >= kDupThresh || sacked > (kDupThresh - 1) * smss(c);
  if (!c.rack.reordering_seen && (c.has(kRepairs) || many)) return 0;
  const std::uint64_t window = std::uint64_t{c.rack.min_rtt_us} / 4 * c.rack.window_mult;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(window, c.srtt_us));
}

/// RFC 8985 6.2, step 5: the end of that part of [left, right), which lies in `run`, that was sent
/// before the segment delivered.
Seq sent_before(const Connection& c, const SentRun& run, Seq left, Seq right) noexcept {
  const RackDelivery& rack = c.loss->rack;
  if (rack.rtt_us == 0) return left;
  // What was sent again since the last ACK cannot be lost again.
  if (run.has(SentRun::kAgain) && !is_earlier(run.last_us(), rack.checked_at)) return left;
  if (is_earlier(run.last_us(), rack.xmit_ts & ~SentRun::kFlags)) return right;
  if (is_earlier(rack.xmit_ts & ~SentRun::kFlags, run.first)) return left;
  // What is new and what is sent again go out in any order within one look at the clock.
  if (((run.last ^ rack.xmit_ts) & SentRun::kAgain) != 0) return left;
  const Seq end = before(rack.end_seq, right) ? rack.end_seq : right;
  return later_of(left, end);
}

/// The end of the lost part of [left, right), which lies in `run`. Notes in `holes` when more of it
/// will be lost.
Seq lost_until(const Connection& c, const SentRun& run, Seq left, Seq right, std::uint32_t window,
               Holes& holes) noexcept {
  if (run.has(SentRun::kLost)) return right;
  if (c.loss == nullptr) return left;
  const Seq end = sent_before(c, run, left, right);
  if (end == left || window == 0) return end;
  const std::uint32_t at = run.last_us() + c.loss->rack.rtt_us + window;
  if (!is_earlier(c.loss->rack.checked_at, at)) return end;
  if (!holes.late || is_earlier(at, holes.late_at)) holes.late_at = at;
  holes.late = true;
  return left;
}

bool may_probe_tail(const Connection& c) noexcept {
  return c.has(conn_flag::sack) && is_undisturbed(c) && c.srtt_us != 0;
}

/// RFC 8985 7.2, TLP_calc_PTO.
std::uint32_t probe_after_us(const Connection& c) noexcept {
  std::uint32_t pto = std::max(2 * c.srtt_us, kProbeMinUs);
  // A peer that hears our FIN closes too, and its FIN carries the ACK.
  const bool lone = static_cast<std::uint32_t>(c.snd_max - c.snd_una) <= smss(c);
  if (lone && (!fin_sent(c) || c.rack.slow_acks))
    pto += c.rack.slow_acks ? kSlowAckDelayUs : kAckDelayUs;
  return pto;
}

/// Something was SACKed: the timer is for the end of the reordering window, if that is near.
[[gnu::noinline]] void hasten_timer(Connection& c, Instant now) noexcept {
  const Holes holes = look_at_holes(c);
  if (!holes.late) return;
  const std::uint32_t wait = holes.late_at - c.loss->rack.checked_at;
  if (wait >= c.rto_us) return;
  c.set(conn_flag::reorder_timer);
  c.retransmit_at = now + Duration{wait};
}

}  // namespace

void note_delivered(RackDelivery& rack, std::uint32_t xmit_ts, Seq end,
                    std::uint32_t rtt_us) noexcept {
  MAYFLY_ASSERT(rtt_us > 0);
  const bool again = (xmit_ts & SentRun::kAgain) != 0,
             was_again = (rack.xmit_ts & SentRun::kAgain) != 0;
  const bool same_time = ((xmit_ts ^ rack.xmit_ts) & ~SentRun::kFlags) == 0;
  // At the same time, what is new tells more.
  const bool later = same_time ? (again == was_again ? after(end, rack.end_seq) : was_again)
                               : is_earlier(rack.xmit_ts, xmit_ts);
  if (rack.rtt_us != 0 && !later) return;
  rack.xmit_ts = xmit_ts;
  rack.end_seq = end;
  rack.rtt_us = rtt_us;
}

void adapt_window(Connection& c, const Delivery& d) noexcept {
  Rack& rack = c.rack;
  if (d.reordered && !rack.reordering_seen) {
    mark(Branch::rack_reordering);
    rack.reordering_seen = true;
  }
  if (rack.in_dsack_round && at_or_after(c.snd_una, rack.dsack_round)) rack.in_dsack_round = false;
  // A segment that the network repeated is no retransmission of ours.
  const bool ours = rack.dsacks_due > 0 ||
                    (c.loss != nullptr && c.loss->undo.armed && c.loss->undo.retransmissions > 0);
  if (d.duplicate > 0 && rack.dsacks_due > 0) --rack.dsacks_due;
  if (d.duplicate == 0 || d.tail_duplicate || !ours || rack.in_dsack_round) return;
  mark(Branch::rack_window_grows);
  rack.in_dsack_round = true;
  rack.dsack_round = c.snd_max;
  rack.window_persist = kWindowKept;
  if (rack.window_mult < 0xff) ++rack.window_mult;
}

void age_window(Rack& rack) noexcept {
  if (rack.window_persist > 0 && --rack.window_persist > 0) return;
  rack.window_mult = 1;
}

Holes look_at_holes(const Connection& c) noexcept {
  Holes holes;
  const std::uint32_t window = reordering_window(c, sacked_octets(c));
  for_each_hole(c, [&](const SentRun& run, Seq left, Seq right) {
    const Seq lost = lost_until(c, run, left, right, window, holes);
    holes.lost += size_of({left, lost});
    holes.in_flight += size_of({lost, right});
    return true;
  });
  return holes;
}

bool first_lost(const Connection& c, wire::SackBlock& lost) noexcept {
  const std::uint32_t window = reordering_window(c, sacked_octets(c));
  bool found = false;
  Holes unused;
  for_each_hole(c, [&](const SentRun& run, Seq left, Seq right) {
    if (found && lost.right != left) return false;
    const Seq end = lost_until(c, run, left, right, window, unused);
    if (end == left) return !found;
    lost = {found ? lost.left : left, end};
    found = true;
    return end == right;
  });
  return found;
}

void arm_loss_timer(Connection& c, Instant now) noexcept {
  start_retransmit_timer(c, now);
  if (sacked_count(c) > 0) [[unlikely]] {
    hasten_timer(c, now);
  } else if (may_probe_tail(c)) {
    const std::uint32_t wait = probe_after_us(c);
    if (wait >= c.rto_us) return;
    c.set(conn_flag::tail_timer);
    c.retransmit_at = now + Duration{wait};
  }
}

void note_tail_probe(Connection& c, bool again) noexcept {
  c.rack.tail_outstanding = true;
  c.rack.tail_is_retrans = again;
  c.rack.tail_end = c.snd_max;
}

bool is_loss_repaired_by_probe(Connection& c, const Delivery& d, bool duplicate) noexcept {
  Rack& rack = c.rack;
  if (!rack.tail_outstanding || before(c.snd_una, rack.tail_end)) return false;
  const bool beyond = after(c.snd_una, rack.tail_end);
  const bool arrived_twice = d.tail_duplicate || (duplicate && d.octets == 0);
  if (rack.tail_is_retrans && !beyond && !arrived_twice) return false;  // it may still have been
  rack.tail_outstanding = false;
  rack.slow_acks |= rack.tail_is_retrans && d.tail_duplicate;
  const bool repaired = rack.tail_is_retrans && beyond && !d.tail_duplicate;
  mark(!rack.tail_is_retrans ? Branch::tail_new_text
       : repaired            ? Branch::tail_repaired
                             : Branch::tail_unnecessary);
  return repaired;
}

}  // namespace mayfly::tcp
