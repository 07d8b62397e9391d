// Loss recovery: when a loss is noticed, what is sent again and how fast. With SACK: RFC 8985 and
// RFC 6937, and what was not lost after all is undone (RFC 3522, RFC 4015, RFC 5682). Without SACK:
// RFC 6582 and go-back-N. By how much cwnd grows is growth.h's part.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tcp/congestion/scoreboard.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {

/// RFC 5681 2, RFC 8985 6.2: duplicate ACKs that mean a loss.
inline constexpr std::uint8_t kDupThresh = 3;

/// Without SACK: `acked` octets were acknowledged for the first time (snd_una has moved already).
void on_new_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg, Instant now) noexcept;

/// An ACK that came to a connection with SACK.
struct SackedAck {
  Delivery delivery;
  std::uint32_t acked = 0;  ///< octets by which snd_una has moved
  bool duplicate = false;   ///< RFC 5681 2: it is one
  bool has_echo = false;    ///< it carries a timestamp
  std::uint32_t echo = 0;   ///< TSecr
};
/// With SACK: takes an ACK, after snd_una has moved. Sets cwnd.
void on_sacked_ack(Connection& c, const SackedAck& ack, const TcpSettings& cfg,
                   Instant now) noexcept;

/// Without SACK: a duplicate ACK came (RFC 5681 2).
void on_duplicate_ack(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// The reordering window's timer: what is late now is lost (RFC 8985 6.3).
void on_reordering_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// An ACK carried ECE: a router has marked a segment (RFC 3168 6.1.2). Once a round trip.
void on_congestion_echo(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// Everything outstanding is to be sent again from snd_una on; cwnd stays.
void go_back(Connection& c) noexcept;

/// The retransmission timer expired: one segment is sent again (RFC 5681 3.1, RFC 6582 4, RFC 8985
/// 6.3).
void on_retransmission_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// [from, to) was sent; snd_max is what it was before. Counts it (RFC 6937, RFC 3522).
void note_repair(Connection& c, Seq from, Seq to, Instant now) noexcept;

/// Octets believed to be in the network.
std::uint32_t flight_size(const Connection& c) noexcept;

}  // namespace mayfly::tcp
