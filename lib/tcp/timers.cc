// The three deadlines: retransmission or zero-window probe, delayed ACK, and the connection's own
// life.
#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/rack.h"
#include "tcp/congestion/recovery.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/input.h"
#include "tcp/rtt.h"

namespace mayfly::tcp {
namespace {

/// RFC 9293 3.8.3: R1, from which on the user is told; SHLD-10 asks for at least three
/// retransmissions.
constexpr std::uint8_t kR1 = 3;

std::uint16_t time_out(Connection& c) noexcept {
  mark(Branch::timed_out);
  end_connection(c);
  return event::timed_out;
}

std::uint8_t retries_max(const Connection& c, const TcpSettings& cfg) noexcept {
  switch (c.state) {
    case State::syn_sent: return cfg.syn_retries;
    case State::syn_received: return cfg.syn_ack_retries;
    default: return is_abandoned(c) ? std::min(cfg.retries, cfg.orphan_retries) : cfg.retries;
  }
}

/// RFC 9293 3.8.6.1: the interval grows exponentially (SHLD-30), and for as long as the peer
/// answers there is no end to it (MUST-37). Without answers R2 ends it. MUST-37 is for a user who
/// waits: if nobody does, R2 ends it whether probes are answered or not (RFC 6429 3).
std::uint16_t on_persist_timer(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (c.probes >= cfg.retries) {
    mark(Branch::probe_unanswered);
    return time_out(c);
  }
  if (is_abandoned(c) && c.retries >= cfg.retries) {
    mark(Branch::probe_abandoned);
    return time_out(c);
  }
  mark(Branch::probe_due);
  ++c.probes;
  c.retries = static_cast<std::uint8_t>(std::min(c.retries + 1, 31));
  c.clear(conn_flag::tail_timer | conn_flag::reorder_timer);
  c.set(conn_flag::persist | conn_flag::probe_now);
  c.retransmit_at = now + Duration{std::min(std::int64_t{c.rto_us} << c.retries, cfg.rto_max.us)};
  return 0;
}

std::uint16_t on_retransmit_timer(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  const bool handshake = !kSynchronized.has(c.state);
  MAYFLY_ASSERT(c.snd_una != c.snd_max || c.has(conn_flag::persist));
  if (c.has(conn_flag::sack)) limit_ages(c, now);
  if (c.has(conn_flag::tail_timer) && c.snd_wnd == 0) {  // nothing may be sent into it yet
    start_retransmit_timer(c, now);
    return 0;
  }
  // RFC 9293 MUST-35: a window that has shrunk to nothing is probed, not flooded.
  if (c.has(conn_flag::persist) || (!handshake && c.snd_wnd == 0))
    return on_persist_timer(c, cfg, now);
  if (c.has(conn_flag::reorder_timer)) {
    mark(Branch::rack_late);
    c.clear(conn_flag::reorder_timer);
    on_reordering_timeout(c, cfg, now);
    arm_loss_timer(c, now);
    return 0;
  }
  if (c.has(conn_flag::tail_timer)) {
    mark(Branch::tail_probe_due);
    c.set(conn_flag::tail_probe);
    start_retransmit_timer(c, now);  // RFC 8985 7.3: after the probe the time-out
    return 0;
  }
  if (c.retries >= retries_max(c, cfg)) return time_out(c);  // RFC 9293 MUST-20 (b): R2
  if (handshake) {
    mark(Branch::handshake_again);
    c.snd_nxt = c.iss;
    c.clear(conn_flag::rtt_timing);
  } else {
    mark(Branch::text_again);
    on_retransmission_timeout(c, cfg, now);
  }
  ++c.retries;
  back_off(c, cfg);
  start_retransmit_timer(c, now);
  if (c.retries != kR1) return 0;
  mark(Branch::r1_reached);
  return event::slow;
}

/// Is anything of the connection under way, or waiting? Then the retransmission timer detects a
/// dead peer.
bool is_busy(const Connection& c) noexcept { return !c.retransmit_at.is_never(); }

/// FIN_WAIT_2 that ends by itself: nobody reads, and the settings bound it.
bool is_bounded(const Connection& c, const TcpSettings& cfg) noexcept {
  return c.state == State::fin_wait_2 && c.has(conn_flag::closed_both) &&
         cfg.fin_wait_2_hold.us > 0;
}

std::uint16_t on_life_timer(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  c.life_at = Instant::never();
  if (is_bounded(c, cfg)) {
    mark(Branch::fin_wait_2_over);
    end_connection(c);
    return event::closed | event::fin_wait_2_end;
  }
  const KeepAlive& keep = cfg.keep_alive;
  if (!keep.enabled) return 0;
  const Instant due = c.last_heard + keep.idle;
  // RFC 9293 MUST-26: only if nothing was heard.
  if (is_busy(c) || (c.probes == 0 && now < due)) {
    mark(Branch::keep_alive_early);
    c.life_at = is_busy(c) ? now + keep.idle : due;
    return 0;
  }
  if (c.probes >= keep.probes) {  // RFC 9293 MUST-29: not for one unanswered probe
    mark(Branch::keep_alive_dead);
    return time_out(c);
  }
  mark(Branch::keep_alive_probe);
  ++c.probes;
  c.set(conn_flag::probe_now);
  c.life_at = now + keep.interval;
  return 0;
}

}  // namespace

void follow_settings(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  if (!kSynchronized.has(c.state) || c.state == State::time_wait) return;
  if (is_bounded(c, cfg)) {
    mark(Branch::fin_wait_2_retimed);
    c.life_at = c.last_sent + cfg.fin_wait_2_hold;
  } else if (!cfg.keep_alive.enabled) {
    mark(Branch::wait_without_end);
    c.life_at = Instant::never();
  } else {
    mark(Branch::keep_alive_retimed);
    const bool is_probing = c.probes > 0 && !is_busy(c);
    c.life_at = is_probing ? std::min(c.life_at, now + cfg.keep_alive.interval)
                           : c.last_heard + cfg.keep_alive.idle;
  }
}

// A peer that keeps its window shut answers probes, whose pauses are longer.
bool is_peer_silent(const Connection& c, Instant now) noexcept {
  return c.retransmit_at <= now && !c.has(conn_flag::persist) &&
         now - c.last_heard >= Duration{c.rto_us};
}

std::uint16_t on_timer(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  std::uint16_t events = 0;
  if (c.ack_at <= now) {
    mark(Branch::delayed_ack_due);
    c.ack_at = Instant::never();
    c.clear(conn_flag::ack_delayed);
    owe_ack(c);
  }
  if (c.retransmit_at <= now) events |= on_retransmit_timer(c, cfg, now);
  if (c.life_at <= now) events |= on_life_timer(c, cfg, now);
  return events;
}

}  // namespace mayfly::tcp
