// What is true of every Connection between two calls of tcp.h, whatever its peer has sent, and from
// one look to the next (RFC 9293 3.3.1 and 3.4, RFC 5681, RFC 6298). For the simulator, the fuzzers
// and the tests; nothing of it is asked while frames are handled.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly {

/// What is not as it must be, in words; empty = nothing.
std::string broken_invariant(const Connection& c);

/// Which bound of its settings the connection has left; empty = none.
std::string broken_bounds(const Connection& c, const TcpSettings& settings);

/// Once next_emission has nothing more: what waits to be sent or acknowledged has a timer, or the
/// connection could stand still for ever.
bool may_stand_still(const Connection& c);

/// What a connection was at the last look. The default has seen nothing.
struct ConnectionShadow {
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
