// Frames: any bytes are parsed or dropped, and what is emitted is parsed again as it was.
//
// Input: a byte that says what follows, then a frame, or the fields of one.
#include "fuzz/emissions.h"
#include "fuzz/target.h"
#include "support/frame_promises.h"
#include "wire/print.h"

namespace mayfly::testing {
namespace {

constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}}, kPeerMac{{2, 0, 0, 0, 0, 2}};

wire::LinkHeader take_link(FuzzInput& in) {
  return {kOurMac, kPeerMac, static_cast<std::uint16_t>(in.below(4'095))};
}

/// A four-tuple that the parser accepts of a sender (local) on the wire.
FlowKey4 take_key(FuzzInput& in) {
  const Ipv4Address sender{0xc612'0000 + in.between(1, 0xfffe)};
  const Ipv4Address receiver{0xc613'0000 + in.between(1, 0xfffe)};
  const auto port = [&] { return static_cast<std::uint16_t>(in.between(1, 0xffff)); };
  const std::uint16_t from = port();
  return FlowKey4::of(sender, from, receiver, port());
}

void any_bytes(FuzzInput& in, wire::RxChecks checks) {
  const std::vector<std::byte> frame = in.rest();
  const wire::ParsedFrame parsed = parse_frame(frame, {kOurMac, 0, true}, checks);
  expect_promises(frame, parsed);
  EXPECT_FALSE(wire::print_frame(frame).empty());
  if (parsed.kind != wire::FrameKind::tcp) return;
  Emission e = emission_of(frame, parsed.segment);
  // Whoever sent it may have packed its options tighter than emit_tcp does.
  if (tcp_header_size(e) > wire::kTcpHeaderSizeMax) return;
  const auto text =
      std::span(frame).subspan(parsed.segment.payload_off, parsed.segment.payload_len);
  if (parsed.is_ipv6()) {
    const FlowKey6 key = flow_key6(frame, parsed);
    return expect_round_trip(
        {kOurMac, kPeerMac, 0},
        FlowKey6::of(key.remote, key.remote_port_host(), key.local, key.local_port_host()), e,
        text);
  }
  const FlowKey4 sender = FlowKey4::of(parsed.key.remote(), parsed.key.remote_port_host(),
                                       parsed.key.local(), parsed.key.local_port_host());
  expect_round_trip({kOurMac, kPeerMac, 0}, sender, e, text);
}

void any_segment(FuzzInput& in) {
  const wire::LinkHeader link = take_link(in);
  const FlowKey4 key = take_key(in);
  Emission e = take_emission(in);
  const std::vector<std::byte> text = in.rest();
  e.payload_len = static_cast<std::uint32_t>(text.size());
  expect_round_trip(link, key, e, text);
}

void any_arp(FuzzInput& in) {
  const wire::LinkHeader link = take_link(in);
  const auto mac = [&] {
    MacAddress each;
    for (auto& octet : each.octets) octet = in.take<std::uint8_t>();
    return each;
  };
  wire::ArpPacket arp;
  arp.operation =
      in.one_of({wire::ArpPacket::Operation::request, wire::ArpPacket::Operation::reply});
  arp.sender_mac = mac();
  arp.sender_mac.octets[0] &= 0xfe;  // nobody's own address is a group's
  arp.target_mac = mac();
  arp.sender_ip = {in.take<std::uint32_t>()};
  arp.target_ip = {in.take<std::uint32_t>()};
  std::vector<std::byte> frame(link.size() + wire::kArpPacketSize);
  ASSERT_EQ(emit_arp(frame, link, arp), frame.size());
  const wire::ParsedFrame parsed = wire::parse_frame(frame, {link.destination, link.vlan}, {});
  ASSERT_EQ(parsed.kind, wire::FrameKind::arp);
  const wire::ArpPacket read = wire::read_arp(frame, parsed.l3_off);
  EXPECT_EQ(read.operation, arp.operation);
  EXPECT_EQ(read.sender_mac, arp.sender_mac);
  EXPECT_EQ(read.target_mac, arp.target_mac);
  EXPECT_EQ(read.sender_ip, arp.sender_ip);
  EXPECT_EQ(read.target_ip, arp.target_ip);
}

void any_icmp(FuzzInput& in) {
  const wire::LinkHeader link = take_link(in);
  const FlowKey4 key = take_key(in);
  const auto type = in.take<std::uint8_t>(), code = in.take<std::uint8_t>();
  const auto rest = in.take<std::uint32_t>();
  const std::vector<std::byte> body = in.rest();
  std::vector<std::byte> frame(link.size() + wire::kIpv4HeaderSizeMin + wire::kIcmpHeaderSize +
                               body.size());
  ASSERT_EQ(emit_icmp(frame, link, key.local(), key.remote(), type, code, rest, body, 1),
            frame.size());
  const wire::ParsedFrame parsed = wire::parse_frame(frame, {link.destination, link.vlan}, {});
  ASSERT_EQ(parsed.kind, wire::FrameKind::icmp);
  expect_promises(frame, parsed);
  const auto icmp = std::span(frame).subspan(parsed.l4_off, parsed.l4_len);
  EXPECT_EQ(wire::load_u8(&icmp[wire::icmp_at::type]), type);
  EXPECT_EQ(wire::load_u8(&icmp[wire::icmp_at::code]), code);
  EXPECT_EQ(load_be32(&icmp[wire::icmp_at::rest]), rest);
  EXPECT_TRUE(std::ranges::equal(icmp.subspan(wire::kIcmpHeaderSize), body));
}

void run(FuzzInput in) {
  switch (in.below(5)) {
    case 0: return any_bytes(in, {});
    // As if a device had found the checksums right: otherwise few would get far.
    case 1: return any_bytes(in, {.ip_good = true, .l4_good = true});
    case 2: return any_segment(in);
    case 3: return any_arp(in);
    default: return any_icmp(in);
  }
}

const Target kTarget("parse_frame", run);

}  // namespace
}  // namespace mayfly::testing
