// Opening: what LISTEN answers, both ways into a connection, the options of the handshake and its
// end.
#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/growth.h"
#include "tcp/input.h"
#include "tcp/rtt.h"

namespace mayfly::tcp {
namespace {

constexpr std::uint32_t kWindowMax = 1u << 30;  // RFC 7323 2.3
constexpr std::uint8_t kWindowShiftMax = 14;    // RFC 7323 2.3
constexpr std::uint32_t kUserFlags = ~(conn_flag::user - 1);

/// The least shift with which the 16-bit field can express the whole window.
constexpr std::uint8_t shift_for(std::uint32_t window) {
  const int bits = std::bit_width(window);
  return static_cast<std::uint8_t>(std::clamp(bits - 16, 0, int{kWindowShiftMax}));
}
static_assert(shift_for(65'535) == 0 && shift_for(65'536) == 1 && shift_for(kWindowMax) == 14);

/// A connection with nothing sent and nothing received; keeps what belongs to the stack.
void reset_block(Connection& c, Seq iss, std::uint32_t ts_offset, const TcpSettings& cfg,
                 Instant now) noexcept {
  const auto slot = c.slot;
  const auto timer = c.timer;
  LossRecord* const loss = c.loss;
  const auto user_flags = c.flags & kUserFlags;
  c = Connection{};
  c.slot = slot;
  c.timer = timer;
  c.loss = loss;
  if (loss != nullptr) *loss = {};
  c.flags = user_flags;
  c.iss = c.snd_una = c.snd_nxt = c.snd_max = c.recover = iss;
  c.snd_end = iss + 1;  // text follows the SYN
  c.rcv_wnd = std::min(cfg.receive_window, kWindowMax);
  c.ts_offset = ts_offset;
  MAYFLY_ASSERT(cfg.rto_initial.us > 0 && cfg.rto_initial.us <= 0xffff'ffff);
  c.rto_us = static_cast<std::uint32_t>(cfg.rto_initial.us);
  c.last_heard = now;
}

}  // namespace

void open_active(Connection& c, Seq iss, std::uint32_t ts_offset, const TcpSettings& cfg,
                 Instant now) noexcept {
  reset_block(c, iss, ts_offset, cfg, now);
  c.state = State::syn_sent;
  if (cfg.window_scale) c.rcv_wind_shift = shift_for(c.rcv_wnd);
}

ListenAnswer on_listen(const Segment& s) noexcept {
  // RFC 9293 3.10.7.2: first RST, second ACK, third SYN; anything else is dropped.
  if (s.has(wire::tcp_flag::rst)) {
    mark(Branch::listen_rst);
    return ListenAnswer::ignore;
  }
  if (s.has(wire::tcp_flag::ack)) {
    mark(Branch::listen_ack);
    return ListenAnswer::reset;
  }
  if (s.has(wire::tcp_flag::syn)) {
    mark(Branch::listen_syn);
    return ListenAnswer::open;
  }
  mark(Branch::listen_other);
  return ListenAnswer::ignore;
}

void open_passive(Connection& c, const Segment& syn, Seq iss, std::uint32_t ts_offset,
                  const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(syn.has(wire::tcp_flag::syn) && !syn.has(wire::tcp_flag::rst));
  reset_block(c, iss, ts_offset, cfg, now);
  c.state = State::syn_received;
  c.set(conn_flag::passive);
  if (cfg.window_scale) c.rcv_wind_shift = shift_for(c.rcv_wnd);
  take_options(c, syn, cfg, now);
}

void take_options(Connection& c, const Segment& s, const TcpSettings& cfg, Instant now) noexcept {
  c.irs = s.seq;
  c.rcv_nxt = c.last_ack_sent = s.seq + 1;
  c.rcv_adv =
      c.rcv_nxt + std::min<std::uint32_t>(c.rcv_wnd, 0xffff);  // RFC 7323 2.2: SYNs are not scaled
  if (s.carries(wire::tcp_option::mss)) {                      // RFC 9293 MUST-15: else 536
    mark(Branch::mss_offered);
    c.peer_mss = s.mss;
  }
  c.mss = std::min(std::max(c.peer_mss, kMssMin), cfg.mss);
  MAYFLY_ASSERT(c.mss >= kMssMin);
  if (cfg.window_scale && s.carries(wire::tcp_option::window_scale)) {
    mark(Branch::scale_agreed);
    c.set(conn_flag::window_scale);
    c.snd_wind_shift = std::min(s.window_scale, kWindowShiftMax);  // RFC 7323 2.3: 14 for more
  } else {
    c.rcv_wind_shift = 0;
  }
  if (cfg.sack && s.carries(wire::tcp_option::sack_permitted)) {
    mark(Branch::sack_agreed);
    c.set(conn_flag::sack);
  }
  if (cfg.timestamps && s.carries(wire::tcp_option::timestamps)) {
    mark(Branch::stamps_agreed);
    c.set(conn_flag::timestamps);
    c.ts_recent = s.ts.val;
    c.ts_recent_at = now;
  }
  // RFC 3168 6.1.1: a SYN that asks has both bits, a SYN-ACK that agrees has ECE alone.
  constexpr std::uint8_t kBoth = wire::tcp_flag::ece | wire::tcp_flag::cwr;
  const std::uint8_t asked = s.has(wire::tcp_flag::ack) ? wire::tcp_flag::ece : kBoth;
  if (cfg.ecn && (s.flags & kBoth) == asked) {
    mark(Branch::ecn_agreed);
    c.ecn.agreed = true;
  }
  take_window(c, s, s.window);
}

void enter_established(Connection& c, const Segment& s, const TcpSettings& cfg,
                       Instant now) noexcept {
  MAYFLY_ASSERT(!kSynchronized.has(c.state) && c.snd_una == c.iss && c.snd_max == c.iss + 1);
  // RFC 6928 2: one lost SYN or SYN-ACK is no sign of congestion, several are.
  const bool syns_lost = c.retries > 1;
  if (c.has(conn_flag::rtt_timing)) {
    mark(Branch::handshake_timed);
    take_sample(c, timed_for(c, now), cfg);
  } else if (c.has(conn_flag::timestamps) && s.carries(wire::tcp_option::timestamps)) {
    // RFC 7323 4.1: the echo tells which of our SYNs was answered. A clock of 1 ms has ticked up to
    // once more.
    mark(Branch::handshake_timed_by_echo);
    const auto ticks = static_cast<std::int32_t>(now.ts_ms() + c.ts_offset - s.ts.echo);
    if (ticks >= 0) take_sample(c, Duration::from_ms(ticks + 1), cfg);
  } else if (syns_lost) {
    mark(Branch::handshake_slow);
    // RFC 6298 (5.7): after time-outs in the handshake the first RTO for text is at least 3 s.
    c.rto_us = std::max<std::uint32_t>(3'000'000, static_cast<std::uint32_t>(cfg.rto_initial.us));
  } else {
    c.rto_us = static_cast<std::uint32_t>(cfg.rto_initial.us);
  }
  c.clear(conn_flag::rtt_timing);
  c.retries = 0;
  stop_retransmit_timer(c);
  c.snd_una = c.snd_nxt = c.iss + 1;
  growth::start(c, cfg, syns_lost);
  c.last_sent = now;  // the initial window is not left idle yet
  if (cfg.keep_alive.enabled) c.life_at = now + cfg.keep_alive.idle;
  // A CLOSE during the handshake was queued (RFC 9293 3.10.4).
  const bool closing = c.has(conn_flag::closing);
  if (closing) mark(Branch::handshake_to_close);
  c.state = closing ? State::fin_wait_1 : State::established;
}

}  // namespace mayfly::tcp
