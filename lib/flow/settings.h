// Settings of connections: handshakes under way, TIME_WAIT and memory. Plain values; a Shard takes
// a new snapshot of them between two bursts.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "tcp/settings.h"
#include "wire/prefix.h"

namespace mayfly::flow {

/// How SYNs are answered while many handshakes are under way (RFC 4987).
struct SynPolicy {
  enum class Cookies : std::uint8_t {
    automatic,  ///< a cookie while half_open handshakes are under way (RFC 4987 3.6)
    always,     ///< a cookie for every SYN
    never,      ///< no cookies: SYNs beyond half_open are refused
  };
  /// Limit of the handshakes under way on a core that peers began, three quarters of
  /// the blocks at most; 0 = no limit.
  std::uint32_t half_open = 65'536;
  Cookies cookies = Cookies::automatic;
};

/// Connections that nobody here waits for any more (flow/orphans.h).
struct OrphanPolicy {
  std::uint32_t most = 0;  ///< on a core; the oldest beyond it ends with RST; 0 = no limit
};

/// A separate hold for peers in an address prefix, as NetBSD has an MSL by nearness.
struct NearPrefix {
  Prefix prefix;
  Duration hold{};  ///< 2MSL for these peers; 0 = none
};

/// How TIME_WAIT is held (RFC 9293 3.6.1) and how it ends.
struct TimeWaitPolicy {
  enum class OnFull : std::uint8_t {
    evict_oldest,  ///< the entry that would expire next is evicted
    refuse,        ///< no new connection; open ones count as entries, as each may need one
    close,         ///< straight to CLOSED, as Linux does above tcp_max_tw_buckets
  };

  Duration hold = Duration::from_s(60);  ///< 2MSL; 0 = none
  std::uint32_t capacity = 1'000'000;    ///< entries a core
  OnFull on_full = OnFull::evict_oldest;
  tcp::TimeWaitRules rules;
  /// Adapts the hold to capacity / rate of closes, between `floor` and `hold`.
  bool balance = false;
  Duration floor = Duration::from_s(1);
  /// Linux's tcp_tw_recycle, which was removed as a hazard: connections with timestamps are held
  /// for 3.5 x RTO, and SYNs with a timestamp older than the last one of their host are dropped.
  bool recycle = false;
  /// The end in LAST_ACK takes over the TIME_WAIT, and frees the peer's entry with an RST (Faber,
  /// Touch and Yue 1999). The peer's `rst` must be `accept`.
  bool hand_over = false;
  std::vector<NearPrefix> nearness;  ///< the first match gives the hold; no match: `hold`
  /// Linux's tcp_tw_reuse, for our own active opens: 0 never, 1 after `reuse_delay` with
  /// timestamps, 2 the same on loopback only.
  std::uint8_t reuse = 0;
  Duration reuse_delay = Duration::from_s(1);
};

/// The memory of one core's connections.
struct ConnectionSettings {
  std::uint32_t capacity = 262'144;   ///< live connections a core
  std::uint32_t send_chunks = 8'192;  ///< 2 KiB chunks a core for copied text (echo, error pages)
  /// Receive windows a core for text out of order or not yet taken.
  std::uint32_t receive_buffers = 512;
};

}  // namespace mayfly::flow
