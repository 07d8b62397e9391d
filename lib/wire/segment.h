// The two narrow waists. A Segment is what arrived: parsed, bounds-checked, in host order. An
// Emission is what to send: the only output of the TCP core.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/seq.h"

namespace mayfly::wire {

/// TCP control bits (RFC 9293 3.1), as they stand in the header's byte 13.
namespace tcp_flag {
inline constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10,
                              urg = 0x20, ece = 0x40, cwr = 0x80;
}  // namespace tcp_flag

/// Which options a Segment carried or an Emission must carry.
namespace tcp_option {
inline constexpr std::uint8_t mss = 0x01, window_scale = 0x02, sack_permitted = 0x04,
                              timestamps = 0x08, sack = 0x10;
/// No option of TCP, but a mark of the IP header, kept beside them: on a Segment "congestion
/// experienced" (RFC 3168 5), on an Emission ECT(0).
inline constexpr std::uint8_t ecn_mark = 0x80;
}  // namespace tcp_option

/// RFC 7323 3: TSval and TSecr.
struct Timestamps {
  std::uint32_t val = 0, echo = 0;
};

/// RFC 2018 3: one block of received data, [left, right).
struct SackBlock {
  Seq left, right;
  friend constexpr bool operator==(SackBlock, SackBlock) = default;
};
/// As many as fit a header without timestamps (RFC 2018 3).
inline constexpr std::size_t kSackBlocksMax = 4;

/// A TCP segment that arrived. Fields whose option bit is not set in `options` are zero.
struct Segment {
  Seq seq, ack;  ///< ack is zero unless the ACK bit is set
  Timestamps ts;
  std::uint16_t window = 0;  ///< as on the wire: not scaled
  std::uint16_t mss = 0;
  std::uint16_t payload_off = 0;  ///< from the frame's first byte
  std::uint16_t payload_len = 0;  ///< after the IP total length: Ethernet padding is not payload
  std::uint16_t urgent = 0;       ///< urgent pointer; zero unless URG is set
  std::uint16_t sack_off = 0;     ///< the SACK blocks' place in the frame
  std::uint8_t flags = 0;         ///< tcp_flag
  std::uint8_t options = 0;       ///< tcp_option
  std::uint8_t window_scale = 0;  ///< as on the wire; RFC 7323 2.3 says to use 14 for more
  std::uint8_t sack_count = 0;    ///< 0..4

  /// Is any of these tcp_flag bits set?
  constexpr bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  /// Is any of these tcp_option bits set?
  constexpr bool carries(std::uint8_t option) const { return (options & option) != 0; }
  /// SEG.LEN: payload, and one each for SYN and FIN (RFC 9293 3.3.1).
  constexpr std::uint32_t length() const {
    return payload_len + (has(tcp_flag::syn) ? 1u : 0u) + (has(tcp_flag::fin) ? 1u : 0u);
  }
  /// The sequence number after the segment's last.
  constexpr Seq end() const { return seq + length(); }
};
static_assert(sizeof(Segment) == 32 && std::is_trivially_copyable_v<Segment>);

/// A TCP segment to send. The payload is named by its sequence number; its bytes are kept
/// elsewhere. The urgent pointer is always zero: nothing here sends urgent data.
struct Emission {
  Seq seq, ack;
  Timestamps ts;
  std::uint32_t payload_len = 0;
  std::uint16_t window = 0;  ///< as on the wire: already scaled
  std::uint16_t mss = 0;
  std::uint8_t flags = 0;
  std::uint8_t options = 0;
  std::uint8_t window_scale = 0;
  std::uint8_t sack_count = 0;  ///< 0..4; at most 3 beside timestamps (RFC 2018 3)
  std::array<SackBlock, kSackBlocksMax> sack{};

  /// Is any of these tcp_flag bits set?
  constexpr bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(Emission) == 60 && std::is_trivially_copyable_v<Emission>);

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::Emission;
using wire::Segment;
}  // namespace mayfly
