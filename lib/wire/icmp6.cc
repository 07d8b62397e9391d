#include "wire/icmp6.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/layout.h"

namespace mayfly::wire {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kTargetAt = 8, kOptionsAt = 24;           // RFC 4861 4.3 and 4.4
constexpr std::uint8_t kSourceAddress = 1, kTargetAddress = 2;  // RFC 4861 4.6.1
constexpr std::size_t kOptionUnit = 8;

/// RFC 4861 4.6 and 7.1: each option has a length, in units of 8 octets, that is not zero. Calls
/// `visit(type, option) -> bool` for each, which has at least 8 octets. False for a list that is
/// malformed, or of which `visit` says so.
template <class Visit>
bool walk_nd_options(Bytes options, Visit visit) noexcept {
  while (!options.empty()) {
    if (options.size() < kOptionUnit) return false;
    const std::size_t size = load_u8(&options[1]) * kOptionUnit;
    if (size == 0 || size > options.size()) return false;
    if (!visit(load_u8(&options[0]), options.first(size))) return false;
    options = options.subspan(size);
  }
  return true;
}

/// False for a group's address: it is nobody's own.
bool take_mac(Bytes option, std::optional<MacAddress>& mac) noexcept {
  MacAddress found;
  std::memcpy(found.octets.data(), &option[2], found.octets.size());
  mac = found;
  return !found.is_group();
}

/// An address option of another type than `wanted` is skipped.
bool read_options(Bytes options, std::uint8_t wanted, std::optional<MacAddress>& mac) noexcept {
  return walk_nd_options(options, [&](std::uint8_t type, Bytes option) {
    return type != wanted || take_mac(option, mac);
  });
}

/// What RFC 4861 6.1 and 7.1 ask of every message, and RFC 6980 5.
bool is_from_the_link(Bytes frame, const ParsedFrame& parsed, std::size_t size_min) noexcept {
  return load_u8(&frame[parsed.l3_off + ipv6_at::hop_limit]) == kNdHopLimit &&
         load_u8(&frame[parsed.l4_off + icmp_at::code]) == 0 && parsed.l4_len >= size_min &&
         (parsed.ipv6 & ParsedFrame::kFragmentHeader) == 0;
}

bool is_solicited_node(const Ipv6Address& address) noexcept {
  return address.shares_prefix(solicited_node({}), 104);
}

/// RFC 4861 7.1.1.
bool is_sound_solicitation(const Neighbour& n) noexcept {
  if (!n.source.is_unspecified()) return true;
  return is_solicited_node(n.destination) && !n.mac;
}
/// RFC 4861 7.1.2.
bool is_sound_advertisement(const Neighbour& n) noexcept {
  return !n.source.is_unspecified() &&
         !(n.destination.is_multicast() && n.has(Neighbour::kSolicited));
}

}  // namespace

Drop read_neighbour(Bytes frame, const ParsedFrame& parsed, Neighbour& read) noexcept {
  MAYFLY_ASSERT(parsed.is_ipv6() && parsed.kind == FrameKind::icmp);
  const std::byte* ip = &frame[parsed.l3_off];
  const Bytes message = frame.subspan(parsed.l4_off, parsed.l4_len);
  if (!is_from_the_link(frame, parsed, kOptionsAt)) return Drop::nd_invalid;
  read = {};
  read.source = Ipv6Address::at(ip + ipv6_at::source);
  read.destination = Ipv6Address::at(ip + ipv6_at::destination);
  read.target = Ipv6Address::at(&message[kTargetAt]);
  read.is_advertisement = load_u8(&message[icmp_at::type]) == icmp6_type::neighbour_advertisement;
  if (read.is_advertisement) read.flags = load_be32(&message[icmp_at::rest]);
  const std::uint8_t wanted = read.is_advertisement ? kTargetAddress : kSourceAddress;
  if (read.target.is_multicast() || !read_options(message.subspan(kOptionsAt), wanted, read.mac))
    return Drop::nd_invalid;
  const bool is_sound =
      read.is_advertisement ? is_sound_advertisement(read) : is_sound_solicitation(read);
  return is_sound ? Drop::none : Drop::nd_invalid;
}

std::size_t emit_neighbour(std::span<std::byte> frame, const LinkHeader& link,
                           const Neighbour& n) noexcept {
  std::array<std::byte, 24> body{};
  std::memcpy(body.data(), n.target.octets.data(), n.target.octets.size());
  std::size_t size = n.target.octets.size();
  if (n.mac) {
    store_u8(&body[size], n.is_advertisement ? kTargetAddress : kSourceAddress);
    store_u8(&body[size + 1], 1);
    std::memcpy(&body[size + 2], n.mac->octets.data(), n.mac->octets.size());
    size += kOptionUnit;
  }
  const std::uint8_t type =
      n.is_advertisement ? icmp6_type::neighbour_advertisement : icmp6_type::neighbour_solicitation;
  return emit_icmp6(frame, link, {n.source, n.destination, type, 0, n.flags, kNdHopLimit},
                    Bytes(body).first(size));
}

std::size_t emit_fragment6(std::span<std::byte> frame, Bytes whole, std::size_t l3_off,
                           std::size_t offset, std::size_t size,
                           std::uint32_t identification) noexcept {
  const std::size_t header_end = l3_off + kIpv6HeaderSize;
  const std::size_t end = header_end + offset + size;
  MAYFLY_ASSERT(offset % 8 == 0 && end <= whole.size());
  MAYFLY_ASSERT(header_end + kFragmentHeaderSize + size <= frame.size());
  const bool is_last = end == whole.size();
  std::memcpy(frame.data(), whole.data(), header_end);
  std::byte* const ip = frame.data() + l3_off;
  std::byte* const fragment = frame.data() + header_end;
  store_be16(ip + ipv6_at::payload_length, static_cast<std::uint16_t>(kFragmentHeaderSize + size));
  store_u8(fragment, load_u8(ip + ipv6_at::next_header));
  store_u8(fragment + 1, 0);
  store_u8(ip + ipv6_at::next_header, next_header::fragment);
  store_be16(fragment + 2, static_cast<std::uint16_t>(offset | (is_last ? 0 : 1)));
  store_be32(fragment + 4, identification);
  std::memcpy(fragment + kFragmentHeaderSize, &whole[header_end + offset], size);
  return header_end + kFragmentHeaderSize + size;
}

Drop read_router_advertisement(Bytes frame, const ParsedFrame& parsed,
                               RouterAdvertisement& read) noexcept {
  constexpr std::size_t lifetime_at = 6, options_at = 16, mtu_at = 4;
  constexpr std::uint8_t mtu_option = 5;
  MAYFLY_ASSERT(parsed.is_ipv6() && parsed.kind == FrameKind::icmp);
  if (!is_from_the_link(frame, parsed, options_at)) return Drop::nd_invalid;
  read = {};
  read.source = Ipv6Address::at(&frame[parsed.l3_off + ipv6_at::source]);
  const Bytes message = frame.subspan(parsed.l4_off, parsed.l4_len);
  read.lifetime_s = load_be16(&message[lifetime_at]);
  const bool is_sound =
      walk_nd_options(message.subspan(options_at), [&](std::uint8_t type, Bytes option) {
        if (type == mtu_option) read.mtu = load_be32(&option[mtu_at]);
        return type != kSourceAddress || take_mac(option, read.mac);
      });
  return is_sound && read.source.is_link_local() ? Drop::none : Drop::nd_invalid;
}

std::size_t emit_router_solicitation(std::span<std::byte> frame, const LinkHeader& link,
                                     const Ipv6Address& source) noexcept {
  std::array<std::byte, kOptionUnit> option{};
  store_u8(&option[0], kSourceAddress);
  store_u8(&option[1], 1);
  std::memcpy(&option[2], link.source.octets.data(), link.source.octets.size());
  return emit_icmp6(frame, link,
                    {source, kAllRouters, icmp6_type::router_solicitation, 0, 0, kNdHopLimit},
                    option);
}

Drop read_quoted_segment6(Bytes quoted, QuotedSegment6& segment) noexcept {
  constexpr std::size_t kQuotedData = 8;  // TCP's ports and sequence number
  if (quoted.size() < kIpv6HeaderSize + kQuotedData || load_u8(&quoted[ipv6_at::version]) >> 4 != 6)
    return Drop::icmp_malformed;
  if (load_u8(&quoted[ipv6_at::next_header]) != ip_protocol::tcp) return Drop::icmp_ignored;
  const std::byte* tcp = &quoted[kIpv6HeaderSize];
  segment.key = FlowKey6::of(
      Ipv6Address::at(&quoted[ipv6_at::source]), load_be16(tcp + tcp_at::source_port),
      Ipv6Address::at(&quoted[ipv6_at::destination]), load_be16(tcp + tcp_at::destination_port));
  segment.seq = Seq{load_be32(tcp + tcp_at::seq)};
  return Drop::none;
}

}  // namespace mayfly::wire
