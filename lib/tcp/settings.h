// What can be tuned in the TCP core. Plain values; a Shard sees a new snapshot at a burst boundary.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace mayfly {

/// RFC 9293 3.8.4. Off by default (MUST-25).
struct KeepAlive {
  bool enabled = false;
  Duration idle = Duration::from_s(7200);  ///< not below 2 h unless the user says so (MUST-28)
  Duration interval = Duration::from_s(75);
  std::uint8_t probes = 9;  ///< unanswered ones before the connection is dropped
};

/// How cwnd grows (tcp/congestion/growth.h).
enum class CongestionControl : std::uint8_t {
  newreno,  ///< RFC 5681
};

struct TcpSettings {
  std::uint16_t mss = 1460;                   ///< announced, and the most sent: the link's MTU - 40
  std::uint32_t receive_window = 65'535;      ///< bytes, up to 1 GiB; above 65,535 it is scaled
  std::uint8_t initial_window_segments = 10;  ///< RFC 6928
  CongestionControl congestion_control = CongestionControl::newreno;
  bool timestamps = true;  ///< RFC 7323: offered and accepted
  bool window_scale = true;
  bool sack = true;                            ///< RFC 2018
  bool nagle = true;                           ///< RFC 9293 SHLD-7; off = MUST-17's "disabled"
  Duration rto_initial = Duration::from_s(1);  ///< RFC 6298 (2.1)
  Duration rto_min =
      Duration::from_ms(200);  ///< RFC 6298 (2.4) says 1 s SHOULD; see doc/conformance.md
  Duration rto_max = Duration::from_s(60);  ///< RFC 6298 (2.5)
  std::uint8_t syn_retries = 7;             ///< 1+2+..+60 s: at least 3 minutes (RFC 9293 MUST-23)
  std::uint8_t syn_ack_retries = 7;
  std::uint8_t retries = 15;  ///< R2; more than 100 s at any RTO (SHLD-11)
  Duration delayed_ack =
      Duration::from_ms(40);  ///< below 0.5 s (MUST-40); 0 = every segment is ACKed
  Duration fin_wait_2_hold =
      Duration::from_s(60);  ///< after the user closed both ways; 0 = for ever
  Duration challenge_ack_interval =
      Duration::from_ms(500);  ///< per connection, on average: at most 10
                               ///< in 10 intervals (RFC 5961 7); 0 = no limit
  KeepAlive keep_alive;
};

/// What a segment may do to a TIME_WAIT.
struct TimeWaitRules {
  enum class Reopen : std::uint8_t {
    rfc6191,   ///< a SYN opens anew by its timestamp or its sequence number
    sequence,  ///< by a newer sequence number alone (RFC 9293 3.6.1)
    off,
  };
  enum class OnRst : std::uint8_t { ignore, accept };  ///< ignore: RFC 1337 fix F1

  Reopen reopen = Reopen::rfc6191;
  OnRst rst = OnRst::ignore;
};

}  // namespace mayfly
