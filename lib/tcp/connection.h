// One connection's control block (the RFC's TCB). Plain data: no clock, no address family, and one
// pointer, to what is lent to it while something is lost. The key stays in the flow table, whose
// position is `slot`; payload bytes stay with the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/time.h"
#include "tcp/state.h"
#include "timer/wheel.h"
#include "wire/segment.h"

namespace mayfly::tcp {

/// Properties of a connection that are true or false.
namespace conn_flag {
// clang-format off
inline constexpr std::uint32_t
    timestamps = 1u << 0,      ///< agreed in the handshake
    sack = 1u << 1,            ///< agreed
    passive = 1u << 2,         ///< came from LISTEN: on RST it returns there, that is, it ends
    closing = 1u << 3,         ///< the user has closed: a FIN follows the last queued octet
    closed_both = 1u << 4,     ///< the user will not read either: text is answered with RST
    active_close = 1u << 5,    ///< our FIN was sent before the peer's arrived
    ack_now = 1u << 6,         ///< an ACK is owed with the next output
    ack_delayed = 1u << 7,     ///< an ACK is owed by ack_at
    fin_held = 1u << 8,        ///< the peer's FIN, ahead of data still missing, stands at fin_at
    peer_fin = 1u << 9,        ///< the peer's FIN was taken
    recovery = 1u << 10,       ///< fast recovery, until `recover` is acknowledged
    rto_recovery = 1u << 11,   ///< go-back-N after a time-out, until `recover`
    persist = 1u << 12,        ///< retransmit_at is for the zero-window probe
    probe_now = 1u << 13,      ///< a zero-window or keep-alive probe is due with the next output
    rtt_timing = 1u << 14,     ///< rtt_seq is being timed (Karn: never a retransmission)
    no_nagle = 1u << 15,       ///< Nagle's algorithm is off for this connection
    retransmit_now = 1u << 16, ///< the segment at snd_una goes again at once, whatever cwnd says
    window_scale = 1u << 17,   ///< agreed (both shifts may still be zero)
    sack_recovery = 1u << 18,  ///< with `recovery`: the peer's SACK blocks lead it (RFC 8985)
    tail_timer = 1u << 19,     ///< retransmit_at is for the tail loss probe (RFC 8985 7)
    reorder_timer = 1u << 20,  ///< retransmit_at is when late segments count as lost (RFC 8985 6.2)
    tail_probe = 1u << 21,     ///< a tail loss probe is due with the next output
    paws_off = 1u << 22,       ///< timestamps were agreed, and a segment came without them
    drops_text = 1u << 23,     ///< with `closed_both`: text is still taken, to be dropped
    user = 1u << 24;           ///< this bit and those above belong to the stack
// clang-format on
}  // namespace conn_flag
/// Losses are being repaired.
inline constexpr std::uint32_t kRepairs = conn_flag::recovery | conn_flag::rto_recovery;

/// Up to N disjoint ranges of sequence space in rising order.
template <std::size_t N>
struct RangeSet {
  std::array<wire::SackBlock, N> range{};
  std::uint8_t count = 0;
};
/// What arrived out of order: as many ranges as a SACK option can report (RFC 2018 3).
inline constexpr std::size_t kRangesMax = 4;
using SeqRanges = RangeSet<kRangesMax>;
/// What the peer has SACKed. If it SACKs more ranges than these, the narrowest gap is closed
/// (Connection::hidden).
inline constexpr std::size_t kSackedMax = 8;

/// A run of octets, from the end of the run before it, that were sent last at about the same time.
/// Times are microseconds modulo 2^32, in steps of four.
struct SentRun {
  static constexpr std::uint32_t kAgain = 1;  ///< sent more than once
  static constexpr std::uint32_t kLost = 2;   ///< a time-out has declared it lost
  static constexpr std::uint32_t kFlags = 3;

  Seq end;
  std::uint32_t first = 0;  ///< when its first segment was sent
  std::uint32_t last = 0;   ///< when its last one was, and flags

  constexpr std::uint32_t last_us() const { return last & ~kFlags; }
  constexpr bool has(std::uint32_t flag) const { return (last & flag) != 0; }
  friend constexpr bool operator==(const SentRun&, const SentRun&) = default;
};
/// How many of them a connection has room for by itself, and with a LossRecord.
inline constexpr std::size_t kSentRunsFew = 2, kSentRunsMax = 8;

/// What RACK knows of a delivery (RFC 8985 5.2), under its names. Times as in SentRun.
struct RackDelivery {
  /// When the segment that was sent last of those delivered was sent, and kAgain if it was sent
  /// again.
  std::uint32_t xmit_ts = 0;
  Seq end_seq;               ///< and where it ended
  std::uint32_t rtt_us = 0;  ///< and how long it took; 0 = none was delivered since the scoreboard
                             ///< was empty
  std::uint32_t checked_at = 0;  ///< what is lost is judged as of this time
};

/// What RACK-TLP learns of the path (RFC 8985 5.2), and the tail loss probe.
struct Rack {
  std::uint32_t min_rtt_us = 0;  ///< 0 = not measured
  Seq dsack_round;               ///< one step of the window a round
  Seq tail_end;                  ///< TLP.end_seq, with tail_outstanding
  std::uint8_t window_mult = 1;
  std::uint8_t window_persist = 0;
  std::uint8_t dsacks_due = 0;  ///< of retransmissions that were undone before one answered them
  bool reordering_seen : 1 = false;
  bool in_dsack_round : 1 = false;
  bool tail_outstanding : 1 = false;  ///< a probe waits for its acknowledgement
  bool tail_is_retrans : 1 = false;   ///< it sent nothing new
  bool slow_acks : 1 = false;         ///< a probe met a delayed ACK
};

/// What a loss has changed, and whether that can still be taken back.
struct Undo {
  std::uint32_t cwnd = 0, ssthresh = 0;  ///< before
  std::uint32_t first_stamp = 0;         ///< TSval of the first retransmission (RFC 3522)
  std::uint16_t retransmissions = 0;     ///< that no DSACK has answered yet
  bool armed : 1 = false;                ///< all retransmissions may prove unnecessary
  bool by_stamp : 1 = false;             ///< the first ACK for new text will tell by its echo
  bool by_original : 1 = false;          ///< after a time-out: any original that arrives tells
};

/// RFC 3168 6.1.2 and 6.1.3.
struct Ecn {
  bool agreed : 1 = false;
  bool echo : 1 = false;      ///< congestion was experienced: ECE until the peer's CWR
  bool owes_cwr : 1 = false;  ///< the window was reduced: CWR with the next new text
  bool in_round : 1 = false;  ///< until `recover` is acknowledged it is not reduced again
};

/// CUBIC's variables, under RFC 9438's names (4.1.2).
struct Cubic {
  std::uint32_t w_max = 0;     ///< bytes: the window at the last loss
  std::uint32_t w_est = 0;     ///< bytes: what Reno would have; 0 = not in congestion avoidance
  std::uint32_t epoch_ms = 0;  ///< when this congestion avoidance began
  std::uint32_t k_ms = 0;      ///< how long it takes to come back to w_max
};

/// RFC 6937's variables; ssthresh is the Connection's.
struct RateReduction {
  std::uint32_t recover_fs = 0, delivered = 0, out = 0;  ///< bytes
};

/// What a connection keeps while something is lost, out of order, or under way since several times.
/// Most never do: the stack lends them one (tcp.h, "the record of losses") from a pool
/// that is smaller than their number. A connection that gets none goes on without: what is out of
/// order is not kept, SACK blocks tell nothing, and nothing is undone.
struct LossRecord {
  SeqRanges held;                          ///< received out of order
  wire::SackBlock newest_held;             ///< goes first in the SACK option (RFC 2018 4)
  RangeSet<kSackedMax> sacked;             ///< SACKed by the peer
  std::uint32_t hidden = 0;                ///< octets in `sacked` that were not: gaps without room
  std::array<SentRun, kSentRunsMax> sent;  ///< in the place of Connection::sent_few
  RackDelivery rack;
  Undo undo;
  RateReduction prr;
};

/// One connection. Who owns it, where it lies and when it is freed is the stack's business; a value
/// may be copied, but not its LossRecord: one of the two has to be lent another.
struct Connection {
  // -- line 0, if it begins a line: touched by every segment
  State state = State::closed;
  std::uint8_t snd_wind_shift = 0, rcv_wind_shift = 0;  ///< RFC 7323 2.3, 0 to 14
  std::uint8_t retries = 0;  ///< time-outs in a row for the oldest unacknowledged octet
  std::uint32_t flags = 0;   ///< conn_flag
  std::uint32_t slot = 0;    ///< the key's position in the flow table
  Seq snd_una, snd_nxt;
  Seq snd_max;                ///< the highest ever sent, plus one; snd_nxt goes back on a time-out
  Seq snd_end;                ///< after the last octet the user has queued (the FIN's place)
  std::uint32_t snd_wnd = 0;  ///< bytes
  Seq snd_wl1, snd_wl2;
  Seq rcv_nxt;
  Seq rcv_adv;                  ///< the right edge we have advertised: never moves left
  std::uint32_t rcv_wnd = 0;    ///< bytes we could take now
  std::uint32_t ts_recent = 0;  ///< RFC 7323 4.3
  Seq last_ack_sent;            ///< RFC 7323's Last.ACK.sent
  Ecn ecn;
  std::uint8_t sent_count = 0;   ///< runs of what is outstanding (sent_runs); only with SACK
  std::uint16_t challenges = 0;  ///< sent since challenges_since (RFC 5961 7); SYN_SENT: heard

  // -- line 1: timers, round trip, congestion
  Instant retransmit_at = Instant::never();
  Instant ack_at = Instant::never();
  Instant life_at = Instant::never();  ///< FIN_WAIT_2's end, or the next keep-alive probe
  /// Armed for the earliest of all deadlines, or earlier (doc/decisions/0002-lazy-timers.md).
  timer::WheelNode timer;
  std::uint32_t srtt_us = 0, rttvar_us = 0, rto_us = 0;
  std::uint32_t cwnd = 0, ssthresh = 0;  ///< bytes
  /// Bytes of text and options that a segment of ours may have: the payload is at most mss less the
  /// options (RFC 6691).
  std::uint16_t mss = 536;
  std::uint8_t dup_acks = 0, probes = 0;  ///< in a row; keep-alive probes unanswered
  std::uint32_t flight_sent = 0;          ///< octets outstanding when new text or FIN was sent last

  // -- line 2: what is outstanding, and where numbers began
  LossRecord* loss = nullptr;                    ///< lent by the stack, if it is needed
  std::array<SentRun, kSentRunsFew> sent_few{};  ///< the runs, if there is no LossRecord
  Rack rack;
  Seq iss, irs;
  Seq recover;  ///< RFC 6582: snd_max when the loss was noticed
  Seq rtt_seq;

  // -- line 3: what was heard and sent
  Instant last_heard;  ///< for keep-alive
  /// Text or FIN; for the restart after idleness (RFC 5681 4.1). In a FIN_WAIT_2 that nobody reads,
  /// where nothing more is sent: when it began.
  Instant last_sent;
  Instant ts_recent_at;           ///< for the 24-day rule (RFC 7323 5.5)
  Instant challenges_since;       ///< `challenges` are counted from here on
  std::uint32_t rtt_sent_us = 0;  ///< when rtt_seq was sent, modulo 2^32 us (71 minutes)
  std::uint32_t ts_offset = 0;    ///< added to our clock for TSval (RFC 7323 7.1)
  std::uint32_t max_snd_wnd = 0;  ///< bytes: the largest snd_wnd ever (RFC 9293 3.8.6.2.1)
  wire::SackBlock duplicate;      ///< received twice: a DSACK is owed (RFC 2883); empty = none
  Seq fin_at;                     ///< see conn_flag::fin_held
  std::uint32_t bytes_acked = 0;  ///< counts towards the next step of cwnd (RFC 5681 3.1)
  std::uint16_t peer_mss = 536;   ///< as the peer announced (RFC 9293 MUST-15: 536 if it did not)

  // -- a quarter of line 4
  Cubic cubic;

  /// Is any of these flags set? `flag`: a set of conn_flag bits, as for set and clear.
  constexpr bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
  constexpr void set(std::uint32_t flag) { flags |= flag; }
  constexpr void clear(std::uint32_t flag) { flags &= ~flag; }
};
static_assert(offsetof(Connection, retransmit_at) == 64 && offsetof(Connection, loss) == 128);
static_assert(offsetof(Connection, last_heard) == 192 && offsetof(Connection, cubic) <= 256);
static_assert(sizeof(Connection) == 272 && std::is_trivially_copyable_v<Connection>);

/// Ranges of text received out of order; SACKed by the peer.
inline std::uint8_t held_count(const Connection& c) noexcept {
  return c.loss == nullptr ? std::uint8_t{0} : c.loss->held.count;
}
inline std::uint8_t sacked_count(const Connection& c) noexcept {
  return c.loss == nullptr ? std::uint8_t{0} : c.loss->sacked.count;
}
inline std::span<const wire::SackBlock> sacked_ranges(const Connection& c) noexcept {
  if (c.loss == nullptr) return {};
  return std::span(c.loss->sacked.range).first(c.loss->sacked.count);
}

/// Nobody waits for the peer any more: the user has closed, and will not read or has read all.
inline bool is_abandoned(const Connection& c) noexcept {
  return c.has(conn_flag::closing) && c.has(conn_flag::closed_both | conn_flag::peer_fin);
}

/// Bytes that timestamps take in every segment (RFC 7323 appendix A).
inline constexpr std::uint32_t kTimestampBytes = 12;

/// SMSS: the most text in a segment without SACK blocks, in bytes.
inline std::uint32_t smss(const Connection& c) noexcept {
  return c.mss - (c.has(conn_flag::timestamps) ? kTimestampBytes : 0);
}

}  // namespace mayfly::tcp
