// NewReno's growth: slow start and congestion avoidance (RFC 5681 3.1), counted in octets
// (RFC 3465). Not for users of the core: growth.h calls it, and says when.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {
namespace newreno {

/// Slow start below ssthresh, one segment a window above it. A window of which less than half was
/// in use does not grow.
void on_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg, Instant now) noexcept;

/// ssthresh = max(FlightSize / 2, 2 * SMSS) (RFC 5681 3.1 (4)).
void on_loss(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// ssthresh as for a loss, cwnd one segment.
void on_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// cwnd is at most the initial window: the restart window of RFC 5681 4.1.
void on_idle(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

}  // namespace newreno
}  // namespace mayfly::tcp
