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
  std::uint8_t flags;       ///< kTimestamps, kVanished and, in the high bits, rcv_wind_shift
  std::uint8_t unused;

  static constexpr std::uint8_t kTimestamps = 0x01, kVanished = 0x02, kShiftAt = 4;
  /// Did the connection use timestamps?
  constexpr bool had_timestamps() const { return (flags & kTimestamps) != 0; }
  /// It did, but segments came without them: ts_recent is not the last, and PAWS could not be
  /// relied on in a new incarnation either.
  constexpr bool timestamps_vanished() const { return (flags & kVanished) != 0; }
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
/// What on_time_wait_segment decided.
struct TimeWaitVerdict {
  TimeWaitAction action = TimeWaitAction::drop;
  Drop drop = Drop::none;     ///< for drop and ack: the reason to count
  bool by_timestamp = false;  ///< reopen: accepted for its timestamp, not its sequence number
};

/// What TIME_WAIT does with a segment: RFC 9293 3.10.7.4, RFC 1337 F1, RFC 6191 2, RFC 7323 5.
TimeWaitVerdict on_time_wait_segment(const TimeWaitEntry& entry, const Segment& s,
                                     const TimeWaitRules& rules) noexcept;

/// What a Connection leaves behind when both FINs are exchanged and ours is acknowledged.
TimeWaitEntry make_time_wait_entry(const Connection& c) noexcept;

/// The ACK that answers in TIME_WAIT: <SEQ=SND.NXT><ACK=RCV.NXT>, with timestamps if the connection
/// had them. `ts_offset` as for the connection (it is a function of the host pair, so the entry
/// need not keep it).
Emission time_wait_ack(const TimeWaitEntry& entry, std::uint32_t ts_offset, Instant now) noexcept;

/// The least ISN for a new incarnation: after every sequence number of the old one (RFC 9293
/// MAY-2).
Seq iss_after(const TimeWaitEntry& entry, Seq generated) noexcept;

/// The RST with which the end in LAST_ACK, its FIN acknowledged, frees the entry of a peer that
/// accepts RST in TIME_WAIT (Faber, Touch and Yue 1999, 4): <SEQ=SND.NXT><CTL=RST>.
Emission hand_over_reset(const TimeWaitEntry& entry) noexcept;

}  // namespace mayfly::tcp
