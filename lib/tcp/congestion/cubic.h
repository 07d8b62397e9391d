// CUBIC's growth (RFC 9438): after a loss the window comes back to where the loss was along a cubic
// function of time, waits there, and then looks for more; never slower than Reno would. Not for
// users of the core: growth.h calls it, and says when.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {
namespace cubic {

/// Slow start below ssthresh, by at most 8 segments an ACK (RFC 9406 4.2); above it the larger of
/// W_cubic and W_est (RFC 9438 4.2 to 4.5). A window of which less than half was in use does not
/// grow.
void on_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg, Instant now) noexcept;

/// ssthresh = max(0.7 * FlightSize, 2 * SMSS) (RFC 9438 4.6), and fast convergence (4.7).
void on_loss(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// ssthresh as for a loss, cwnd one segment (RFC 9438 4.8).
void on_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// cwnd is at most the initial window (RFC 5681 4.1), and time begins anew (RFC 9438 5.8).
void on_idle(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

}  // namespace cubic
}  // namespace mayfly::tcp
