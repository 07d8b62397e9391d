// What a received frame is: its kind, and for TCP the four-tuple and the segment; or why it is
// dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/flow_key.h"
#include "wire/layout.h"
#include "wire/segment.h"

namespace mayfly::wire {

/// What a frame carries.
enum class FrameKind : std::uint8_t {
  drop,            ///< see ParsedFrame::drop
  tcp,             ///< key and segment are set
  arp,             ///< a well-formed Ethernet/IPv4 ARP packet at l3_off
  icmp,            ///< ICMP or ICMPv6 at l4_off, its checksum right
  udp,             ///< UDP: a host without UDP answers with port unreachable
  other_protocol,  ///< any other IPv4 payload: protocol unreachable
  fragment,        ///< a fragment at l3_off: reassemble, then parse again
  problem,         ///< IPv6: dropped, and answered with parameter problem (RFC 4443 3.4)
};

/// What the device has found out about the checksums; the parser verifies the rest in software.
struct RxChecks {
  bool ip_good = false, ip_bad = false, l4_good = false, l4_bad = false;
};

/// What the port expects of a frame.
struct ParseRules {
  MacAddress mac;          ///< ours: unicast frames to any other are dropped
  std::uint16_t vlan = 0;  ///< 0 = untagged frames only (a priority tag of VLAN 0 is accepted)
  bool ipv6 = false;       ///< otherwise IPv6 is an unknown EtherType
};

/// The result of parse_frame. Offsets and lengths are in bytes and inside the frame.
struct ParsedFrame {
  FrameKind kind = FrameKind::drop;
  Drop drop = Drop::none;
  /// Sent to a group MAC address: no ICMP error answers it (RFC 1122 3.2.2).
  bool link_group = false;
  std::uint8_t l3_off = 0;       ///< the network header, from the frame's first byte
  std::uint8_t protocol = 0;     ///< IPv4 protocol number, or that of the end of the IPv6 chain
  std::uint8_t ipv6 = 0;         ///< kIpv6 and the marks below; 0 = not IPv6
  std::uint16_t l4_off = 0;      ///< the transport header; of an IPv6 fragment, the fragment header
  std::uint16_t l4_len = 0;      ///< what is there, after the IP length
  std::uint16_t problem_at = 0;  ///< of a problem: the octet, from the network header's first
  /// local = destination, remote = source; ports for TCP and UDP only. IPv6: the ports alone, see
  /// flow_key6().
  FlowKey4 key;
  Segment segment;  ///< TCP only

  /// In `ipv6`: it is; and it came with a fragment header (RFC 6980).
  static constexpr std::uint8_t kIpv6 = 1, kFragmentHeader = 2;
  bool is_ipv6() const noexcept { return ipv6 != 0; }
};
static_assert(sizeof(ParsedFrame) == 60);

/// Parses and checks a frame: Ethernet, VLAN, ARP, IPv4 (RFC 791, options skipped) or IPv6 (RFC
/// 8200, with at most kExtensionHeadersMax extension headers), ICMP, TCP with its options (unknown
/// ones are skipped, RFC 9293 MUST-6) and checksums that the device has not verified. Never reads
/// outside `frame`. The caller checks whether the addresses are ours. `parsed` is overwritten.
void parse_frame(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                 ParsedFrame& parsed) noexcept;
/// The rest of parse_frame, for a frame that parse_plain_tcp (plain.h) did not take.
void parse_unplain(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                   ParsedFrame& parsed) noexcept;
inline ParsedFrame parse_frame(std::span<const std::byte> frame, const ParseRules& rules,
                               RxChecks checks) noexcept {
  ParsedFrame parsed;
  parse_frame(frame, rules, checks, parsed);
  return parsed;
}

/// The extension headers that are walked through before a packet is given up.
inline constexpr std::size_t kExtensionHeadersMax = 8;

/// Reads the four-tuple of an IPv6 packet that parse_frame parsed: local = destination. The ports
/// are those of `parsed.key`, zero unless TCP or UDP. The rest of `key` stays as
/// it is.
inline void read_flow_key6(std::span<const std::byte> frame, const ParsedFrame& parsed,
                           FlowKey6& key) noexcept {
  MAYFLY_ASSERT(parsed.is_ipv6() && frame.size() >= parsed.l3_off + kIpv6HeaderSize);
  const std::byte* const packet = frame.data() + parsed.l3_off;
  key.local = Ipv6Address::at(packet + ipv6_at::destination);
  key.remote = Ipv6Address::at(packet + ipv6_at::source);
  key.local_port = parsed.key.local_port;
  key.remote_port = parsed.key.remote_port;
}
inline FlowKey6 flow_key6(std::span<const std::byte> frame, const ParsedFrame& parsed) noexcept {
  FlowKey6 key;
  read_flow_key6(frame, parsed, key);
  return key;
}

/// Reads the SACK blocks that `segment` (parsed from `frame`) carries. Returns how many, 0..4.
std::size_t read_sack(std::span<const std::byte> frame, const Segment& segment,
                      std::array<SackBlock, kSackBlocksMax>& blocks) noexcept;

}  // namespace mayfly::wire
