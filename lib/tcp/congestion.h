// Congestion control (RFC 5681, RFC 6928), loss recovery without SACK (RFC 6582) and with it (RFC
// 6675).
#pragma once

#include <cstdint>

#include "tcp/connection.h"
#include "tcp/settings.h"

namespace mayfly {

/// RFC 5681 2, RFC 6675 2: duplicate ACKs that mean a loss.
inline constexpr std::uint8_t kDupThresh = 3;

/// Bytes that timestamps take in every segment (RFC 7323 appendix A).
inline constexpr std::uint32_t kTimestampBytes = 12;

/// SMSS: the most text in a segment without SACK blocks, in bytes.
inline std::uint32_t smss(const Connection& c) noexcept {
  return c.mss - (c.has(conn_flag::timestamps) ? kTimestampBytes : 0);
}

/// cwnd for a new connection; one segment if the SYN or SYN-ACK had to be sent again (RFC
/// 5681 3.1).
void start_congestion_control(Connection& c, const TcpSettings& cfg, bool syn_lost) noexcept;

/// RFC 5681 4.1: nothing was sent for more than an RTO, so the old cwnd says nothing about the
/// path.
void restart_if_idle(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

/// `acked` octets were acknowledged for the first time (snd_una has moved already).
void on_new_ack(Connection& c, std::uint32_t acked) noexcept;

/// A duplicate ACK came (RFC 5681 2), or one with news in its SACK option (RFC 6675 2).
void on_duplicate_ack(Connection& c) noexcept;

/// Everything outstanding is to be sent again from snd_una on; cwnd stays.
void go_back(Connection& c) noexcept;

/// The retransmission timer went off: go back to snd_una with one segment (RFC 5681 3.1, RFC 6582
/// 4).
void on_retransmission_timeout(Connection& c) noexcept;

/// Octets believed to be in the network.
std::uint32_t flight_size(const Connection& c) noexcept;

/// The next range that SACK recovery sends again: a lost one (RFC 6675 4, NextSeg rule 1) or,
/// unless `only_lost`, any below what was SACKed (rule 3). False if there is none.
bool next_hole(const Connection& c, bool only_lost, SackBlock& hole) noexcept;

}  // namespace mayfly
