// The ACK field (RFC 9293 3.10.7.4, fifth): what is acknowledged, the peer's window, the round
// trip, loss, and the states that an acknowledged FIN leads to.
#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/growth.h"
#include "tcp/congestion/rack.h"
#include "tcp/congestion/recovery.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/input.h"
#include "tcp/rtt.h"

namespace mayfly::tcp {
namespace {

/// A segment without the timestamps that were agreed on proved acceptable, so nobody blind sent it:
/// from here on those of this connection prove nothing.
void note_missing_timestamp(Connection& c, Verdict& v) noexcept {
  if (c.has(conn_flag::paws_off)) return;
  mark(Branch::stamps_vanish);
  c.set(conn_flag::paws_off);
  v.events |= event::timestamps_missing;
}

/// RFC 7323 4.3 (2): TS.Recent follows the segment at the left edge.
void record_timestamp(Connection& c, const Segment& s, Instant now, Verdict& v) noexcept {
  if (!c.has(conn_flag::timestamps)) return;
  if (!s.carries(wire::tcp_option::timestamps)) return note_missing_timestamp(c, v);
  if (after(s.seq, c.last_ack_sent)) return;
  // check_timestamp found it not older, or TS.Recent outdated; or it does not compare them.
  if (c.has(conn_flag::paws_off) && static_cast<std::int32_t>(s.ts.val - c.ts_recent) < 0) return;
  mark(Branch::stamp_recorded);
  c.ts_recent = s.ts.val;
  c.ts_recent_at = now;
}

/// SYN_RECEIVED: does the segment acknowledge our SYN? Then ESTABLISHED.
[[gnu::noinline]] bool complete_handshake(Connection& c, const Segment& s, const TcpSettings& cfg,
                                          Instant now, Verdict& v) noexcept {
  if (!after(s.ack, c.snd_una) || after(s.ack, c.snd_max)) {
    v.drop = Drop::tcp_ack_unacceptable;
    v.reply = Reply::rst;         // <SEQ=SEG.ACK><CTL=RST>
    c.clear(conn_flag::ack_now);  // the only answer, even at a zero window
    mark(Branch::handshake_bad_ack);
    return false;
  }
  record_timestamp(c, s, now, v);
  enter_established(c, s, cfg, now);
  take_window(c, s, std::uint32_t{s.window} << c.snd_wind_shift);
  v.events |= event::established;
  mark(Branch::handshake_done);
  return true;
}

/// RFC 6298 (5.2) and (5.3), RFC 8985 7.2: the timer for what is outstanding starts anew.
inline void restart_timer(Connection& c, Instant now) noexcept {
  c.clear(conn_flag::persist | conn_flag::probe_now);
  stop_retransmit_timer(c);
  if (c.snd_una != c.snd_max) arm_loss_timer(c, now);
}

/// SND.WND, and what depends on whether it is zero.
[[gnu::always_inline]] inline void update_window(Connection& c, const Segment& s,
                                                 Instant now) noexcept {
  // RFC 9293 3.10.7.4: an older segment must not restore an older window.
  const bool newer =
      before(c.snd_wl1, s.seq) || (c.snd_wl1 == s.seq && at_or_before(c.snd_wl2, s.ack));
  if (!newer) return mark(Branch::window_older);
  const bool was_zero = c.snd_wnd == 0;
  take_window(c, s, std::uint32_t{s.window} << c.snd_wind_shift);
  if (!c.has(conn_flag::persist) || !was_zero || c.snd_wnd == 0) return;
  mark(Branch::window_opens);  // Probing ends, text goes out with the next output.
  if (!is_abandoned(c)) c.retries = 0;
  restart_timer(c, now);
}

inline void move_una(Connection& c, const Segment& s, const TcpSettings& cfg,
                     Instant now) noexcept {
  MAYFLY_ASSERT(after(s.ack, c.snd_una) && at_or_before(s.ack, c.snd_max));
  measure_round_trip(c, s.ack, cfg, now);
  c.snd_una = s.ack;
  c.snd_nxt = later_of(c.snd_nxt, s.ack);
  c.retries = 0;
}

/// RFC 5681 2: a duplicate ACK acknowledges nothing, carries nothing, and something is outstanding.
/// A probe of our zero window carries something, though its text was removed.
bool is_bare(const Connection& c, const Segment& s, const Verdict& v) noexcept {
  return s.length() == 0 && v.drop == Drop::none && c.snd_una != c.snd_max &&
         !c.has(conn_flag::persist);
}

/// The acknowledgement of a segment where SACK was not agreed.
void acknowledge(Connection& c, const Segment& s, const TcpSettings& cfg, Instant now,
                 const Verdict& v) noexcept {
  const std::uint32_t window_before = c.snd_wnd;
  const auto acked = static_cast<std::uint32_t>(s.ack - c.snd_una);
  if (acked > 0) {
    move_una(c, s, cfg, now);
    on_new_ack(c, acked, cfg, now);
    restart_timer(c, now);
  }
  update_window(c, s, now);
  if (acked > 0 || !is_bare(c, s, v) || c.snd_wnd != window_before) return;
  mark(Branch::ack_duplicate);
  on_duplicate_ack(c, cfg, now);
}

/// The states of a close that has begun, once our FIN is acknowledged. False: the connection needs
/// no more.
bool on_fin_acked(Connection& c, const TcpSettings& cfg, Instant now, Verdict& v) noexcept {
  switch (c.state) {
    case State::fin_wait_1:
      enter_fin_wait_2(c, cfg, now);
      mark(Branch::fin_acked_fin_wait_1);
      return true;
    case State::closing:
      enter_time_wait(c);
      v.events |= event::time_wait;
      mark(Branch::fin_acked_closing);
      return false;
    case State::last_ack:
      end_connection(c);
      v.events |= event::closed;
      mark(Branch::fin_acked_last_ack);
      return false;
    default: return true;
  }
}

}  // namespace

void acknowledge_undisturbed(Connection& c, const Segment& s, const TcpSettings& cfg,
                             Instant now) noexcept {
  const auto acked = static_cast<std::uint32_t>(s.ack - c.snd_una);
  forget_sent(c, s.ack);
  move_una(c, s, cfg, now);
  update_window(c, s, now);
  c.dup_acks = 0;
  growth::on_ack(c, acked, cfg, now);
  restart_timer(c, now);
}

[[gnu::noinline]] void acknowledge_with_sack(Connection& c, const Segment& s,
                                             std::span<const wire::SackBlock> sacks,
                                             const TcpSettings& cfg, Instant now,
                                             const Verdict& v) noexcept {
  SackedAck ack;
  ack.delivery = take_delivery(c, s, sacks, now);
  ack.acked = static_cast<std::uint32_t>(s.ack - c.snd_una);
  ack.has_echo = s.carries(wire::tcp_option::timestamps);
  ack.echo = s.ts.echo;
  if (ack.acked > 0) move_una(c, s, cfg, now);
  const std::uint32_t window_before = c.snd_wnd;
  update_window(c, s, now);
  ack.duplicate =
      ack.acked == 0 && !ack.delivery.sack_news && is_bare(c, s, v) && c.snd_wnd == window_before;
  if (ack.delivery.sack_news) mark(Branch::sack_news);
  if (ack.duplicate) mark(Branch::ack_duplicate);
  on_sacked_ack(c, ack, cfg, now);
  if (ack.acked > 0 || (ack.delivery.sack_news && !c.has(conn_flag::persist)))
    restart_timer(c, now);
}

void take_window(Connection& c, const Segment& s, std::uint32_t bytes) noexcept {
  c.snd_wnd = bytes;
  c.snd_wl1 = s.seq;
  c.snd_wl2 = s.ack;
  c.max_snd_wnd = std::max(c.max_snd_wnd, bytes);
}

bool check_ack(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
               const TcpSettings& cfg, Instant now, Verdict& v) noexcept {
  if (!s.has(wire::tcp_flag::ack)) {
    v.drop = Drop::tcp_ack_missing;
    mark(Branch::ack_missing);
    return false;
  }
  if (c.state == State::syn_received) {
    if (!complete_handshake(c, s, cfg, now, v)) return false;
    c.last_heard = now;
    return true;
  }
  // RFC 5961 5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT.
  if (after(s.ack, c.snd_max) || before(s.ack, c.snd_una - c.max_snd_wnd)) {
    v.drop = Drop::tcp_ack_unacceptable;
    owe_challenge_ack(c, cfg, now, v);
    mark(Branch::ack_out_of_range);
    return false;
  }
  record_timestamp(c, s, now, v);
  c.last_heard = now;
  c.probes = 0;
  // A duplicate: its text may still be new.
  if (before(s.ack, c.snd_una)) {
    mark(Branch::ack_old);
    return true;
  }

  const bool advances = after(s.ack, c.snd_una);
  if (c.has(conn_flag::sack)) {
    if (advances && sacks.empty() && is_undisturbed(c)) [[likely]] {
      acknowledge_undisturbed(c, s, cfg, now);
    } else {
      acknowledge_with_sack(c, s, sacks, cfg, now, v);
    }
  } else {
    acknowledge(c, s, cfg, now, v);
  }
  if (c.ecn.agreed && s.has(wire::tcp_flag::ece)) on_congestion_echo(c, cfg, now);
  MAYFLY_ASSERT(c.cwnd >= smss(c));
  if (!advances) return true;
  mark(Branch::ack_new);
  v.events |= event::acked;
  return !fin_acked(c) || on_fin_acked(c, cfg, now, v);
}

}  // namespace mayfly::tcp
