// What a connection has to send, one Emission at a time: SYN, retransmission, text, FIN, probe, and
// last of all the ACK that nothing else carried (RFC 9293 3.8; RFC 6675 5).
#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/growth.h"
#include "tcp/congestion/rack.h"
#include "tcp/congestion/recovery.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/input.h"
#include "tcp/rtt.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

/// RFC 9293 3.8.6.2.1: the override time-out is 0.1 to 1 s.
constexpr std::uint32_t kOverrideMaxUs = 1'000'000;

/// Is a D-SACK owed?
bool owes_duplicate_report(const Connection& c) noexcept {
  return c.duplicate.left != c.duplicate.right;
}

/// How many SACK blocks go with the next segment (RFC 2018 3: three beside timestamps).
std::uint8_t sack_blocks(const Connection& c) noexcept {
  if (!c.has(conn_flag::sack)) return 0;
  const auto all = static_cast<std::uint8_t>(held_count(c) + (owes_duplicate_report(c) ? 1 : 0));
  return std::min<std::uint8_t>(all, c.has(conn_flag::timestamps) ? 3 : 4);
}

/// The most text in the next segment, in bytes: SMSS less the SACK option (RFC 6691).
std::uint32_t text_room(const Connection& c) noexcept {
  const std::uint32_t blocks = sack_blocks(c);
  return smss(c) - (blocks > 0 ? 4 + 8 * blocks : 0);
}

/// The window field for the next segment. Moves the right edge only in steps that are worth it (RFC
/// 9293 3.8.6.2.2, MUST-39), and never to the left (SHLD-14).
[[gnu::always_inline]] inline std::uint16_t advertise_window(Connection& c,
                                                             const TcpSettings& cfg) noexcept {
  const std::uint8_t shift = c.rcv_wind_shift;
  const std::uint32_t room = std::min(c.rcv_wnd, 0xffffu << shift);
  const std::int32_t gain = (c.rcv_nxt + room) - c.rcv_adv;
  const auto step = std::min<std::uint32_t>(cfg.receive_window / 2, cfg.mss);
  if (gain >= static_cast<std::int32_t>(step))
    c.rcv_adv = later_of(c.rcv_adv, c.rcv_nxt + ((room >> shift) << shift));
  MAYFLY_ASSERT(is_receive_space_in_order(c));
  const auto open = static_cast<std::uint32_t>(c.rcv_adv - c.rcv_nxt);
  // What the scale cannot express is rounded up if there is room for it: rounding down would take
  // back a part of the window that was offered (RFC 7323 2.4).
  const std::uint32_t unit = 1u << shift;
  const std::uint32_t up = ((open + unit - 1) >> shift) << shift;
  if (up > room) return static_cast<std::uint16_t>(std::min(open >> shift, 0xffffu));
  c.rcv_adv = c.rcv_nxt + up;
  return static_cast<std::uint16_t>(up >> shift);
}

/// RFC 2018 4: the block with the newest segment comes first; before it what arrived twice, and
/// then the block that holds it (RFC 2883 4).
[[gnu::noinline]] void list_sack_blocks(Connection& c, Emission& e) noexcept {
  e.options |= wire::tcp_option::sack;
  std::uint8_t n = 0;
  if (owes_duplicate_report(c)) {
    mark(Branch::dsack_said);
    e.sack[n++] = c.duplicate;
    c.duplicate = {};
  }
  for (const bool newest : {true, false}) {
    for (std::uint8_t i = 0; i < held_count(c) && n < e.sack_count; ++i) {
      const wire::SackBlock range = c.loss->held.range[i];
      if (contains(range, c.loss->newest_held.left) == newest) e.sack[n++] = range;
    }
  }
  MAYFLY_ASSERT(n == e.sack_count);
}

void add_timestamps(const Connection& c, Instant now, Emission& e) noexcept {
  e.options |= wire::tcp_option::timestamps;
  e.ts = {now.ts_ms() + c.ts_offset, e.has(wire::tcp_flag::ack) ? c.ts_recent : 0};
}

/// What every segment with an ACK carries; no ACK is owed after it.
[[gnu::always_inline]] inline void write_common(Connection& c, const TcpSettings& cfg, Instant now,
                                                Seq seq, Emission& e) noexcept {
  e.seq = seq;
  e.ack = c.rcv_nxt;
  e.payload_len = 0;
  e.mss = 0;
  e.flags = wire::tcp_flag::ack;
  e.options = 0;
  e.window_scale = 0;
  e.window = advertise_window(c, cfg);
  e.ts = {};
  if (c.has(conn_flag::timestamps)) add_timestamps(c, now, e);
  e.sack_count = sack_blocks(c);
  if (e.sack_count > 0) [[unlikely]]
    list_sack_blocks(c, e);
  if (c.ecn.echo) e.flags |= wire::tcp_flag::ece;  // RFC 3168 6.1.3
  c.last_ack_sent = c.rcv_nxt;
  c.clear(conn_flag::ack_now | conn_flag::ack_delayed);
  c.ack_at = Instant::never();
}

/// SYN in SYN_SENT, SYN-ACK in SYN_RECEIVED: if it was never sent, or is to be sent again.
[[gnu::noinline]] bool emit_syn(Connection& c, const TcpSettings& cfg, Instant now,
                                Emission& e) noexcept {
  if (c.snd_nxt != c.iss) return false;
  const bool answer = c.state == State::syn_received;
  e = Emission{};
  e.seq = c.iss;
  e.flags = wire::tcp_flag::syn;
  e.window = static_cast<std::uint16_t>(std::min(c.rcv_wnd, 0xffffu));  // RFC 7323 2.2: not scaled
  e.options = wire::tcp_option::mss;                                    // RFC 9293 SHLD-5
  e.mss = cfg.mss;
  if (answer) {
    e.flags |= wire::tcp_flag::ack;
    e.ack = c.rcv_nxt;
    c.clear(conn_flag::ack_now);
    if (c.ecn.agreed) e.flags |= wire::tcp_flag::ece;
  } else if (cfg.ecn && c.retries == 0) {
    // RFC 3168 6.1.1.1: a SYN that asks may have been lost because it asked.
    e.flags |= wire::tcp_flag::ece | wire::tcp_flag::cwr;
  }
  // A SYN offers what is allowed, a SYN-ACK what the SYN offered too (RFC 7323 1.3, RFC 2018 2).
  const auto offers = [&](bool allowed, std::uint32_t agreed) {
    return answer ? c.has(agreed) : allowed;
  };
  if (offers(cfg.window_scale, conn_flag::window_scale)) {
    e.options |= wire::tcp_option::window_scale;
    e.window_scale = c.rcv_wind_shift;
  }
  if (offers(cfg.sack, conn_flag::sack)) e.options |= wire::tcp_option::sack_permitted;
  if (offers(cfg.timestamps, conn_flag::timestamps)) add_timestamps(c, now, e);

  c.snd_nxt = c.iss + 1;
  if (c.snd_max == c.iss) {
    c.snd_max = c.snd_nxt;
    time_segment(c, c.iss, now);
  }
  if (c.retransmit_at.is_never()) start_retransmit_timer(c, now);
  return true;
}

/// RFC 3168 6.1.2, 6.1.5: new text can be marked, and says that the window was reduced.
void add_ecn(Connection& c, Emission& e) noexcept {
  e.options |= wire::tcp_option::ecn_mark;
  if (!c.ecn.owes_cwr) return;
  e.flags |= wire::tcp_flag::cwr;
  c.ecn.owes_cwr = false;
}

/// Sends [seq, seq + len) and, if `fin`, the FIN after it. Inlined: the call took as many
/// instructions as what it does for the common segment.
[[gnu::always_inline]] inline void emit_octets(Connection& c, const TcpSettings& cfg, Instant now,
                                               Seq seq, std::uint32_t len, bool fin,
                                               Emission& e) noexcept {
  MAYFLY_ASSERT(at_or_after(seq, c.snd_una) && at_or_before(seq + len, c.snd_end));
  MAYFLY_ASSERT(len <= smss(c) && (len > 0 || fin));
  write_common(c, cfg, now, seq, e);
  e.payload_len = len;
  const Seq text_end = seq + len;
  // RFC 9293 MUST-61: the last octet that is queued is pushed.
  if (len > 0 && text_end == c.snd_end) e.flags |= wire::tcp_flag::psh;
  if (fin) {
    e.flags |= wire::tcp_flag::fin;
    if (!c.has(conn_flag::peer_fin)) c.set(conn_flag::active_close);
  }
  const Seq end = text_end + (fin ? 1u : 0u);
  if (c.ecn.agreed && len > 0 && seq == c.snd_max) add_ecn(c, e);
  if (before(seq, c.snd_max)) {
    // Karn's algorithm: what is sent twice is not timed.
    if (c.has(conn_flag::rtt_timing) && at_or_before(seq, c.rtt_seq) && after(end, c.rtt_seq)) {
      c.clear(conn_flag::rtt_timing);
    }
  } else {
    time_segment(c, seq, now);
  }
  if (c.has(conn_flag::sack)) {
    note_sent(c, seq, end, now);
    if (c.has(conn_flag::recovery | conn_flag::rto_recovery)) note_repair(c, seq, end, now);
  }
  if (after(end, c.snd_max)) {
    c.snd_max = end;
    c.flight_sent = static_cast<std::uint32_t>(end - c.snd_una);
  }
  c.last_sent = now;
}

/// RFC 6298 (5.1): with text or FIN sent, the timer runs. RFC 8985 7.2: what is sent last is
/// probed.
void run_retransmit_timer(Connection& c, Instant now) noexcept {
  if (c.has(conn_flag::persist)) {
    c.clear(conn_flag::persist);
    if (!is_abandoned(c)) c.retries = 0;  // they counted probes
  } else if (!c.retransmit_at.is_never() && !c.has(conn_flag::tail_timer)) {
    return;
  }
  arm_loss_timer(c, now);
}

/// One segment of [from, to) again; the FIN is sent again if it stands there.
[[gnu::noinline]] void emit_again(Connection& c, const TcpSettings& cfg, Instant now,
                                  wire::SackBlock range, Emission& e) noexcept {
  MAYFLY_ASSERT(before(range.left, range.right) && at_or_before(range.right, c.snd_max));
  const Seq text_to = after(range.right, c.snd_end) ? c.snd_end : range.right;
  const auto len = std::min(static_cast<std::uint32_t>(text_to - range.left), text_room(c));
  const bool fin = after(range.right, c.snd_end) && range.left + len == c.snd_end;
  emit_octets(c, cfg, now, range.left, len, fin, e);
  run_retransmit_timer(c, now);
}

/// Fast retransmit: the first segment is sent again at once (RFC 5681 3.2, RFC 6582 3.2).
bool emit_first_again(Connection& c, const TcpSettings& cfg, Instant now, Emission& e) noexcept {
  if (!c.has(conn_flag::retransmit_now)) return false;
  c.clear(conn_flag::retransmit_now);
  const wire::SackBlock first{c.snd_una,
                              sacked_count(c) > 0 ? c.loss->sacked.range[0].left : c.snd_max};
  if (!before(first.left, first.right)) return false;
  emit_again(c, cfg, now, first, e);
  return true;
}

/// With SACK: what is lost, as the congestion window allows (RFC 8985 6.2, step 5; RFC 6675 4).
bool emit_lost(Connection& c, const TcpSettings& cfg, Instant now, Emission& e) noexcept {
  if (!c.has(conn_flag::sack_recovery | conn_flag::rto_recovery) || !c.has(conn_flag::sack))
    return false;
  wire::SackBlock lost;
  if (!first_lost(c, lost)) return false;
  // RFC 9293 SHLD-15: after a time-out nothing goes beyond a window that has shrunk.
  const Seq edge = c.snd_una + std::max(c.snd_wnd, 1u);
  if (!before(lost.left, edge)) return false;
  if (after(lost.right, edge)) lost.right = edge;
  const std::uint32_t len = std::min(static_cast<std::uint32_t>(lost.right - lost.left), smss(c));
  if (flight_size(c) + len > c.cwnd) return false;
  emit_again(c, cfg, now, lost, e);
  return true;
}

/// Octets that the congestion window allows to send now. Limited transmit (RFC 3042) lends one
/// segment for each of the first two duplicate ACKs.
[[gnu::always_inline]] inline std::uint32_t congestion_room(const Connection& c) noexcept {
  std::uint32_t cwnd = c.cwnd;
  if (!c.has(conn_flag::recovery) &&
      sacked_count(c) == 0)  // with SACK the flight is smaller instead
    cwnd += std::min(c.dup_acks, std::uint8_t{2}) * smss(c);
  const std::uint32_t flight = flight_size(c);
  return cwnd > flight ? cwnd - flight : 0;
}

/// Is there anything after snd_nxt: text, or a FIN?
bool has_unsent(const Connection& c) noexcept {
  return before(c.snd_nxt, c.snd_end) || (c.snd_nxt == c.snd_end && c.has(conn_flag::closing));
}

/// The sender's half of silly window avoidance, and Nagle (RFC 9293 3.8.6.2.1, 3.7.4). `len` is
/// what the windows and the segment size allow, `queued` what waits, `full` text_room().
bool is_worth_sending(const Connection& c, const TcpSettings& cfg, std::uint32_t len,
                      std::uint32_t queued, std::uint32_t window_room,
                      std::uint32_t full) noexcept {
  if (len == 0) return false;
  if (len == full) return true;                                 // (1) a full segment
  if (c.has(conn_flag::rto_recovery)) return true;              // it was worth it before
  if (len == queued && c.has(conn_flag::closing)) return true;  // no more will come
  const bool idle = c.snd_nxt == c.snd_una || !cfg.nagle || c.has(conn_flag::no_nagle);
  if (!idle) return false;
  if (len == queued) return true;                         // (2) all of it, pushed
  if (c.has(conn_flag::probe_now)) return true;           // (4) the override time-out
  return len == window_room && len >= c.max_snd_wnd / 2;  // (3) half the largest window
}

/// RFC 5681 4.1: nothing was sent for more than an RTO, so the old cwnd proves nothing about the
/// path.
bool was_idle(const Connection& c, Instant now) noexcept {
  return c.snd_una == c.snd_max && now - c.last_sent > Duration{c.rto_us};
}

/// Does the FIN ride on `len` octets of the `queued` ones? It takes a sequence number, and so room
/// in the peer's window (RFC 9293 3.4).
bool takes_fin_along(const Connection& c, std::uint32_t len, std::uint32_t queued,
                     std::uint32_t window_room) noexcept {
  return len == queued && c.has(conn_flag::closing) && window_room > len;
}

/// New text, or text again after a time-out; the FIN rides on the last of it.
[[gnu::always_inline]] inline bool emit_text(Connection& c, const TcpSettings& cfg, Instant now,
                                             Emission& e) noexcept {
  if (!has_unsent(c)) return false;
  const std::int32_t open = (c.snd_una + c.snd_wnd) - c.snd_nxt;  // negative: the window has shrunk
  if (open <= 0) return false;
  if (was_idle(c, now)) growth::on_idle(c, cfg, now);
  const auto window_room = static_cast<std::uint32_t>(open);
  const auto queued = static_cast<std::uint32_t>(c.snd_end - c.snd_nxt);
  const std::uint32_t full = text_room(c);
  const std::uint32_t len = std::min({queued, window_room, congestion_room(c), full});
  const bool fin = takes_fin_along(c, len, queued, window_room);
  if (!is_worth_sending(c, cfg, len, queued, window_room, full) && !(fin && len == 0)) return false;

  emit_octets(c, cfg, now, c.snd_nxt, len, fin, e);
  c.snd_nxt += len + (fin ? 1u : 0u);
  c.clear(conn_flag::probe_now);
  run_retransmit_timer(c, now);
  return true;
}

/// The last segment that was sent; those before it were full.
wire::SackBlock last_segment(const Connection& c) noexcept {
  const bool fin = fin_sent(c);
  const std::uint32_t text = static_cast<std::uint32_t>(c.snd_max - c.snd_una) - (fin ? 1u : 0u);
  const std::uint32_t before_it = text == 0 ? 0 : (text - 1) / smss(c) * smss(c);
  return {c.snd_una + before_it, c.snd_max};
}

/// RFC 8985 7.3: the probe is new text if there is any, otherwise the last segment again. The
/// congestion window does not count.
[[gnu::noinline]] bool emit_tail_probe(Connection& c, const TcpSettings& cfg, Instant now,
                                       Emission& e) noexcept {
  if (!c.has(conn_flag::tail_probe)) return false;
  c.clear(conn_flag::tail_probe);
  if (c.snd_una == c.snd_max || c.has(conn_flag::recovery | conn_flag::rto_recovery)) return false;
  const std::int32_t open = (c.snd_una + c.snd_wnd) - c.snd_nxt;
  const auto queued = static_cast<std::uint32_t>(c.snd_end - c.snd_nxt);
  if (before(c.snd_nxt, c.snd_end) && open >= static_cast<std::int32_t>(text_room(c))) {
    const std::uint32_t len = std::min(queued, text_room(c));
    const bool fin = takes_fin_along(c, len, queued, static_cast<std::uint32_t>(open));
    emit_octets(c, cfg, now, c.snd_nxt, len, fin, e);
    c.snd_nxt += len + (fin ? 1u : 0u);
    note_tail_probe(c, false);
    mark(Branch::tail_probe_new);
  } else {
    emit_again(c, cfg, now, last_segment(c), e);
    note_tail_probe(c, true);
    mark(Branch::tail_probe_again);
  }
  return true;
}

/// Only with one of these is there something to send but new text and an ACK.
constexpr std::uint32_t kMoreThanText = conn_flag::retransmit_now | conn_flag::sack_recovery |
                                        conn_flag::rto_recovery | conn_flag::tail_probe |
                                        conn_flag::probe_now;

/// Text and FIN, old before new (RFC 6675 4, NextSeg).
bool emit_something(Connection& c, const TcpSettings& cfg, Instant now, Emission& e) noexcept {
  return emit_first_again(c, cfg, now, e) || emit_lost(c, cfg, now, e) ||
         emit_tail_probe(c, cfg, now, e) || emit_text(c, cfg, now, e);
}

/// Text waits, nothing is in flight, and the window does not allow any: only a timer can end this
/// (RFC 9293 3.8.6.1, and the override time-out of 3.8.6.2.1).
void arm_persist(Connection& c, Instant now) noexcept {
  if (!c.retransmit_at.is_never() || !has_unsent(c)) return;
  c.set(conn_flag::persist);
  if (!is_abandoned(c)) c.retries = 0;
  c.probes = 0;
  const std::uint32_t wait = c.snd_wnd == 0 ? c.rto_us : std::min(c.rto_us, kOverrideMaxUs);
  c.retransmit_at = now + Duration{wait};
}

/// A zero-window probe is one octet, sent again and again (RFC 9293 MUST-36); a keep-alive probe is
/// empty and lies just before the window (RFC 9293 3.8.4, SHLD-12).
[[gnu::noinline]] bool emit_probe(Connection& c, const TcpSettings& cfg, Instant now,
                                  Emission& e) noexcept {
  if (!c.has(conn_flag::probe_now)) return false;
  c.clear(conn_flag::probe_now);
  if (c.has(conn_flag::persist)) {
    const bool text = before(c.snd_una, c.snd_end);
    if (!text && !c.has(conn_flag::closing)) return false;
    emit_octets(c, cfg, now, c.snd_una, text ? 1 : 0, !text, e);
    e.options &= static_cast<std::uint8_t>(~wire::tcp_option::ecn_mark);  // RFC 3168 6.1.6
    c.clear(conn_flag::rtt_timing);  // how long the window stays shut is no round trip
  } else {
    write_common(c, cfg, now, c.snd_una - 1, e);
  }
  return true;
}

[[gnu::always_inline]] inline bool emit_ack(Connection& c, const TcpSettings& cfg, Instant now,
                                            Emission& e) noexcept {
  if (!c.has(conn_flag::ack_now)) return false;
  write_common(c, cfg, now, acceptable_seq(c), e);
  return true;
}

/// All that a synchronized connection may have to send, in its order.
[[gnu::noinline]] bool emit_any(Connection& c, const TcpSettings& cfg, Instant now,
                                Emission& e) noexcept {
  if (emit_something(c, cfg, now, e)) return true;
  arm_persist(c, now);
  return emit_probe(c, cfg, now, e) || emit_ack(c, cfg, now, e);
}

/// The same where there is nothing but new text and an ACK: what is not asked cannot be the case.
[[gnu::always_inline]] inline bool emit_common(Connection& c, const TcpSettings& cfg, Instant now,
                                               Emission& e) noexcept {
  if (emit_text(c, cfg, now, e)) return true;
  arm_persist(c, now);
  return emit_ack(c, cfg, now, e);
}

/// The states in which there may be text or a FIN to send, or was.
constexpr StateSet kSendsInSequence =
    states(State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
           State::closing, State::last_ack);

/// What is sent in the others.
[[gnu::noinline]] bool emit_outside(Connection& c, const TcpSettings& cfg, Instant now,
                                    Emission& e) noexcept {
  switch (c.state) {
    case State::syn_sent: return emit_syn(c, cfg, now, e);
    case State::syn_received: return emit_syn(c, cfg, now, e) || emit_ack(c, cfg, now, e);
    case State::time_wait: return emit_ack(c, cfg, now, e);
    default: return false;
  }
}

}  // namespace

Seq acceptable_seq(const Connection& c) noexcept {
  if (!kSynchronized.has(c.state)) return c.snd_max;  // the SYN is in no window
  const Seq edge = c.snd_una + c.snd_wnd;
  return before(edge, c.snd_max) ? edge : c.snd_max;
}

bool next_emission(Connection& c, const TcpSettings& cfg, Instant now, Emission& e) noexcept {
  if (!kSendsInSequence.has(c.state)) [[unlikely]]
    return emit_outside(c, cfg, now, e);
  const bool is_common = (c.flags & kMoreThanText) == 0;
  const bool emitted = is_common ? emit_common(c, cfg, now, e) : emit_any(c, cfg, now, e);
  MAYFLY_ASSERT(is_send_space_in_order(c));
  return emitted;
}

bool reset_for(const Segment& s, Emission& e) noexcept {
  if (s.has(wire::tcp_flag::rst)) {
    mark(Branch::reset_of_rst);
    return false;
  }
  e = Emission{};
  // RFC 9293 3.10.7.1: a sequence number that the sender of `s` will accept.
  if (s.has(wire::tcp_flag::ack)) {
    mark(Branch::reset_by_ack);
    e.seq = s.ack;
    e.flags = wire::tcp_flag::rst;
  } else {
    mark(Branch::reset_by_length);
    e.ack = s.end();
    e.flags = wire::tcp_flag::rst | wire::tcp_flag::ack;
  }
  return true;
}

}  // namespace mayfly::tcp
