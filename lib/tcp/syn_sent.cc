// SYN_SENT, in the order of RFC 9293 3.10.7.3; simultaneous open included.
#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/input.h"
#include "tcp/rtt.h"

namespace mayfly::tcp {
namespace {

/// The peer's SYN crossed ours: SYN_RECEIVED, and the SYN is sent again, now with an ACK.
void enter_syn_received(Connection& c) noexcept {
  c.state = State::syn_received;
  c.snd_nxt = c.iss;
  c.clear(conn_flag::rtt_timing);  // Karn: the SYN is sent twice
}

/// The peer answered our SYN with an ACK of another connection, as its TIME_WAIT does (RFC
/// 5961 4.2). Our RST ends that (RFC 9293 3.5.1), so the SYN need not wait for its time-out. A peer
/// that keeps on answering so is left to the time-out after as many SYNs as that may send.
void send_syn_again(Connection& c, const TcpSettings& cfg, Instant now, Verdict& v) noexcept {
  if (c.snd_nxt == c.iss || c.challenges >= cfg.syn_retries) return;
  mark(Branch::syn_sent_challenged);
  ++c.challenges;
  c.snd_nxt = c.iss;
  c.clear(conn_flag::rtt_timing);  // Karn
  start_retransmit_timer(c, now);
  v.events = event::challenged;
}

}  // namespace

Verdict on_syn_sent(Connection& c, Segment s, const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(c.snd_una == c.iss && at_or_before(c.snd_max, c.iss + 1));
  Verdict v;
  // First, check the ACK bit. Only the SYN can be acknowledged.
  const bool acks_syn =
      s.has(wire::tcp_flag::ack) && after(s.ack, c.iss) && at_or_before(s.ack, c.snd_max);
  if (s.has(wire::tcp_flag::ack) && !acks_syn) {
    v.drop = Drop::tcp_ack_unacceptable;
    if (s.has(wire::tcp_flag::rst)) {
      mark(Branch::syn_sent_bad_ack_rst);
      return v;
    }
    v.reply = Reply::rst;
    mark(Branch::syn_sent_bad_ack);
    send_syn_again(c, cfg, now, v);
    return v;
  }
  // Second, check the RST bit: without an acceptable ACK it may be anybody's (RFC 5961 3.2).
  if (s.has(wire::tcp_flag::rst)) {
    if (!acks_syn) {
      v.drop = Drop::tcp_rst_out_of_window;
      mark(Branch::syn_sent_blind_rst);
      return v;
    }
    end_connection(c);
    v.events = event::refused;
    mark(Branch::syn_sent_refused);
    return v;
  }
  // Fourth, check the SYN bit; fifth, drop what has neither SYN nor RST.
  if (!s.has(wire::tcp_flag::syn)) {
    v.drop = Drop::tcp_ack_unacceptable;
    mark(Branch::syn_sent_no_syn);
    return v;
  }
  c.last_heard = now;
  c.challenges = 0;  // from here on those that we send
  take_options(c, s, cfg, now);
  if (!acks_syn) {
    enter_syn_received(c);  // text on a SYN without ACK is not taken: the peer sends it again
    mark(Branch::syn_sent_crossed);
    return v;
  }
  mark(Branch::syn_sent_done);
  enter_established(c, s, cfg, now);
  owe_ack(c);
  v.events = event::established;
  s.seq += 1;  // past the SYN
  s.flags &= static_cast<std::uint8_t>(~wire::tcp_flag::syn);
  place_text_and_fin(c, s, v);
  return v;
}

}  // namespace mayfly::tcp
