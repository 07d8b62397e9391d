// Loss recovery: what is lost and sent again, without SACK (RFC 6582), with it (RFC 6675) and after
// a time-out (RFC 5681 3.1). By how much cwnd grows is growth.h's part.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly::tcp {

/// RFC 5681 2, RFC 6675 2: duplicate ACKs that mean a loss.
inline constexpr std::uint8_t kDupThresh = 3;

/// `acked` octets were acknowledged for the first time (snd_una has moved already).
void on_new_ack(Connection& c, std::uint32_t acked, const TcpSettings& cfg, Instant now) noexcept;

/// A duplicate ACK came (RFC 5681 2), or one with news in its SACK option (RFC 6675 2).
void on_duplicate_ack(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// Everything outstanding is to be sent again from snd_una on; cwnd stays.
void go_back(Connection& c) noexcept;

/// The retransmission timer expired: goes back to snd_una with one segment (RFC 5681 3.1, RFC 6582
/// 4).
void on_retransmission_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// Octets believed to be in the network: pipe (RFC 6675 4) in SACK recovery, otherwise what lies
/// between snd_una and snd_nxt.
std::uint32_t flight_size(const Connection& c) noexcept;

/// The next range that SACK recovery sends again: a lost one (RFC 6675 4, NextSeg rule 1) or,
/// unless `only_lost`, any below what was SACKed (rule 3). False if there is none.
bool next_hole(const Connection& c, bool only_lost, wire::SackBlock& hole) noexcept;

}  // namespace mayfly::tcp
