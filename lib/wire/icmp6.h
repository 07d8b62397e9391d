// ICMPv6 messages (RFC 4443), neighbour discovery (RFC 4861) and MLDv2 (RFC 3810): read and
// written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/flow_key.h"
#include "wire/parse.h"
#include "wire/seq.h"

namespace mayfly::wire {

/// Types of messages (RFC 4443, RFC 4861 4, RFC 3810 5).
namespace icmp6_type {
inline constexpr std::uint8_t unreachable = 1, packet_too_big = 2, time_exceeded = 3,
                              parameter_problem = 4, echo = 128, echo_reply = 129, mld_query = 130,
                              router_solicitation = 133, router_advertisement = 134,
                              neighbour_solicitation = 135, neighbour_advertisement = 136,
                              redirect = 137, mld2_report = 143;
}
/// Codes of icmp6_type::unreachable, time_exceeded and parameter_problem (RFC 4443 3.1, 3.3
/// and 3.4, RFC 7112 5).
namespace unreachable6_code {
inline constexpr std::uint8_t administratively = 1, port = 4;
}
namespace time_exceeded_code {
inline constexpr std::uint8_t reassembly = 1;
}
namespace problem_code {
inline constexpr std::uint8_t field = 0, next_header = 1, option = 2, first_fragment = 3;
}

/// The hop limit with which neighbour discovery is sent: no router has passed it on (RFC 4861 7.1).
inline constexpr std::uint8_t kNdHopLimit = 255;
/// The least MTU of a link (RFC 8200 5): no error message is longer (RFC 4443 2.4 (c)).
inline constexpr std::size_t kIpv6MtuMin = 1'280;

/// A message to send but for its body.
struct Icmp6 {
  Ipv6Address source, destination;
  std::uint8_t type = 0, code = 0;
  std::uint32_t rest = 0;  ///< bytes 4 to 7, in host order
  std::uint8_t hop_limit = 64;
};

/// Writes link header, IPv6 header and message, with its checksum. `body` may overlap `frame`,
/// which needs link.size() + 48 + body.size() bytes. Returns the frame's length.
std::size_t emit_icmp6(std::span<std::byte> frame, const LinkHeader& link, const Icmp6& icmp,
                       std::span<const std::byte> body) noexcept;

/// Writes a fragment of a packet without extension headers (RFC 8200 4.5). `whole` is its frame,
/// with the IPv6 header at `l3_off`; the fragment has the `size` octets of its payload from
/// `offset` on, which is a multiple of 8. `frame` needs l3_off + 48 + size bytes. Returns the
/// frame's length.
std::size_t emit_fragment6(std::span<std::byte> frame, std::span<const std::byte> whole,
                           std::size_t l3_off, std::size_t offset, std::size_t size,
                           std::uint32_t identification) noexcept;

/// Writes an MLDv2 report that we listen to `groups` from now on (RFC 3810 5.2). `frame` needs
/// link.size() + 56 + 20 * groups.size() bytes. Returns the frame's length.
std::size_t emit_mld_report(std::span<std::byte> frame, const LinkHeader& link,
                            const Ipv6Address& source,
                            std::span<const Ipv6Address> groups) noexcept;

/// A neighbour solicitation or advertisement.
struct Neighbour {
  /// Flags of an advertisement (RFC 4861 4.4), as `rest` has them.
  static constexpr std::uint32_t kRouter = 0x8000'0000, kSolicited = 0x4000'0000,
                                 kOverride = 0x2000'0000;
  Ipv6Address source, destination, target;
  std::optional<MacAddress> mac;  ///< the option of the type's own: of its source or its target
  std::uint32_t flags = 0;
  bool is_advertisement = false;

  bool has(std::uint32_t flag) const noexcept { return (flags & flag) != 0; }
};
/// Bytes of the longest of the two, without the link header.
inline constexpr std::size_t kNeighbourSizeMax = 40 + 24 + 8;

/// Checks and reads a message of one of the two types, of a frame that parse_frame found to be
/// ICMPv6. None: `read` is set; nd_invalid: a check of RFC 4861 7.1 or RFC 6980 failed.
Drop read_neighbour(std::span<const std::byte> frame, const ParsedFrame& parsed,
                    Neighbour& read) noexcept;
/// Writes one, with hop limit 255. `frame` needs link.size() + kNeighbourSizeMax bytes. Returns the
/// frame's length.
std::size_t emit_neighbour(std::span<std::byte> frame, const LinkHeader& link,
                           const Neighbour& neighbour) noexcept;

/// All routers of a link (RFC 4291 2.7.1).
inline constexpr Ipv6Address kAllRouters = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});

/// What a router says of itself (RFC 4861 4.2), as far as it matters here.
struct RouterAdvertisement {
  Ipv6Address source;
  std::uint16_t lifetime_s = 0;   ///< how long it is a default router; 0 = it is none
  std::optional<MacAddress> mac;  ///< of its source
  std::uint32_t mtu = 0;          ///< of the link; 0 = it says nothing
};
/// As read_neighbour; the checks are those of RFC 4861 6.1.2.
Drop read_router_advertisement(std::span<const std::byte> frame, const ParsedFrame& parsed,
                               RouterAdvertisement& read) noexcept;
/// Writes a router solicitation (RFC 4861 4.1). `frame` as for emit_neighbour.
std::size_t emit_router_solicitation(std::span<std::byte> frame, const LinkHeader& link,
                                     const Ipv6Address& source) noexcept;

/// The segment that an ICMPv6 error is about, as its sender named it.
struct QuotedSegment6 {
  FlowKey6 key;  ///< local = the quoted packet's source: the host that gets the error
  Seq seq;
};
/// As read_quoted_segment; extension headers of the quoted packet are not walked through, as we
/// send none (icmp_ignored).
Drop read_quoted_segment6(std::span<const std::byte> quoted, QuotedSegment6& segment) noexcept;

}  // namespace mayfly::wire
