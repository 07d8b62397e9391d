#include "nic/whose.h"

#include <cstring>

#include "base/endian.h"
#include "wire/icmp6.h"
#include "wire/layout.h"

namespace mayfly::nic {
namespace {

using FrameBytes = std::span<const std::byte>;

/// The kernel learns of neighbours by their answers, and by announcements (RFC 5227 2.3), as we do.
Whose whose_arp(FrameBytes arp, const link::Interface& interface) noexcept {
  constexpr std::size_t kSize = 28;
  constexpr std::uint16_t kReply = 2;
  if (arp.size() < kSize) return Whose::ours;
  const Ipv4Address sender{load_be32(&arp[wire::arp_at::sender_ip])};
  const Ipv4Address target{load_be32(&arp[wire::arp_at::target_ip])};
  if (load_be16(&arp[wire::arp_at::operation]) == kReply || sender == target) return Whose::both;
  return interface.is_local(target) ? Whose::ours : Whose::kernel;
}

Whose whose_ipv4(FrameBytes packet, const link::Interface& interface) noexcept {
  if (packet.size() < wire::kIpv4HeaderSizeMin) return Whose::ours;
  const Ipv4Address to{load_be32(&packet[wire::ipv4_at::destination])};
  return interface.is_local(to) ? Whose::ours : Whose::kernel;
}

/// Neighbour discovery and MLD, whose messages have at most a hop-by-hop header before them.
Whose whose_group_icmp6(FrameBytes packet, const link::Interface& interface) noexcept {
  constexpr std::size_t kTarget = wire::kIpv6HeaderSize + 8;
  const bool is_solicitation =
      packet.size() >= kTarget + sizeof(Ipv6Address) &&
      wire::load_u8(&packet[wire::ipv6_at::next_header]) == wire::next_header::icmp6 &&
      wire::load_u8(&packet[wire::kIpv6HeaderSize]) == wire::icmp6_type::neighbour_solicitation;
  if (!is_solicitation) return Whose::both;
  return interface.is_local(Ipv6Address::at(&packet[kTarget])) ? Whose::ours : Whose::kernel;
}

/// RFC 4861 4.2 and 4.4: an advertisement to one address may be for either, as both may have asked
/// from the link-local one.
bool is_advertisement(FrameBytes packet) noexcept {
  if (packet.size() <= wire::kIpv6HeaderSize ||
      wire::load_u8(&packet[wire::ipv6_at::next_header]) != wire::next_header::icmp6)
    return false;
  const std::uint8_t type = wire::load_u8(&packet[wire::kIpv6HeaderSize]);
  return type == wire::icmp6_type::neighbour_advertisement ||
         type == wire::icmp6_type::router_advertisement;
}

Whose whose_ipv6(FrameBytes packet, const link::Interface& interface) noexcept {
  if (!interface.has_ipv6()) return Whose::kernel;
  if (packet.size() < wire::kIpv6HeaderSize) return Whose::ours;
  const Ipv6Address to = Ipv6Address::at(&packet[wire::ipv6_at::destination]);
  if (interface.is_local(to)) return is_advertisement(packet) ? Whose::both : Whose::ours;
  if (!to.is_multicast()) return Whose::kernel;
  const std::uint8_t next = wire::load_u8(&packet[wire::ipv6_at::next_header]);
  const bool may_be_icmp =
      next == wire::next_header::icmp6 || next == wire::next_header::hop_by_hop;
  return may_be_icmp ? whose_group_icmp6(packet, interface) : Whose::kernel;
}

}  // namespace

Whose whose_is(std::span<const std::byte> frame, const link::Interface& interface) noexcept {
  if (frame.size() < wire::kEthernetHeaderSize) return Whose::ours;
  const bool is_group = (wire::load_u8(&frame[wire::ethernet_at::destination]) & 1) != 0;
  const auto& mac = interface.mac.octets;
  if (!is_group && std::memcmp(frame.data(), mac.data(), mac.size()) != 0) return Whose::ours;
  std::uint16_t type = load_be16(&frame[wire::ethernet_at::type]);
  std::uint16_t vlan = 0;
  std::size_t l3_off = wire::kEthernetHeaderSize;
  if (type == wire::ethertype::vlan) {
    l3_off += wire::kVlanTagSize;
    if (frame.size() < l3_off) return Whose::ours;
    vlan = load_be16(&frame[wire::ethernet_at::vlan]) & 0x0fff;
    type = load_be16(&frame[wire::ethernet_at::tagged_type]);
  }
  if (vlan != interface.vlan) return Whose::kernel;
  switch (type) {
    case wire::ethertype::arp: return whose_arp(frame.subspan(l3_off), interface);
    case wire::ethertype::ipv4: return whose_ipv4(frame.subspan(l3_off), interface);
    case wire::ethertype::ipv6: return whose_ipv6(frame.subspan(l3_off), interface);
    default: return Whose::kernel;
  }
}

}  // namespace mayfly::nic
