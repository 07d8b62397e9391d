// The protocol: every way into a Connection. Pure functions of (Connection, what happened,
// settings, now); no I/O, no clock, no allocation. The stack moves bytes, the flow table holds the
// key.
//
// The order of use for a segment:
//
//   Verdict v = on_segment(c, s, sacks, cfg, now);
//   if v.text_len > 0 and v.text_gap == 0, text is in order:
//     give it to the service and keep what it did not take;
//     take_text(c, accepted, cfg, now) returns how many held octets follow on
//   if v.text_len > 0 and v.text_gap > 0, text is out of order:
//     keep it if hold_text(c, seq, len) allows it, otherwise drop it
//   v.events |= take_fin(c, cfg, now);
//
// Later in the burst, once for each connection that was touched:
//
//   while (next_emission(c, cfg, now, e)) send(e);
//   arm the timer for next_deadline(c)
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"
#include "wire/drop.h"
#include "wire/segment.h"

namespace mayfly::tcp {

/// What happened to a connection; a set of bits.
namespace event {
/// The handshake is complete.
inline constexpr std::uint16_t established = 1u << 0;
/// snd_una moved: queued bytes before it may be freed.
inline constexpr std::uint16_t acked = 1u << 1;
/// The peer will send no more.
inline constexpr std::uint16_t peer_fin = 1u << 2;
/// State is CLOSED: the peer's RST was accepted; or its text came after both ways were closed and
/// is answered with RST; or its new SYN ended SYN_RECEIVED.
inline constexpr std::uint16_t reset = 1u << 3;
/// State is CLOSED: an RST answered our SYN.
inline constexpr std::uint16_t refused = 1u << 4;
/// State is CLOSED: R2 was reached, or keep-alive went unanswered (RFC 9293 MUST-20).
inline constexpr std::uint16_t timed_out = 1u << 5;
/// State is CLOSED: a hard ICMP error came during the handshake (RFC 5927 5.2).
inline constexpr std::uint16_t unreachable = 1u << 6;
/// State is CLOSED: ended well without TIME_WAIT (the ACK of LAST_ACK), or FIN_WAIT_2 ended.
inline constexpr std::uint16_t closed = 1u << 7;
/// State is TIME_WAIT: call make_time_wait_entry, then free the block.
inline constexpr std::uint16_t time_wait = 1u << 8;
/// RCV.UP moved ahead (RFC 9293 MUST-32).
inline constexpr std::uint16_t urgent = 1u << 9;
/// R1 was reached (RFC 9293 MUST-20 (a)): for the user's information only.
inline constexpr std::uint16_t slow = 1u << 10;
/// With `closed`: the peer never sent its FIN.
inline constexpr std::uint16_t fin_wait_2_end = 1u << 11;
/// The first segment without the timestamps that were agreed on was accepted.
inline constexpr std::uint16_t timestamps_missing = 1u << 12;
/// SYN_SENT: an ACK of another connection answered our SYN, which goes again right after the RST.
inline constexpr std::uint16_t challenged = 1u << 13;
}  // namespace event

/// What answers a segment outside the connection.
enum class Reply : std::uint8_t {
  none,
  rst,  ///< reset_for(segment)
};

/// What on_segment decided. Above 16 bytes, so that it is returned in memory: two registers would
/// be loaded from fields that were just stored one by one, which waits until they are in the cache.
struct Verdict {
  /// Why the segment was not processed to its end; a reply may still go out.
  Drop drop = Drop::none;
  Reply reply = Reply::none;
  /// The only thing owed is a challenge ACK: waive_challenge may take it back.
  bool challenge = false;
  std::uint16_t events = 0;    ///< a set of `event` bits
  std::uint32_t text_off = 0;  ///< bytes of the payload to skip: they had arrived before
  std::uint32_t text_len = 0;  ///< bytes of new payload inside the window; 0 = none
  std::uint32_t text_gap = 0;  ///< bytes from RCV.NXT to the new payload; 0 = in order
};
static_assert(sizeof(Verdict) > 16);

// -- opening

/// Active open: state becomes SYN_SENT; next_emission gives the SYN. `ts_offset` comes from
/// timestamp_offset (RFC 7323 7.1), `iss` from initial_sequence (RFC 6528). Overwrites everything
/// but slot, timer and the stack's flags.
void open_active(Connection& c, Seq iss, std::uint32_t ts_offset, const TcpSettings& cfg,
                 Instant now) noexcept;

/// What LISTEN does with a segment (RFC 9293 3.10.7.2).
enum class ListenAnswer : std::uint8_t {
  ignore,  ///< drops it
  reset,   ///< answers with reset_for
  open,    ///< a SYN: open_passive, or a cookie
};

/// Decides what a listening port does with a segment of no connection.
ListenAnswer on_listen(const Segment& s) noexcept;

/// Passive open with a SYN for which on_listen returned `open`: state becomes SYN_RECEIVED;
/// next_emission gives the SYN-ACK. Parameters as for open_active. Data and FIN on the SYN are not
/// taken: the peer sends them again (RFC 9293 3.10.7.2 allows it).
void open_passive(Connection& c, const Segment& syn, Seq iss, std::uint32_t ts_offset,
                  const TcpSettings& cfg, Instant now) noexcept;

// -- segments

/// Handles a segment in any state but CLOSED and LISTEN, up to and including the ACK and the place
/// of the text. `sacks` are the segment's SACK blocks (read_sack); nothing of `s` or `sacks` is
/// kept. Accepts any values in the segment: whatever a peer sends is handled or dropped.
Verdict on_segment(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
                   const TcpSettings& cfg, Instant now) noexcept;

/// Text in order was accepted: moves RCV.NXT by `accepted` octets (at most the Verdict's text_len)
/// and then over what had been held beyond them. Returns the number of held octets that are now in
/// order; they follow the accepted ones. Call it with 0 if nothing could be accepted: the ACK is
/// owed all the same. The room for text stays as set by set_receive_room.
std::uint32_t take_text(Connection& c, std::uint32_t accepted, const TcpSettings& cfg,
                        Instant now) noexcept;

/// May [seq, seq + len), which lies ahead of RCV.NXT and inside the window, be kept out of order?
/// True: it is noted. False if all kRangesMax ranges are in use: then it is not, and the segment
/// should be dropped (Drop::tcp_reassembly_full). An ACK is owed either way.
bool hold_text(Connection& c, Seq seq, std::uint32_t len) noexcept;
/// Forgets all text that was kept out of order, as the caller has discarded it: the peer sends it
/// again (RFC 2018 8).
void forget_held_text(Connection& c) noexcept;

/// Takes the peer's FIN if all text before it was accepted; changes state. Returns events
/// (peer_fin, time_wait). Call it after the text of every segment; it does nothing if there is no
/// FIN to take.
std::uint16_t take_fin(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// An ICMP error message (RFC 9293 3.9.2.2).
struct IcmpError {
  enum class Kind : std::uint8_t {
    soft,                  ///< network or host unreachable, time exceeded, parameter problem
    hard,                  ///< protocol or port unreachable
    fragmentation_needed,  ///< RFC 1191
  };
  Kind kind = Kind::soft;
  std::uint16_t mtu = 0;  ///< fragmentation needed: the next hop's; 0 from old routers (RFC 1191 5)
};
/// Handles an ICMP error about this connection (RFC 5927, RFC 1191). `quoted` is the quoted
/// sequence number: an error about a segment that is not in flight changes nothing and gives
/// Drop::icmp_untrusted.
Verdict on_icmp_error(Connection& c, const IcmpError& error, Seq quoted, const TcpSettings& cfg,
                      Instant now) noexcept;

// -- the user's calls

/// Queues `bytes` more octets after snd_end; the caller keeps the octets until they are
/// acknowledged. At most 2^30 may be between snd_una and snd_end. Not after close().
void queue_text(Connection& c, std::uint32_t bytes) noexcept;

/// CLOSE (RFC 9293 3.10.4): a FIN follows the queued text. In SYN_SENT the connection just ends
/// (CLOSED). `and_receive`: the user will not read either (RFC 9293 MAY-1); text that still arrives
/// is then answered with RST (SHLD-3, RFC 2525 2.17), and FIN_WAIT_2 is bounded by fin_wait_2_hold.
void close(Connection& c, bool and_receive, const TcpSettings& cfg, Instant now) noexcept;

/// ABORT (RFC 9293 3.10.5): state becomes CLOSED. Returns whether `rst` was written and is to be
/// sent; its sequence number is exactly SND.NXT.
bool abort(Connection& c, Emission& rst) noexcept;

/// The room for received text has changed to `bytes` (at most 2^30). A window update is owed if
/// RFC 9293 3.8.6.2.2 allows it.
void set_receive_room(Connection& c, std::uint32_t bytes, const TcpSettings& cfg) noexcept;

/// Takes back the challenge ACK of a Verdict with `challenge` set: too many are sent over all
/// connections (RFC 5961 7).
inline void waive_challenge(Connection& c) noexcept { c.clear(conn_flag::ack_now); }

// -- the record of losses

/// Should the connection be lent a LossRecord, which it has not, before on_segment with so many
/// SACK blocks? The next two: before next_emission, before on_timer. It should be before any
/// hold_text. Without one the connection does with less (LossRecord).
inline bool wants_record_to_hear(const Connection& c, std::size_t sack_blocks) noexcept {
  return (sack_blocks | c.dup_acks) != 0 && c.loss == nullptr && c.has(conn_flag::sack);
}
inline bool wants_record_to_send(const Connection& c) noexcept;
inline bool wants_record_for_timer(const Connection& c, Instant now) noexcept {
  return c.sent_count > 0 && c.loss == nullptr && c.retransmit_at <= now;
}
/// Lends the connection `record`, which outlives its use, and clears it.
void lend_record(Connection& c, LossRecord& record) noexcept;
/// Does the connection's record hold nothing that the connection cannot do without? A loss that may
/// still prove to be none is such a thing, for as long as the connection lasts.
bool is_record_idle(const Connection& c) noexcept;
/// Does it hold nothing but text out of order, which the peer sends again if it is forgotten, and
/// what a loss that was repaired can be undone by?
bool is_record_dispensable(const Connection& c) noexcept;
/// Takes back the record, which is dispensable and holds no text, or that of a connection in
/// CLOSED.
LossRecord& take_record_back(Connection& c) noexcept;

// -- output

/// True if all text was sent, and the FIN if one is due.
inline bool is_all_sent(const Connection& c) noexcept {
  return after(c.snd_nxt, c.snd_end) || (c.snd_nxt == c.snd_end && !c.has(conn_flag::closing));
}

/// Writes the next segment to send now into `e`: SYN, text, FIN, retransmission, probe or ACK. Text
/// and FIN carry the ACK that is owed; a pure ACK comes last. Call it until it returns false, which
/// means that there is nothing to send; each call counts the segment as sent.
bool next_emission(Connection& c, const TcpSettings& cfg, Instant now, Emission& e) noexcept;

/// True if next_emission would find nothing to send, at the cost of a few compares. False means
/// nothing: next_emission has to be asked.
inline bool is_quiet(const Connection& c) noexcept {
  constexpr std::uint32_t kHasMoreToSay =
      conn_flag::ack_now | conn_flag::retransmit_now | conn_flag::probe_now | conn_flag::persist |
      conn_flag::recovery | conn_flag::rto_recovery | conn_flag::tail_probe;
  return is_all_sent(c) && (c.flags & kHasMoreToSay) == 0 && kSynchronized.has(c.state);
}

// Only what is sent again splits runs, only what is new adds one.
inline bool wants_record_to_send(const Connection& c) noexcept {
  if (c.sent_count == 0 || c.loss != nullptr) [[likely]]
    return false;
  constexpr std::uint32_t kSendsAgain = conn_flag::retransmit_now | conn_flag::recovery |
                                        conn_flag::rto_recovery | conn_flag::tail_probe |
                                        conn_flag::probe_now;
  return c.has(kSendsAgain) || (c.sent_count == kSentRunsFew && !is_all_sent(c));
}

/// Writes the RST that answers a segment of no connection into `e`, in either form of
/// RFC 9293 3.10.7.1. Returns false for an RST, which is never answered.
bool reset_for(const Segment& s, Emission& e) noexcept;

// -- time

/// The earliest of the connection's deadlines, or never.
inline Instant next_deadline(const Connection& c) noexcept {
  return std::min({c.retransmit_at, c.ack_at, c.life_at});
}

/// Other settings hold from now on: a connection that waits in FIN_WAIT_2 or for a keep-alive probe
/// waits as long as they say, counted from when its wait began. It may be over already, that is,
/// due.
void follow_settings(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// Handles all deadlines that are due at `now`. Returns events. next_emission may then have
/// something to send.
std::uint16_t on_timer(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// Is the retransmission timer due, and nothing was heard of the peer for a whole RTO? Then the way
/// there may be gone. Ask before on_timer.
bool is_peer_silent(const Connection& c, Instant now) noexcept;

}  // namespace mayfly::tcp
