#include "nic/steer.h"

#include <cstring>
#include <optional>

#include "base/endian.h"
#include "wire/ethernet.h"
#include "wire/parse.h"

namespace mayfly::nic {
namespace {

constexpr std::size_t kIpv4HeaderMin = 20;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17;
constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;

std::uint8_t octet(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

struct NetworkHeader {
  std::uint16_t ethertype = 0;
  std::uint8_t offset = 0;
};

NetworkHeader network_header(std::span<const std::byte> frame) noexcept {
  if (frame.size() < 14) return {};
  const std::uint16_t type = load_be16(&frame[12]);
  if (type != wire::ethertype::vlan) return {type, 14};
  if (frame.size() < 18) return {};
  return {load_be16(&frame[16]), 18};
}

struct Ipv4View {
  std::span<const std::byte> header, payload;
  std::uint8_t protocol() const { return octet(header, 9); }
  bool is_fragment() const { return (load_be16(&header[6]) & kMoreFragmentsOrOffset) != 0; }
};

std::optional<Ipv4View> ipv4_view(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kIpv4HeaderMin || octet(bytes, 0) >> 4 != 4) return std::nullopt;
  const std::size_t header = (octet(bytes, 0) & 0x0fu) * 4u;
  if (header < kIpv4HeaderMin || header > bytes.size()) return std::nullopt;
  return Ipv4View{bytes.first(header), bytes.subspan(header)};
}

template <class T>
T load_raw(const std::byte* p) noexcept {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// The flow of a packet, whose destination is the local end.
std::optional<FlowKey4> flow_of(const Ipv4View& ip) noexcept {
  if ((ip.protocol() != kTcp && ip.protocol() != kUdp) || ip.payload.size() < 4)
    return std::nullopt;
  return FlowKey4{load_raw<std::uint32_t>(&ip.header[16]), load_raw<std::uint32_t>(&ip.header[12]),
                  load_raw<std::uint16_t>(&ip.payload[2]), load_raw<std::uint16_t>(&ip.payload[0]),
                  0};
}

bool is_icmp_error(std::uint8_t type) noexcept {  // RFC 1122 3.2.2
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/// The flow of ours that an ICMP error quotes: the quoted packet's source is local.
std::optional<FlowKey4> quoted_flow(std::span<const std::byte> icmp) noexcept {
  if (icmp.size() < kIcmpHeader || !is_icmp_error(octet(icmp, 0))) return std::nullopt;
  const auto quoted = ipv4_view(icmp.subspan(kIcmpHeader));
  if (!quoted) return std::nullopt;
  const auto flow = flow_of(*quoted);
  if (!flow) return std::nullopt;
  return FlowKey4{flow->remote_ip, flow->local_ip, flow->remote_port, flow->local_port, 0};
}

constexpr std::size_t kIpv6Header = 40;
constexpr std::uint8_t kIcmp6 = 58, kFragmentHeader = 44;

/// The end of an IPv6 packet's chain of extension headers, or a fragment header on the way.
struct Ipv6View {
  std::span<const std::byte> header, payload;
  std::uint8_t next = 0;
};

std::optional<Ipv6View> ipv6_view(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < kIpv6Header || octet(bytes, 0) >> 4 != 6) return std::nullopt;
  std::uint8_t next = octet(bytes, 6);
  std::size_t at = kIpv6Header;
  const auto goes_on = [&] { return next == 0 || next == 43 || next == 60 || next == 44; };
  for (std::size_t i = 0; goes_on() && i < wire::kExtensionHeadersMax; ++i) {
    if (bytes.size() < at + 8) return std::nullopt;
    const bool is_fragment = next == kFragmentHeader;
    if (is_fragment && (load_be16(&bytes[at + 2]) & 0xfff9) != 0) break;
    next = octet(bytes, at);
    at += is_fragment ? 8u : (octet(bytes, at + 1) + 1u) * 8u;
  }
  if (at > bytes.size()) return std::nullopt;
  return Ipv6View{bytes.first(kIpv6Header), bytes.subspan(at), next};
}

std::optional<FlowKey6> flow_of(const Ipv6View& ip) noexcept {
  if ((ip.next != kTcp && ip.next != kUdp) || ip.payload.size() < 4) return std::nullopt;
  FlowKey6 key;
  key.local = Ipv6Address::at(&ip.header[24]);
  key.remote = Ipv6Address::at(&ip.header[8]);
  key.local_port = load_raw<std::uint16_t>(&ip.payload[2]);
  key.remote_port = load_raw<std::uint16_t>(&ip.payload[0]);
  return key;
}

/// As of IPv4; the types of errors are below 128 (RFC 4443 2.1).
std::optional<FlowKey6> quoted_flow6(std::span<const std::byte> icmp) noexcept {
  if (icmp.size() < kIcmpHeader || octet(icmp, 0) >= 128) return std::nullopt;
  const auto quoted = ipv6_view(icmp.subspan(kIcmpHeader));
  if (!quoted) return std::nullopt;
  auto flow = flow_of(*quoted);
  if (!flow) return std::nullopt;
  std::swap(flow->local, flow->remote);
  std::swap(flow->local_port, flow->remote_port);
  return flow;
}

/// Whether a packet is inside another (RFC 2003, 2473): one level is looked at, as the shard does.
enum class Depth : std::uint8_t { outer, inner };
constexpr std::uint8_t kIpv4Inside = 4, kIpv6Inside = 41;

/// The core of the flow inside, or none: the packet is for whoever received it.
void route_inside(std::uint8_t protocol, std::span<const std::byte> packet, Route& route) noexcept;

void route_ipv6(std::span<const std::byte> packet, Route& route, Depth depth) noexcept {
  const auto ip = ipv6_view(packet);
  if (!ip) return;
  const bool is_inner = depth == Depth::inner;
  if (ip->next == kFragmentHeader) {
    if (is_inner) return;
    route.is_ipv6 = true;
    route.kind = Route::Kind::fragment;
    return;
  }
  if (ip->next == kIpv4Inside || ip->next == kIpv6Inside) {
    if (!is_inner) route_inside(ip->next, ip->payload, route);
    return;
  }
  route.is_ipv6 = true;
  const bool is_icmp = ip->next == kIcmp6;
  // Neighbour solicitations and advertisements.
  if (is_icmp && !ip->payload.empty() &&
      (octet(ip->payload, 0) == 135 || octet(ip->payload, 0) == 136)) {
    if (is_inner) return;
    route.kind = Route::Kind::all;
  }
  if (const auto key = is_icmp ? quoted_flow6(ip->payload) : flow_of(*ip)) {
    route.kind = Route::Kind::flow;
    route.key6 = *key;
  }
}

void route_ipv4(std::span<const std::byte> packet, Route& route, Depth depth) noexcept {
  const auto ip = ipv4_view(packet);
  if (!ip) return;
  const std::uint8_t protocol = ip->protocol();
  if (ip->is_fragment()) {
    if (depth == Depth::outer) route.kind = Route::Kind::fragment;
  } else if (protocol == kIpv4Inside || protocol == kIpv6Inside) {
    if (depth == Depth::outer) route_inside(protocol, ip->payload, route);
  } else if (const auto key = protocol == kIcmp ? quoted_flow(ip->payload) : flow_of(*ip)) {
    route.kind = Route::Kind::flow;
    route.key = *key;
  }
}

void route_inside(std::uint8_t protocol, std::span<const std::byte> packet, Route& route) noexcept {
  return protocol == kIpv6Inside ? route_ipv6(packet, route, Depth::inner)
                                 : route_ipv4(packet, route, Depth::inner);
}

}  // namespace

Route route_of(std::span<const std::byte> frame) noexcept {
  const auto [type, l3_off] = network_header(frame);
  Route route{.kind = Route::Kind::first, .l3_off = l3_off};
  if (type == wire::ethertype::arp) route.kind = Route::Kind::all;
  if (type == wire::ethertype::ipv6) route_ipv6(frame.subspan(l3_off), route, Depth::outer);
  if (type == wire::ethertype::ipv4) route_ipv4(frame.subspan(l3_off), route, Depth::outer);
  return route;
}

bool is_whole_tcp(std::span<const std::byte> frame) noexcept {
  const auto [type, l3_off] = network_header(frame);
  if (type == wire::ethertype::ipv6)
    return frame.size() >= l3_off + kIpv6Header && octet(frame, l3_off + std::size_t{6}) == kTcp;
  if (type != wire::ethertype::ipv4 || frame.size() < l3_off + kIpv4HeaderMin) return false;
  const std::byte* ip = &frame[l3_off];
  return std::to_integer<std::uint8_t>(ip[9]) == kTcp &&
         (load_be16(ip + 6) & kMoreFragmentsOrOffset) == 0;
}

}  // namespace mayfly::nic
