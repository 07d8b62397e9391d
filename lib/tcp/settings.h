// What can be tuned in the TCP core. Plain values; a Shard sees a new snapshot at a burst boundary.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "wire/flow_key.h"

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

/// What becomes of SYNs while many handshakes are under way (RFC 4987).
struct SynPolicy {
  enum class Cookies : std::uint8_t {
    automatic,  ///< when half_open handshakes are under way: RFC 4987 3.6
    always,
    never,  ///< then SYNs beyond half_open are refused
  };
  std::uint32_t half_open =
      65'536;  ///< handshakes under way a core, of passive opens; 0 = no limit
  Cookies cookies = Cookies::automatic;
};

/// A hold of its own for peers under a prefix: NetBSD's MSL by nearness.
struct NearPrefix {
  Ipv4Address address;
  std::uint8_t length = 32;  ///< bits of the address that count
  Duration hold{};           ///< 2MSL for these peers; 0 = none

  constexpr bool covers(Ipv4Address peer) const {
    return length == 0 || ((peer.host ^ address.host) >> (32 - length)) == 0;
  }
};

/// How TIME_WAIT is held (RFC 9293 3.6.1) and how it ends.
struct TimeWaitPolicy {
  enum class OnFull : std::uint8_t {
    evict_oldest,  ///< the entry that would expire next makes room
    refuse,        ///< no new connection: an open one may need an entry too, and counts as one
    close,         ///< straight to CLOSED, as Linux over tcp_max_tw_buckets
  };
  enum class Reopen : std::uint8_t { rfc6191, sequence, off };
  enum class OnRst : std::uint8_t { ignore, accept };  ///< ignore: RFC 1337 fix F1

  Duration hold = Duration::from_s(60);  ///< 2MSL; 0 = none
  std::uint32_t capacity = 1'000'000;    ///< entries a core
  OnFull on_full = OnFull::evict_oldest;
  Reopen reopen = Reopen::rfc6191;
  OnRst rst = OnRst::ignore;
  /// The hold follows capacity / close rate, between `floor` and `hold`.
  bool balance = false;
  Duration floor = Duration::from_s(1);
  /// Linux's removed tcp_tw_recycle, a hazard: with timestamps 3.5 x RTO, and one timestamp a host.
  bool recycle = false;
  /// The end in LAST_ACK takes the TIME_WAIT over and frees the peer's entry with an RST (Faber,
  /// Touch and Yue 1999). The peer's `rst` has to be `accept`.
  bool hand_over = false;
  std::vector<NearPrefix> nearness;  ///< the first that matches counts; none: `hold`
};

}  // namespace mayfly
