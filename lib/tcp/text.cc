// Received text: what is taken in order, what is held out of order, the FIN, and the ACK they call
// for (RFC 9293 3.10.7.4, seventh and eighth; RFC 5681 4.2; RFC 2018).
#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/input.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

/// RFC 9293 3.8.6.3: at least every second segment is acknowledged at once (SHLD-19), the first of
/// a pair after less than half a second (MUST-40).
void owe_ack_for_text(Connection& c, bool at_once, const TcpSettings& cfg, Instant now) noexcept {
  if (at_once || c.has(conn_flag::ack_delayed) || cfg.delayed_ack.us == 0) {
    mark(Branch::ack_at_once);
    return owe_ack(c);
  }
  mark(Branch::ack_delayed);
  c.set(conn_flag::ack_delayed);
  c.ack_at = now + cfg.delayed_ack;
}

/// The part of `added` that is held already: the first such part (RFC 2883 4).
void note_held_duplicate(Connection& c, wire::SackBlock added) noexcept {
  for (std::uint8_t i = 0; i < c.loss->held.count; ++i) {
    const wire::SackBlock r = c.loss->held.range[i];
    const Seq left = later_of(added.left, r.left);
    const Seq right = before(added.right, r.right) ? added.right : r.right;
    if (!before(left, right)) continue;
    c.duplicate = {left, right};
    return;
  }
}

}  // namespace

void note_duplicate(Connection& c, Seq from, Seq to) noexcept {
  if (!c.has(conn_flag::sack) || !before(from, c.rcv_nxt)) [[likely]]
    return;
  const Seq end = before(to, c.rcv_nxt) ? to : c.rcv_nxt;
  if (before(from, c.irs + 1) || !before(from, end)) return;
  c.duplicate = {from, end};
}

std::uint32_t take_text(Connection& c, std::uint32_t accepted, const TcpSettings& cfg,
                        Instant now) noexcept {
  MAYFLY_ASSERT(accepted <= static_cast<std::uint32_t>(c.rcv_adv - c.rcv_nxt));
  // RFC 5681 4.2: a segment that fills a gap, or a part of one, is acknowledged at once.
  owe_ack_for_text(c, accepted == 0 || held_count(c) > 0, cfg, now);
  c.rcv_nxt += accepted;
  std::uint32_t followed = 0;
  if (held_count(c) > 0) {
    SeqRanges& held = c.loss->held;
    trim_before(held, c.rcv_nxt);
    if (held.count > 0 && held.range[0].left == c.rcv_nxt) {
      mark(Branch::gap_filled);
      followed = size_of(held.range[0]);
      c.rcv_nxt += followed;
      trim_before(held, c.rcv_nxt);
    }
  }
  c.rcv_adv = later_of(c.rcv_adv, c.rcv_nxt);
  MAYFLY_ASSERT(is_receive_space_in_order(c));
  return followed;
}

bool hold_text(Connection& c, Seq seq, std::uint32_t len) noexcept {
  MAYFLY_ASSERT(len > 0 && after(seq, c.rcv_nxt) && at_or_before(seq + len, c.rcv_adv));
  owe_ack(c);
  if (c.loss == nullptr) return false;
  if (c.has(conn_flag::sack)) note_held_duplicate(c, {seq, seq + len});
  const bool kept = insert_range(c.loss->held, {seq, seq + len}, c.loss->newest_held);
  mark(kept ? Branch::text_held : Branch::text_not_held);
  return kept;
}

void forget_held_text(Connection& c) noexcept {
  if (c.loss == nullptr) return;
  c.loss->held = {};
  c.loss->newest_held = {};
}

std::uint16_t take_fin(Connection& c, const TcpSettings&, Instant) noexcept {
  MAYFLY_ASSERT(!c.has(conn_flag::fin_held) || at_or_after(c.fin_at, c.rcv_nxt));
  if (!c.has(conn_flag::fin_held) || c.rcv_nxt != c.fin_at || !kReceivesText.has(c.state)) return 0;
  c.clear(conn_flag::fin_held);
  c.set(conn_flag::peer_fin);
  c.rcv_nxt += 1;
  c.rcv_adv = later_of(c.rcv_adv, c.rcv_nxt);
  owe_ack(c);
  switch (c.state) {
    case State::established:
      c.state = State::close_wait;
      mark(Branch::fin_established);
      return event::peer_fin;
    case State::fin_wait_1:
      // Our FIN is not acknowledged, or the state would be FIN_WAIT_2. If it still waits behind
      // text, it has not been sent: then the peer closed first, and CLOSE counts as called in
      // CLOSE_WAIT.
      mark(fin_sent(c) ? Branch::fin_fin_wait_1 : Branch::fin_before_ours);
      c.state = fin_sent(c) ? State::closing : State::last_ack;
      return event::peer_fin;
    default:
      mark(Branch::fin_fin_wait_2);
      enter_time_wait(c);
      return event::peer_fin | event::time_wait;
  }
}

}  // namespace mayfly::tcp
