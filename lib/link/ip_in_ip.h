// Packets inside packets on a link (RFC 2003, 2473, 4213). Part of link.h.
#pragma once

#include "link/link.h"

namespace mayfly::link {

template <Port P>
bool Link<P>::send_ip_in_ip(std::span<const std::byte> packet, const OuterHeader& outer,
                            Instant now) noexcept {
  const auto& [from, to, traffic_class] = outer;
  const bool is_four = to.is_ipv4_mapped();
  MAYFLY_ASSERT(is_four == from.is_ipv4_mapped() && (is_four || ipv6_ != nullptr));
  const std::size_t mtu = is_four ? interface_.mtu : ipv6_->resolver.mtu();
  const std::size_t header = is_four ? wire::kIpv4HeaderSizeMin : wire::kIpv6HeaderSize;
  if (packet.size() + header > mtu) return false;
  const Frame frame = port_.allocate();
  if (frame == Frame{}) {
    common_.count.lose(Drop::no_buffer);
    return false;
  }
  if (is_four) {
    port_.set_length(frame, emit_ip_in_ip(port_.bytes(frame), header_, {from.low()}, {to.low()},
                                          traffic_class, packet, common_.ip_id++));
    resolver_.resolve(frame, {to.low()}, now);
  } else {
    port_.set_length(frame,
                     emit_ip_in_ip6(port_.bytes(frame), header_, from, to, traffic_class, packet));
    ipv6_->resolver.resolve(frame, to, now);
  }
  return true;
}

template <Port P>
auto Link<P>::outer_header(std::span<const std::byte> bytes,
                           const wire::ParsedFrame& outer) const noexcept -> OuterHeader {
  const std::byte* const ip = &bytes[outer.l3_off];
  if (outer.is_ipv6()) {
    const FlowKey6 key = flow_key6(bytes, outer);
    return {key.remote, key.local, static_cast<std::uint8_t>(load_be16(ip) >> 4)};
  }
  return {Ipv6Address::mapped(outer.key.remote().host), Ipv6Address::mapped(outer.key.local().host),
          wire::load_u8(ip + wire::ipv4_at::tos)};
}

// The link header is put in front of the inner packet, so that both are a frame.
template <Port P>
std::span<const std::byte> Link<P>::unwrap(Frame frame, const wire::ParsedFrame& outer,
                                           wire::ParsedFrame& inner) noexcept {
  MAYFLY_ASSERT(wire::ip_protocol::is_tunnel(outer.protocol));
  const std::span<std::byte> bytes = port_.bytes(frame);
  const std::size_t begin = outer.l4_off - outer.l3_off;
  MAYFLY_ASSERT(begin >= wire::kIpv4HeaderSizeMin);
  std::memmove(&bytes[begin], bytes.data(), outer.l3_off);
  const bool is_six = outer.protocol == wire::ip_protocol::ipv6_in_ip;
  store_be16(&bytes[begin + outer.l3_off - 2],
             is_six ? wire::ethertype::ipv6 : wire::ethertype::ipv4);
  const auto whole = bytes.subspan(begin, std::size_t{outer.l3_off} + outer.l4_len);
  inner = parse_frame(whole, rules_, wire::RxChecks{});
  return whole;
}

}  // namespace mayfly::link
