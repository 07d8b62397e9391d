// A Link over a MemPort without a shard above it, and what a far host puts on its wire.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "link/link.h"
#include "support/mem_port.h"
#include "unit/wire/frames.h"

namespace mayfly::wire {

inline void PrintTo(Drop drop, std::ostream* out) { *out << name_of(drop); }

}  // namespace mayfly::wire

namespace mayfly::testing {

inline constexpr Ipv4Address kOtherIp{0xc612'0102}, kFarIp{0x0a00'0001}, kGateway{0xc612'00fe};
inline constexpr MacAddress kOtherMac{{2, 0, 0, 0, 0, 9}};

class LinkTest : public ::testing::Test {
 protected:
  using Port = MemPort;
  using Operation = wire::ArpPacket::Operation;

  LinkTest() {
    interface.mac = kOurMac;
    interface.addresses = {{kOurIp, kOurIp, 15}};
  }
  ~LinkTest() override {
    link_.reset();
    EXPECT_EQ(port.buffers, buffers_at_start) << "frames were lost, or freed twice";
  }

  /// Made at the first use, from `interface` as it is then.
  link::Link<Port>& link() {
    if (!link_) link_.emplace(port, interface, common);
    return *link_;
  }

  // -- what arrives --

  /// A frame arrives and is handled as a shard would. Returns what it came to.
  Drop arrives(const Frame& frame) {
    port.inject(frame);
    Port::Frame received = nullptr;
    EXPECT_EQ(link().receive({&received, 1}, now), 1u);
    wire::ParsedFrame parsed;
    link().parse(received, parsed);
    Drop why = Drop::none;
    if (parsed.kind == wire::FrameKind::fragment) {
      received = link().reassemble(received, parsed, now, why);
      if (received == nullptr) return why;
      parsed = link().parse_whole(received);
    }
    why = handle(received, parsed);
    link().release(received);
    return why;
  }
  Frame arp(Operation operation, Ipv4Address from, Ipv4Address to,
            const MacAddress& mac = kPeerMac) const {
    Frame frame(kRoom);
    frame.resize(
        wire::emit_arp(frame, {kOurMac, mac, interface.vlan}, {operation, mac, {}, from, to}));
    return frame;
  }
  Frame request(Ipv4Address from, Ipv4Address to = kOurIp, const MacAddress& mac = kPeerMac) const {
    return arp(Operation::request, from, to, mac);
  }
  Frame reply(Ipv4Address from, const MacAddress& mac = kPeerMac) const {
    return arp(Operation::reply, from, kOurIp, mac);
  }
  /// The peer's MAC address becomes known.
  void know_peer() {
    arrives(request(kPeerIp));
    sent();
  }

  // -- what is sent --

  /// Sends a segment with this text.
  bool send(Ipv4Address to = kPeerIp, std::string_view payload = "hello") {
    Emission e;
    e.flags = wire::tcp_flag::ack;
    e.payload_len = static_cast<std::uint32_t>(payload.size());
    return link().send_tcp(FlowKey4::of(kOurIp, 80, to, 40'000), e, now,
                           [&](std::span<std::byte> room) {
                             EXPECT_EQ(room.size(), payload.size());
                             return wire::copy_summed(text(payload), room.data());
                           });
  }
  /// Everything that goes to the device now.
  std::vector<Frame> sent() {
    link().transmit(now);
    return std::exchange(port.sent, {});
  }
  /// The only frame that goes to the device now.
  Frame sent_one() {
    const auto frames = sent();
    EXPECT_EQ(frames.size(), 1u);
    return frames.empty() ? Frame(kRoom) : frames[0];
  }
  wire::ArpPacket sent_arp() {
    const Frame frame = sent_one();
    const std::size_t at = interface.vlan != 0 ? 18 : 14;
    EXPECT_EQ(load_be16(&frame[at - 2]), wire::ethertype::arp);
    return wire::read_arp(frame, at);
  }
  static MacAddress destination(const Frame& frame) {
    MacAddress mac;
    std::memcpy(mac.octets.data(), frame.data(), mac.octets.size());
    return mac;
  }
  /// Time goes by, and the link is looked after each millisecond.
  void after(Duration span) {
    for (const Instant end = now + span; now < end; link().age(now)) now = now + 1_ms;
  }
  std::uint64_t drops(Drop why) const { return dropped[static_cast<std::size_t>(why)].get(); }

  static constexpr std::size_t kRoom = 64;

  Instant now{1'000'000};
  Counter tx_packets, tx_bytes, arp_requests, arp_replies, arp_limited, arp_conflicts;
  Counter nd_solicitations, nd_advertisements, nd_limited, nd_conflicts, nd_duplicates, icmp_sent;
  std::array<Counter, wire::kDropCount> dropped;
  link::LinkCommon common{{tx_packets, tx_bytes, arp_requests, arp_replies, arp_limited,
                           arp_conflicts, nd_solicitations, nd_advertisements, nd_limited,
                           nd_conflicts, nd_duplicates, icmp_sent, dropped}};
  link::Interface interface;
  Port port;
  std::ptrdiff_t buffers_at_start = port.buffers;
  std::vector<link::IcmpReport> reports;         ///< of ICMP errors
  std::vector<link::Icmp6Report> reports6;       ///< the same of ICMPv6
  Drop answer_to_report = Drop::none;            ///< what the connection says of them
  std::vector<wire::ParsedFrame> for_the_shard;  ///< TCP segments

 private:
  Drop handle(Port::Frame frame, const wire::ParsedFrame& parsed) {
    const auto bytes = link().bytes(frame);
    switch (parsed.kind) {
      case wire::FrameKind::arp: link().on_arp(bytes, parsed, now); return Drop::none;
      case wire::FrameKind::icmp:
        if (parsed.is_ipv6())
          return link().on_icmp6(bytes, parsed, now, [this](const link::Icmp6Report& report) {
            reports6.push_back(report);
            return answer_to_report;
          });
        return link().on_icmp(bytes, parsed, now, [this](const link::IcmpReport& report) {
          reports.push_back(report);
          return answer_to_report;
        });
      case wire::FrameKind::udp:
        if (parsed.is_ipv6()) {
          link().answer_problem6(bytes, parsed, now);
          return Drop::udp_closed;
        }
        link().answer_unreachable(bytes, parsed, wire::unreachable_code::port, now);
        return Drop::udp_closed;
      case wire::FrameKind::other_protocol:
        link().answer_unreachable(bytes, parsed, wire::unreachable_code::protocol, now);
        return Drop::protocol_unknown;
      case wire::FrameKind::tcp: for_the_shard.push_back(parsed); return Drop::none;
      case wire::FrameKind::problem: link().answer_problem6(bytes, parsed, now); return parsed.drop;
      case wire::FrameKind::drop: return parsed.drop;
      case wire::FrameKind::fragment: break;
    }
    return Drop::fragment_malformed;
  }

  std::optional<link::Link<Port>> link_;
};

}  // namespace mayfly::testing
