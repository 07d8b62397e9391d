// SYN cookies (RFC 4987 3.6): a SYN is answered and nothing is kept of it. What is needed comes
// back with the ACK: our sequence number is a keyed hash of the four-tuple, the peer's ISN and a
// slow clock; three of its bits hold the peer's MSS, and the low bits of our TSval the other
// options.
//
// What is lost: an MSS between two of the eight kept is rounded down; without timestamps there is
// neither window scale nor SACK; the SYN-ACK is not sent again (the peer's SYN is); and if both the
// last ACK and the peer's first text are lost, what follows is answered with RST.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/isn.h"
#include "tcp/settings.h"
#include "wire/segment.h"

namespace mayfly::tcp {

/// A cookie is valid for at least this long, and for less than twice as long.
inline constexpr Duration kCookieLife = Duration::from_s(64);

/// The connection that a cookie is for. `key`: the flow key's bytes, at most 40; `secret`: must
/// outlive this; `ts_offset`: as for a connection.
struct CookieFlow {
  std::span<const std::byte> key;
  const Secret& secret;
  std::uint32_t ts_offset = 0;
};

/// The SYN-ACK that answers `syn`, its sequence number being the cookie. Its TSval is up to 31 ms
/// behind the clock and never ahead of it, so what follows is not older (RFC 7323 5).
Emission cookie_syn_ack(const Segment& syn, const CookieFlow& flow, const TcpSettings& cfg,
                        Instant now) noexcept;

/// The SYN that `ack` stands for, if it acknowledges a cookie of ours that is still valid: ISN,
/// MSS, timestamp, and with timestamps window scale and SACK; none otherwise. `ack` may be any
/// segment with ACK and without SYN and RST: the peer's first text carries the ACK too.
std::optional<Segment> syn_of_cookie(const Segment& ack, const CookieFlow& flow,
                                     const TcpSettings& cfg, Instant now) noexcept;

/// Makes `c` what it would have been without cookies: SYN_RECEIVED with the SYN-ACK sent. `syn` is
/// what syn_of_cookie returned for `ack`; handle `ack` next (on_segment).
void open_from_cookie(Connection& c, const Segment& syn, const Segment& ack,
                      std::uint32_t ts_offset, const TcpSettings& cfg, Instant now) noexcept;

}  // namespace mayfly::tcp
