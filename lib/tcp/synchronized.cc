// SYN_RECEIVED and the synchronized states: RFC 9293 3.10.7.4 in its own order, with the
// blind-attack rules of RFC 5961 and PAWS (RFC 7323 5) in their places.
#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/input.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

using enum State;

/// RFC 5961 7: in ten intervals no more than ten.
constexpr std::uint16_t kChallengesMax = 10;

[[gnu::noinline]] void drop_with_ack(Connection& c, const Segment& s, Drop drop,
                                     const TcpSettings& cfg, Instant now, Verdict& v) noexcept {
  v.drop = drop;
  note_duplicate(c, s.seq, s.seq + s.payload_len);
  const bool has_text = s.payload_len > 0 || s.has(wire::tcp_flag::fin);
  if (has_text && !s.has(wire::tcp_flag::syn)) {
    mark(Branch::unacceptable_text);
    owe_ack(c);
  } else {
    mark(Branch::unacceptable_empty);
    owe_challenge_ack(c, cfg, now, v);
  }
}

/// RFC 7323 5.3 R1, before the sequence number is looked at.
bool check_timestamp(Connection& c, const Segment& s, const TcpSettings& cfg, Instant now,
                     Verdict& v) noexcept {
  if (!c.has(conn_flag::timestamps) || s.has(wire::tcp_flag::rst)) return true;
  if (!s.carries(wire::tcp_option::timestamps)) {
    if (s.has(wire::tcp_flag::syn)) {  // RFC 5961 4
      mark(Branch::stamp_missing_on_syn);
      return true;
    }
    if (cfg.timestamps_missing == TimestampsMissing::accept) {  // a middlebox blanks them
      mark(Branch::stamp_missing_taken);
      return true;
    }
    v.drop = Drop::tcp_no_timestamp;  // RFC 7323 3.2: SHOULD drop silently, MUST NOT abort
    mark(Branch::stamp_missing);
    return false;
  }
  const bool older = static_cast<std::int32_t>(s.ts.val - c.ts_recent) < 0;
  if (!older) return true;
  if (c.has(conn_flag::paws_off)) {
    mark(Branch::stamp_uncompared);
    return true;
  }
  if (now - c.ts_recent_at > kTimestampLife) {
    mark(Branch::stamp_outdated);
    return true;
  }
  drop_with_ack(c, s, Drop::tcp_paws, cfg, now, v);
  mark(Branch::stamp_old);
  return false;
}

/// The four cases of RFC 9293 3.10.7.4; an RST counts by its sequence number alone (RFC 5961 3.2).
bool is_in_window(const Connection& c, const Segment& s) noexcept {
  const std::int32_t window = c.rcv_adv - c.rcv_nxt;
  const std::int32_t start = s.seq - c.rcv_nxt;
  if (s.length() == 0 || s.has(wire::tcp_flag::rst)) {
    return start == 0 || (start > 0 && start < window);
  }
  return start < window && s.end() - c.rcv_nxt > 0;
}

/// First, check the sequence number.
bool check_sequence(Connection& c, Segment& s, const TcpSettings& cfg, Instant now,
                    Verdict& v) noexcept {
  if (!check_timestamp(c, s, cfg, now, v)) return false;
  if (is_in_window(c, s)) [[likely]]
    return true;
  if (s.has(wire::tcp_flag::rst)) {
    v.drop = Drop::tcp_rst_out_of_window;
    mark(Branch::rst_outside);
    return false;
  }
  if (s.seq == c.rcv_nxt && !s.has(wire::tcp_flag::syn)) {
    // RFC 9293 3.10.7.4: with a zero window the text is not acceptable, but a valid ACK is.
    v.drop = Drop::tcp_out_of_window;
    owe_ack(c);
    s.payload_len = 0;
    s.flags &= static_cast<std::uint8_t>(~wire::tcp_flag::fin);
    mark(Branch::zero_window);
    return true;
  }
  const bool old = s.payload_len > 0 && at_or_before(s.end(), c.rcv_nxt);
  drop_with_ack(c, s, old ? Drop::tcp_duplicate : Drop::tcp_out_of_window, cfg, now, v);
  mark(Branch::sequence_outside);
  return false;
}

/// Second, check the RST bit. The sequence number is inside the window.
bool check_reset(Connection& c, const Segment& s, const TcpSettings& cfg, Instant now,
                 Verdict& v) noexcept {
  if (!s.has(wire::tcp_flag::rst)) [[likely]]
    return true;
  if (s.seq != c.rcv_nxt) {  // RFC 5961 3.2
    v.drop = Drop::tcp_rst_challenged;
    owe_challenge_ack(c, cfg, now, v);
    mark(Branch::rst_inside);
    return false;
  }
  // An active open that met its peer's SYN is refused; a passive one returns to LISTEN, that is, it
  // ends.
  const bool refused = c.state == syn_received && !c.has(conn_flag::passive);
  mark(refused ? Branch::rst_refuses : Branch::rst_resets);
  end_connection(c);
  v.events |= refused ? event::refused : event::reset;
  return false;
}

/// Fourth, check the SYN bit.
bool check_syn(Connection& c, const Segment& s, const TcpSettings& cfg, Instant now,
               Verdict& v) noexcept {
  if (!s.has(wire::tcp_flag::syn)) [[likely]]
    return true;
  if (c.state == syn_received && c.has(conn_flag::passive)) {  // back to LISTEN
    end_connection(c);
    v.events |= event::reset;
    mark(Branch::syn_to_listen);
    return false;
  }
  v.drop = Drop::tcp_syn_challenged;  // RFC 5961 4.2, whatever the sequence number
  owe_challenge_ack(c, cfg, now, v);
  mark(Branch::syn_challenged);
  return false;
}

/// In SYN_RECEIVED the peer's SYN came again, from before the window. True: handled to its end.
bool is_repeated_syn(Connection& c, Segment& s, Instant now) noexcept {
  if (c.state != syn_received || !s.has(wire::tcp_flag::syn) || s.has(wire::tcp_flag::rst) ||
      s.seq != c.irs) {
    return false;
  }
  if (s.has(wire::tcp_flag::ack)) {
    // RFC 9293 3.5, figure 7: in a simultaneous open the SYN-ACK repeats the SYN and acknowledges
    // ours. If this end did not open, it is a duplicate like any other (RFC 9293 3.10.7.4, first).
    if (c.has(conn_flag::passive)) return false;
    s.seq += 1;
    s.flags &= static_cast<std::uint8_t>(~wire::tcp_flag::syn);
    mark(Branch::syn_again_with_ack);
    return false;
  }
  if (c.has(conn_flag::timestamps) && s.carries(wire::tcp_option::timestamps) &&
      static_cast<std::int32_t>(s.ts.val - c.ts_recent) > 0) {
    c.ts_recent = s.ts.val;
    c.ts_recent_at = now;
  }
  c.snd_nxt = c.iss;  // our SYN-ACK was lost, or is under way: it is sent again
  c.clear(conn_flag::rtt_timing);
  mark(Branch::syn_again);
  return true;
}

/// Notes a FIN inside the window; take_fin takes it when all text before it is there.
void note_fin(Connection& c, const Segment& s) noexcept {
  if (!s.has(wire::tcp_flag::fin) || c.has(conn_flag::fin_held)) return;
  const Seq at = s.seq + s.payload_len;
  if (before(at, c.rcv_nxt) || !before(at, c.rcv_adv)) return mark(Branch::fin_outside);
  mark(Branch::fin_noted);
  c.set(conn_flag::fin_held);
  c.fin_at = at;
  if (held_count(c) > 0)
    trim_after(c.loss->held, at);  // RFC 9293 3.10.7.4, seventh: after the FIN there is no text
  if (at == c.rcv_nxt || s.payload_len > 0) return;
  mark(Branch::fin_ahead);  // RFC 5681 4.2: ahead of a gap
  owe_ack(c);
}

/// RFC 3168 6.1.3: the peer is told of a mark until it says that it has heard.
void note_marks(Connection& c, const Segment& s) noexcept {
  if (s.has(wire::tcp_flag::cwr)) {
    mark(Branch::ecn_heard);
    c.ecn.echo = false;
  }
  if (!s.carries(wire::tcp_option::ecn_mark)) return;
  mark(Branch::ecn_marked);
  c.ecn.echo = true;
  owe_ack(c);
}

}  // namespace

[[gnu::noinline]] void owe_challenge_ack(Connection& c, const TcpSettings& cfg, Instant now,
                                         Verdict& v) noexcept {
  if (now - c.challenges_since >= cfg.challenge_ack_interval * kChallengesMax) {
    c.challenges_since = now;
    c.challenges = 0;
  }
  if (c.challenges >= kChallengesMax) return mark(Branch::challenge_limited);
  ++c.challenges;
  v.challenge = !c.has(conn_flag::ack_now);
  owe_ack(c);
}

void place_text_and_fin(Connection& c, const Segment& s, Verdict& v) noexcept {
  if (c.ecn.agreed) note_marks(c, s);
  const bool ends_here = s.payload_len == 0 && !s.has(wire::tcp_flag::fin);
  if (!kReceivesText.has(c.state)) {
    // RFC 9293 3.10.7.4, seventh: after the peer's FIN there is no text to come.
    if (ends_here) return;
    mark(Branch::text_not_expected);
    v.drop = Drop::tcp_data_after_fin;
    return;
  }
  // Sixth, check the URG bit: the text is delivered inline, the user is told.
  if (s.has(wire::tcp_flag::urg) && after(s.seq + s.urgent, c.rcv_nxt)) {
    mark(Branch::urgent_ahead);
    v.events |= event::urgent;
  }
  if (ends_here) return;

  note_fin(c, s);
  if (s.payload_len == 0) return;
  // Seventh, the segment text: what is new, inside the window, and before the FIN.
  const Seq edge = c.has(conn_flag::fin_held) && before(c.fin_at, c.rcv_adv) ? c.fin_at : c.rcv_adv;
  const Seq end = s.seq + s.payload_len;
  const Seq from = later_of(s.seq, c.rcv_nxt);
  const std::int32_t fresh = (before(end, edge) ? end : edge) - from;
  note_duplicate(c, s.seq, end);
  if (fresh <= 0) {
    const bool beyond = after(end, c.rcv_nxt);
    mark(beyond ? Branch::text_beyond_fin : Branch::text_before_fin);
    if (beyond) v.drop = Drop::tcp_data_after_fin;
    owe_ack(c);
    return;
  }
  if (c.has(conn_flag::closed_both) && c.has(conn_flag::drops_text)) {
    mark(Branch::text_dropped);  // RFC 9112 9.6: RST could destroy the answer before it is read
  } else if (c.has(conn_flag::closed_both)) {
    // RFC 9293 3.6.1 (SHLD-3), RFC 2525 2.17: nobody will read it, so the peer is told by RST.
    v.drop = Drop::tcp_data_after_close;
    v.reply = Reply::rst;
    v.events |= event::reset;
    end_connection(c);
    return mark(Branch::text_unread);
  }
  v.text_off = static_cast<std::uint32_t>(from - s.seq);
  v.text_len = static_cast<std::uint32_t>(fresh);
  v.text_gap = static_cast<std::uint32_t>(from - c.rcv_nxt);
  MAYFLY_ASSERT(v.text_gap + v.text_len <= static_cast<std::uint32_t>(c.rcv_adv - c.rcv_nxt));
  if (v.text_gap == 0) return mark(Branch::text_in_order);
  mark(Branch::text_ahead);  // RFC 5681 4.2: out of order is told at once
  owe_ack(c);
}

Verdict on_segment(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
                   const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(c.state != closed && c.state != listen);
  MAYFLY_ASSERT(is_send_space_in_order(c));
  Verdict v;  // what every return gives back, so that it is written where the caller wants it
  if (c.state == syn_sent) {
    v = on_syn_sent(c, s, cfg, now);
    return v;
  }
  MAYFLY_ASSERT(is_receive_space_in_order(c));
  Segment rest = s;  // what is left of it: parts that are not acceptable are removed
  if (is_repeated_syn(c, rest, now)) {
    v.drop = Drop::tcp_duplicate;
    return v;
  }
  // RFC 9293 3.10.7.4; false = stop here. The third check, security, has no place in today's TCP.
  if (check_sequence(c, rest, cfg, now, v) && check_reset(c, rest, cfg, now, v) &&
      check_syn(c, rest, cfg, now, v) && check_ack(c, rest, sacks, cfg, now, v)) {
    place_text_and_fin(c, rest, v);
  }
  MAYFLY_ASSERT(is_send_space_in_order(c));
  MAYFLY_ASSERT(v.text_off + v.text_len <= s.payload_len);
  return v;
}

}  // namespace mayfly::tcp
