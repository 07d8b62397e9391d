// What can be tuned in the TCP core. Plain values; a Shard takes a new snapshot between bursts.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace mayfly::tcp {

/// Keep-alive probes (RFC 9293 3.8.4). Off by default (MUST-25).
struct KeepAlive {
  bool enabled = false;
  /// Silence before the first probe; not below 2 h unless the user asks for it (MUST-28).
  Duration idle = Duration::from_s(7200);
  /// Between two probes.
  Duration interval = Duration::from_s(75);
  /// Unanswered probes before the connection is dropped.
  std::uint8_t probes = 9;

  bool operator==(const KeepAlive&) const = default;
};

/// How cwnd grows (tcp/congestion/growth.h).
enum class CongestionControl : std::uint8_t {
  newreno,  ///< RFC 5681
  cubic,    ///< RFC 9438
};

/// A segment without the timestamps that the handshake agreed on.
enum class TimestampsMissing : std::uint8_t {
  accept,  ///< it counts, and PAWS is off for the connection from then on
  drop,    ///< RFC 7323 3.2 (SHOULD)
};

/// Settings of a Connection. A connection keeps what it agreed on in its handshake; everything else
/// follows new settings at once.
struct TcpSettings {
  /// Bytes. The MSS that is announced, and the most that is sent: the link's MTU - 40.
  std::uint16_t mss = 1460;
  /// Bytes, up to 1 GiB; above 65,535 the window is scaled.
  std::uint32_t receive_window = 65'535;
  /// Segments that a new connection may send at once (RFC 6928).
  std::uint8_t initial_window_segments = 10;
  CongestionControl congestion_control = CongestionControl::cubic;
  /// Options that are offered and accepted: RFC 7323 (both), RFC 2018.
  bool timestamps = true;
  TimestampsMissing timestamps_missing = TimestampsMissing::accept;
  bool window_scale = true;
  bool sack = true;
  /// RFC 3168: offered and accepted.
  bool ecn = false;
  /// Nagle's algorithm (RFC 9293 SHLD-7); off = MUST-17's "disabled".
  bool nagle = true;
  /// RFC 6298 (2.1), (2.4) and (2.5). For (2.4) the RFC recommends 1 s; doc/conformance.md tells
  /// why the floor is lower here.
  Duration rto_initial = Duration::from_s(1);
  Duration rto_min = Duration::from_ms(200);
  Duration rto_max = Duration::from_s(60);
  /// Retransmissions of a SYN: 1 + 2 + .. + 60 s are at least 3 minutes (RFC 9293 MUST-23).
  std::uint8_t syn_retries = 7;
  std::uint8_t syn_ack_retries = 7;
  /// R2: retransmissions before the connection ends; more than 100 s at any RTO (RFC 9293 SHLD-11).
  std::uint8_t retries = 15;
  /// R2 once nobody waits for the connection any more: the user has closed, and will not read.
  std::uint8_t orphan_retries = 8;
  /// How long an ACK may be delayed: below 0.5 s (RFC 9293 MUST-40); 0 = every segment is ACKed.
  Duration delayed_ack = Duration::from_ms(40);
  /// The longest FIN_WAIT_2 after the user has closed both ways; 0 = for ever.
  Duration fin_wait_2_hold = Duration::from_s(60);
  /// Between challenge ACKs of one connection, on average: at most 10 in 10 intervals (RFC 5961 7);
  /// 0 = no limit.
  Duration challenge_ack_interval = Duration::from_ms(500);
  KeepAlive keep_alive;

  /// Do connections that wait already, in FIN_WAIT_2 or for the next keep-alive probe, wait as long
  /// under `other`?
  bool waits_as(const TcpSettings& other) const {
    return fin_wait_2_hold == other.fin_wait_2_hold && keep_alive == other.keep_alive;
  }
};

/// What a segment may do to a TIME_WAIT.
struct TimeWaitRules {
  /// Which SYN opens a new incarnation.
  enum class Reopen : std::uint8_t {
    rfc6191,   ///< a SYN opens a new incarnation by a newer timestamp or sequence number
    sequence,  ///< by a newer sequence number alone (RFC 9293 3.6.1)
    off,       ///< no SYN does
  };
  /// What a SYN gets that opens nothing.
  enum class RefuseSyn : std::uint8_t {
    ack,   ///< an ACK, so that a peer which is new resets and comes again (RFC 5961 4.2)
    drop,  ///< nothing, as RFC 6191 2 says
  };
  /// Which RST ends TIME_WAIT.
  enum class OnRst : std::uint8_t {
    ignore,      ///< none (RFC 1337 fix F1)
    accept,      ///< one at RCV.NXT (RFC 9293 3.10.7.4)
    challenged,  ///< one at RCV.NXT that may answer the ACK of a SYN (doc/decisions/0011)
  };

  Reopen reopen = Reopen::rfc6191;
  RefuseSyn refuse_syn = RefuseSyn::ack;
  OnRst rst = OnRst::challenged;
  TimestampsMissing timestamps_missing = TimestampsMissing::accept;  ///< as in TcpSettings
};

}  // namespace mayfly::tcp
