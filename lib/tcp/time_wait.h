// TIME_WAIT: what is left of a connection for 2MSL (RFC 9293 3.6.1), in a quarter of a cache line.
// Deciding is apart from acting: on_time_wait_segment is a pure function, the stack carries out
// its action.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"
#include "wire/drop.h"
#include "wire/segment.h"

namespace mayfly::tcp {

/// What the protocol has to keep. The stack keeps the four-tuple and the time.
struct TimeWaitEntry {
  Seq rcv_nxt, snd_nxt;     ///< both after the FINs
  std::uint32_t ts_recent;  ///< the last TSval seen; meaningful with kTimestamps
  std::uint16_t window;     ///< as last put on the wire (scaled)
  std::uint8_t flags;       ///< those below and, in the high bits, rcv_wind_shift
  std::uint8_t note;        ///< the stack's

  static constexpr std::uint8_t kTimestamps = 0x01, kVanished = 0x02, kEnded = 0x04,
                                kSynAnswered = 0x08, kShiftAt = 4;
  /// Did the connection use timestamps?
  constexpr bool had_timestamps() const { return (flags & kTimestamps) != 0; }
  /// It did, but segments came without them: ts_recent is not the last, and PAWS could not be
  /// relied on in a new incarnation either.
  constexpr bool timestamps_vanished() const { return (flags & kVanished) != 0; }
  /// An RST has ended it after a SYN (OnRst::challenged). What is left keeps the numbers of the old
  /// incarnation for the new one: see iss_after().
  constexpr bool has_ended() const { return (flags & kEnded) != 0; }
  /// A SYN was answered with an ACK; the stack knows when.
  constexpr bool has_answered_syn() const { return (flags & kSynAnswered) != 0; }
  /// The window that was last advertised, in bytes.
  constexpr std::uint32_t window_bytes() const {
    return static_cast<std::uint32_t>(window) << (flags >> kShiftAt);
  }
};
static_assert(sizeof(TimeWaitEntry) == 16 && std::is_trivially_copyable_v<TimeWaitEntry>);

/// What to do with an entry and the segment that met it.
enum class TimeWaitAction : std::uint8_t {
  drop,             ///< say nothing
  ack,              ///< time_wait_ack answers; the hold goes on
  restart_and_ack,  ///< a retransmitted FIN: answer, and hold for 2MSL anew (RFC 9293 3.10.7.4)
  reopen,           ///< a new incarnation may begin (RFC 9293 MAY-2, RFC 6191 2)
  kill,             ///< the entry ends (an RST, where the policy accepts it)
};
/// How long an RST may come after the ACK of a SYN that it answers (OnRst::challenged).
inline constexpr Duration kSynAnswerCounts = Duration::from_s(2);

/// What on_time_wait_segment decided.
struct TimeWaitVerdict {
  TimeWaitAction action = TimeWaitAction::drop;
  Drop drop = Drop::none;     ///< for drop and ack: the reason to count
  bool by_timestamp = false;  ///< reopen: accepted for its timestamp, not its sequence number
  bool refuses_syn = false;   ///< drop and ack: the SYN might be a newcomer's, and opens nothing
};

/// What TIME_WAIT does with a segment: RFC 9293 3.10.7.4, RFC 1337 F1, RFC 6191 2, RFC 7323 5.
/// `since_syn_answer`: how long ago the entry last answered a SYN with an ACK; max() = never.
TimeWaitVerdict on_time_wait_segment(const TimeWaitEntry& entry, const Segment& s,
                                     const TimeWaitRules& rules,
                                     Duration since_syn_answer = Duration::max()) noexcept;
/// True of a segment that the old incarnation cannot have sent: it acknowledges what was not sent
/// in it, or goes on after its FIN. Where several servers have one address, another of them may
/// have the incarnation that did. Not for SYNs.
bool is_of_later_incarnation(const TimeWaitEntry& entry, const Segment& s) noexcept;
/// What becomes of a SYN that opens nothing, whatever it carries.
TimeWaitVerdict refuse_syn(const TimeWaitRules& rules) noexcept;

/// What a Connection leaves behind when both FINs are exchanged and ours is acknowledged.
TimeWaitEntry make_time_wait_entry(const Connection& c) noexcept;

/// The ACK that answers in TIME_WAIT: <SEQ=SND.NXT><ACK=RCV.NXT>, with timestamps if the connection
/// had them. `ts_offset` as for the connection (it is a function of the host pair, so the entry
/// need not keep it).
Emission time_wait_ack(const TimeWaitEntry& entry, std::uint32_t ts_offset, Instant now) noexcept;

/// The ISN for a new incarnation: `generated` if that is far enough after every sequence number of
/// the old one, else the least that is. At least after (RFC 9293 MAY-2); after an entry that has
/// ended, so far that no old segment is acceptable: neither ours to the peer, by its SEQ, nor the
/// peer's to us, by its ACK (RFC 5961 5.2). Nothing else would keep old text out then.
Seq iss_after(const TimeWaitEntry& entry, Seq generated) noexcept;

/// The RST with which the end in LAST_ACK, its FIN acknowledged, frees the entry of a peer that
/// accepts RST in TIME_WAIT (Faber, Touch and Yue 1999, 4): <SEQ=SND.NXT><CTL=RST>.
Emission hand_over_reset(const TimeWaitEntry& entry) noexcept;

}  // namespace mayfly::tcp
