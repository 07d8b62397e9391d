// A Link that has an IPv6 address, and what neighbours put on its wire.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/endian.h"
#include "link/link.h"
#include "link_fixture.h"
#include "unit/wire/ipv6_frames.h"
#include "wire/print.h"

namespace mayfly::testing {

inline constexpr Ipv6Address kGateway6 = Ipv6Address::of({0xfe80, 0, 0, 0, 0, 0, 0, 0xfe});
inline constexpr Ipv6Address kFarIp6 = Ipv6Address::of({0x2001, 0xdb8, 1, 0, 0, 0, 0, 1});
inline constexpr MacAddress kGatewayMac{{2, 0, 0, 0, 0, 0xfe}};

class LinkIpv6Test : public LinkTest {
 protected:
  LinkIpv6Test() { interface.addresses6 = {{kOurIp6, kOurIp6, 64}}; }

  bool send6(const Ipv6Address& to = kPeerIp6, std::uint16_t mss = 0) {
    Emission e;
    e.flags = wire::tcp_flag::ack;
    if (mss != 0) e.flags = wire::tcp_flag::syn, e.options = wire::tcp_option::mss, e.mss = mss;
    FlowKey6 key = FlowKey6::of(kOurIp6, 80, to, 40'000);
    key.flow_label = 7;
    return link().send_tcp6(key, e, now, [](std::span<std::byte>) { return std::uint64_t{0}; });
  }
  wire::Neighbour sent_neighbour() {
    frame_ = sent_one();
    const wire::ParsedFrame parsed = wire::overhear(frame_);
    wire::Neighbour n;
    EXPECT_EQ(parsed.kind, wire::FrameKind::icmp) << wire::print_frame(frame_);
    EXPECT_EQ(read_neighbour(frame_, parsed, n), Drop::none);
    return n;
  }
  void know_peer6() {
    arrives(solicitation());
    sent();
    arrives(advertisement());  // and it is confirmed
  }
  /// The ICMPv6 message that is sent now, without its link and IPv6 headers.
  Frame sent_icmp6() {
    frame_ = sent_one();
    EXPECT_EQ(wire::overhear(frame_).kind, wire::FrameKind::icmp) << wire::print_frame(frame_);
    return Frame(frame_.begin() + 54, frame_.end());
  }
  static Frame advertised(const Ipv6Address& ip, const MacAddress& mac,
                          std::uint32_t flags = 0x6000'0000) {
    Frame option = bytes({2, 1});
    for (const std::uint8_t octet : mac.octets) option.push_back(std::byte{octet});
    return advertisement(ip, flags, option);
  }

  /// Another host says that our address is its own.
  static Frame claim() {
    return icmp6_frame(136, 0, 0x2000'0000, octets_of(kOurIp6) + bytes({2, 1, 2, 0, 0, 0, 0, 9}),
                       {.mac = wire::group_mac(wire::kAllNodes),
                        .hop_limit = 255,
                        .source = kOurIp6,
                        .destination = wire::kAllNodes});
  }
  /// All that goes to the device now, but for ARP.
  std::vector<std::string> sent_lines() {
    std::vector<std::string> lines;
    for (const Frame& frame : sent())
      if (const std::string line = wire::print_frame(frame); !line.starts_with("ARP"))
        lines.push_back(line);
    return lines;
  }

  Frame frame_;
};

}  // namespace mayfly::testing
