// What is true of every Connection after every step, and from one step to the next (RFC 9293 3.3.1
// and 3.4, RFC 5681, RFC 6298). Pure functions: the simulator, and whoever else drives the core.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly {

/// What is not as it must be in `c`, in words; empty = nothing. `settings` are the connection's.
std::string broken_invariant(const Connection& c, const TcpSettings& settings);

/// What a connection was at the last look.
struct ConnectionShadow {
  std::uint32_t generation = 0;  ///< of its block
  bool known = false;
  Seq snd_una, snd_max, rcv_nxt, rcv_adv;
  Seq window_edge;  ///< the furthest right the peer has ever allowed
  Instant retransmit_at;
};

/// What moved between two looks as nothing may move; empty = nothing. Then `shadow` is the present.
/// `every_step`: the last look was one step ago, so what has changed has changed at `now`.
std::string broken_progress(ConnectionShadow& shadow, const Connection& c,
                            const TcpSettings& settings, Instant now, bool every_step);

}  // namespace mayfly
