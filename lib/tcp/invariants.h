// What is true of every Connection between two calls of tcp.h, whatever its peer has sent, and from
// one check to the next (RFC 9293 3.3.1 and 3.4, RFC 5681, RFC 6298). For the simulator, the
// fuzzers and the tests; the stack checks none of it while it handles frames.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {

/// The first invariant that does not hold, in words; empty if all hold.
std::string broken_invariant(const Connection& c);

/// The first bound of its settings that the connection exceeds, in words; empty if none.
std::string broken_bounds(const Connection& c, const TcpSettings& settings);

/// After next_emission has returned false: true if something waits to be sent or acknowledged and
/// has no timer, so that the connection could stand still for ever.
bool may_stand_still(const Connection& c);

/// A connection's state at the last check. The default stands for none.
struct ConnectionShadow {
  bool known = false;
  Seq snd_una, snd_max, rcv_nxt, rcv_adv;
  Seq window_edge;  ///< the furthest right the peer has ever allowed
  Instant retransmit_at;
};

/// What moved since the last check in a way that nothing may move, in words; empty if nothing did.
/// Sets `shadow` to the present. `every_step`: the last check was one step ago, so what has changed
/// has changed at `now`.
std::string broken_progress(ConnectionShadow& shadow, const Connection& c,
                            const TcpSettings& settings, Instant now, bool every_step);

}  // namespace mayfly::tcp
