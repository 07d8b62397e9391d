// The protocol: every way into a Connection. Pure functions of (Connection, what happened,
// settings, now); no I/O, no clock, no allocation. The stack moves bytes, the flow table holds the
// key.
//
// The order of use for a segment:
//   Verdict v = on_segment(c, s, sacks, cfg, now);
//   text in order    (v.text_len > 0, v.text_gap == 0): give it to the service, keep what it did
//   not take,
//                     then take_text(c, accepted, ...), which says how many held bytes follow on
//   text out of order (v.text_gap > 0): keep it, then hold_text; or drop it
//   events |= take_fin(c, ...)
//   later in the burst: while (next_emission(c, cfg, now, e)) send(e);  then re-arm for
//   next_deadline(c)
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"
#include "wire/drop.h"
#include "wire/segment.h"

namespace mayfly {

/// What happened to a connection; a set of bits.
namespace event {
inline constexpr std::uint16_t established = 1u << 0,  ///< the handshake is complete
    acked = 1u << 1,     ///< snd_una moved: queued bytes before it may be freed
    peer_fin = 1u << 2,  ///< the peer will send no more
    reset =
        1u << 3,  ///< the peer's RST was accepted, or its text came after both ways were closed
                  ///< and is answered with RST, or its new SYN ended SYN_RECEIVED: state is CLOSED
    refused = 1u << 4,    ///< RST in answer to our SYN: state is CLOSED
    timed_out = 1u << 5,  ///< R2 reached, or keep-alive unanswered: state is CLOSED (MUST-20)
    unreachable =
        1u << 6,       ///< a hard ICMP error during the handshake: state is CLOSED (RFC 5927 5.2)
    closed = 1u << 7,  ///< ended well without TIME_WAIT (the ACK of LAST_ACK), or FIN_WAIT_2's end
    time_wait = 1u << 8,        ///< state is TIME_WAIT: make_time_wait_entry, then free the block
    urgent = 1u << 9,           ///< RCV.UP moved ahead (MUST-32)
    slow = 1u << 10,            ///< R1 reached (MUST-20 (a)): told to the user, nothing else
    fin_wait_2_end = 1u << 11;  ///< with `closed`: the peer never sent its FIN
}  // namespace event

enum class Reply : std::uint8_t {
  none,
  rst,  ///< reset_for(segment) answers, outside the connection
};

struct Verdict {
  Drop drop = Drop::none;  ///< why the segment was not processed to its end; a reply may still go
  Reply reply = Reply::none;
  bool challenge =
      false;  ///< all that is owed is a challenge ACK: waive_challenge may take it back
  std::uint16_t events = 0;    ///< event
  std::uint16_t text_off = 0;  ///< bytes of the payload to skip: they had arrived before
  std::uint16_t text_len = 0;  ///< new payload inside the window; 0 = none
  std::uint32_t text_gap = 0;  ///< its distance ahead of RCV.NXT; 0 = in order
};

// -- opening

/// Active open: SYN_SENT; next_emission gives the SYN. `ts_offset` after RFC 7323 7.1, `iss` after
/// RFC 6528. Overwrites all but slot, timer and the stack's flags.
void open_active(Connection& c, Seq iss, std::uint32_t ts_offset, const TcpSettings& cfg,
                 Instant now) noexcept;

/// What LISTEN says of a segment (RFC 9293 3.10.7.2).
enum class ListenAnswer : std::uint8_t { ignore, reset, open };
ListenAnswer on_listen(const Segment& s) noexcept;

/// Passive open with a SYN for which on_listen said `open`: SYN_RECEIVED; next_emission gives the
/// SYN-ACK. Data and FIN on the SYN are not taken: the peer sends them again (RFC 9293 3.10.7.2
/// allows it).
void open_passive(Connection& c, const Segment& syn, Seq iss, std::uint32_t ts_offset,
                  const TcpSettings& cfg, Instant now) noexcept;

// -- segments

/// Handles a segment in any state but CLOSED and LISTEN, up to and including the ACK and the text's
/// place. `sacks`: the segment's SACK blocks (read_sack).
Verdict on_segment(Connection& c, const Segment& s, std::span<const SackBlock> sacks,
                   const TcpSettings& cfg, Instant now) noexcept;

/// Text in order was accepted: moves RCV.NXT by `accepted` octets and then over what had been held
/// beyond them. Returns the number of held octets that are now in order; they follow the accepted
/// ones. Call it with 0 when nothing could be accepted: the ACK is owed all the same. The room
/// stays as set_receive_room said.
std::uint32_t take_text(Connection& c, std::uint32_t accepted, const TcpSettings& cfg,
                        Instant now) noexcept;

/// May [seq, seq + len) be kept out of order? False when the ranges are used up: then nothing
/// changes and the segment is dropped (Drop::tcp_reassembly_full). True: it is noted, and an ACK
/// with SACK is owed.
bool hold_text(Connection& c, Seq seq, std::uint32_t len) noexcept;

/// Takes the peer's FIN if all text before it was accepted; changes state. Returns events
/// (peer_fin, time_wait). Call it after the text of every segment; it does nothing when there is no
/// FIN to take.
std::uint16_t take_fin(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// An ICMP error about this connection (RFC 5927, RFC 1191). `quoted` is the quoted sequence
/// number; a message about a segment that is not in flight changes nothing and gives
/// Drop::icmp_untrusted.
struct IcmpError {
  enum class Kind : std::uint8_t { soft, hard, fragmentation_needed };
  Kind kind = Kind::soft;
  std::uint16_t mtu = 0;  ///< fragmentation needed: the next hop's; 0 from old routers (RFC 1191 5)
};
Verdict on_icmp_error(Connection& c, const IcmpError& error, Seq quoted, const TcpSettings& cfg,
                      Instant now) noexcept;

// -- the user's calls

/// `bytes` more octets stand ready after snd_end. At most 2^30 may be between snd_una and snd_end.
void queue_text(Connection& c, std::uint32_t bytes) noexcept;

/// CLOSE (RFC 9293 3.10.4): a FIN follows the queued text. In SYN_SENT the connection just ends
/// (CLOSED). `and_receive`: the user will not read either (RFC 9293 MAY-1); text that still arrives
/// is then answered with RST (SHLD-3, RFC 2525 2.17), and FIN_WAIT_2 is bounded by fin_wait_2_hold.
void close(Connection& c, bool and_receive, const TcpSettings& cfg, Instant now) noexcept;

/// ABORT (RFC 9293 3.10.5): state becomes CLOSED. True: `rst` is to be sent, with exactly SND.NXT.
bool abort(Connection& c, Emission& rst) noexcept;

/// The room for received text has changed to `bytes`; a window update goes out if RFC
/// 9293 3.8.6.2.2 allows.
void set_receive_room(Connection& c, std::uint32_t bytes, const TcpSettings& cfg) noexcept;

/// The challenge ACK that a Verdict spoke of is not sent: there are too many in all (RFC 5961 7).
inline void waive_challenge(Connection& c) noexcept { c.clear(conn_flag::ack_now); }

// -- output

/// The next segment to send now, if any: SYN, text, FIN, retransmission, probe or ACK. Text and FIN
/// carry the ACK that is owed; a pure ACK comes last. Call until false; each call counts the
/// segment as sent.
bool next_emission(Connection& c, const TcpSettings& cfg, Instant now, Emission& e) noexcept;

/// True: next_emission would find nothing to send, at the price of a few compares. False says
/// nothing.
inline bool is_quiet(const Connection& c) noexcept {
  constexpr std::uint32_t kHasMoreToSay =
      conn_flag::ack_now | conn_flag::retransmit_now | conn_flag::probe_now | conn_flag::persist |
      conn_flag::recovery | conn_flag::rto_recovery | conn_flag::sack_recovery;
  const bool all_sent =
      after(c.snd_nxt, c.snd_end) || (c.snd_nxt == c.snd_end && !c.has(conn_flag::closing));
  return all_sent && (c.flags & kHasMoreToSay) == 0 && kSynchronized.has(c.state);
}

/// The RST that answers a segment without a connection, in both forms (RFC 9293 3.10.7.1). False
/// for an RST.
bool reset_for(const Segment& s, Emission& e) noexcept;

// -- time

/// The earliest of the connection's deadlines, or never.
Instant next_deadline(const Connection& c) noexcept;

/// Handles all deadlines that are due at `now`. Returns events. next_emission may then have
/// something.
std::uint16_t on_timer(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

}  // namespace mayfly
