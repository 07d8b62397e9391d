// The seam of congestion control: how cwnd grows, and what a loss, a time-out and idleness make of
// it. recovery.h decides when these are called and what is sent again; the algorithm that the
// settings choose decides by how much. A new algorithm is a value of CongestionControl
// (tcp/settings.h), a file beside newreno.h, and a case in each function here.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tcp/congestion/cubic.h"
#include "tcp/congestion/newreno.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {
namespace growth {

/// The initial window in octets (RFC 6928 2): min(n * SMSS, max(2 * SMSS, n * 1460)), where n is
/// `cfg.initial_window_segments`, at least 1.
std::uint32_t initial_window(const Connection& c, const TcpSettings& cfg) noexcept;

/// Sets cwnd and ssthresh of a connection that has just been established. cwnd is one segment if
/// the SYN or SYN-ACK had to be sent again more than once (`syns_lost`, RFC 6928 2).
void start(Connection& c, const TcpSettings& cfg, bool syns_lost) noexcept;

/// FlightSize for a loss (RFC 5681 3.1): what is outstanding, or was when text was sent last, as
/// far as cwnd allows it now. ACKs of a round that are read at once take from what is outstanding
/// before the loss among them is noticed.
std::uint32_t flight_at_loss(const Connection& c) noexcept;

/// `acked` octets (at least 1) were acknowledged for the first time, outside fast recovery; snd_una
/// has moved already. May raise cwnd, but not one that was not used, which proves nothing about the
/// path (RFC 7661 4, RFC 9438 5.8).
inline void on_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg,
                   Instant now) noexcept {
  if (2 * c.flight_sent < c.cwnd) [[likely]]
    return;
  switch (cfg.congestion_control) {
    case CongestionControl::newreno: return newreno::on_ack(c, acked, cfg, now);
    case CongestionControl::cubic: return cubic::on_ack(c, acked, cfg, now);
  }
}

/// Fast recovery begins: sets ssthresh. recovery.h sets cwnd from it.
inline void on_loss(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  switch (cfg.congestion_control) {
    case CongestionControl::newreno: return newreno::on_loss(c, cfg, now);
    case CongestionControl::cubic: return cubic::on_loss(c, cfg, now);
  }
}

/// The retransmission timer expired: sets ssthresh, and cwnd to the loss window (RFC 5681 3.1).
inline void on_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  switch (cfg.congestion_control) {
    case CongestionControl::newreno: return newreno::on_timeout(c, cfg, now);
    case CongestionControl::cubic: return cubic::on_timeout(c, cfg, now);
  }
}

/// What was taken for a loss was none: cwnd and ssthresh are again what `undo` says (RFC 4015 3.2),
/// or more if they have grown since.
void on_undo(Connection& c, const Undo& undo) noexcept;

/// Text follows after nothing was sent for more than an RTO (RFC 5681 4.1). May lower cwnd.
inline void on_idle(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  switch (cfg.congestion_control) {
    case CongestionControl::newreno: return newreno::on_idle(c, cfg, now);
    case CongestionControl::cubic: return cubic::on_idle(c, cfg, now);
  }
}

}  // namespace growth
}  // namespace mayfly::tcp
