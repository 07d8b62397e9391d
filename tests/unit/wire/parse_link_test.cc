// Ethernet, 802.1Q and ARP.
#include <gtest/gtest.h>

#include "unit/wire/frames.h"
#include "wire/emit.h"

namespace mayfly::testing {
namespace {

using wire::FrameKind;

constexpr wire::ParseRules kVlan12{kOurMac, 12};
constexpr MacAddress kGroupMac{{1, 0, 0x5e, 0, 0, 1}};

TEST(ParseEthernet, DropsAFrameShorterThanItsHeader) {
  EXPECT_EQ(drop_of({}), Drop::frame_short);
  EXPECT_EQ(drop_of(Frame(13)), Drop::frame_short);
}

TEST(ParseEthernet, DropsUnicastToAnotherStation) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.mac = kPeerMac})), Drop::not_our_mac);
  MacAddress almost = kOurMac;
  almost.octets[5] ^= 1;
  EXPECT_EQ(drop_of(tcp_frame({}, {.mac = almost})), Drop::not_our_mac);
}

TEST(ParseEthernet, TakesGroupAddressesAndSaysSo) {
  const Ipv4Frame datagram{.mac = kGroupMac, .protocol = 17};
  EXPECT_EQ(parse(datagram.build()).kind, FrameKind::udp);
  EXPECT_TRUE(parse(datagram.build()).link_group);
  EXPECT_TRUE(parse(arp_frame()).link_group);
  EXPECT_FALSE(parse(tcp_frame({})).link_group);
}

TEST(ParseEthernet, DropsAnUnknownEtherType) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.ethertype = 0x86dd})), Drop::ethertype_unknown);
  EXPECT_EQ(drop_of(tcp_frame({}, {.ethertype = 100})),
            Drop::ethertype_unknown);  // an 802.3 length
}

TEST(ParseVlan, TakesTheConfiguredTagWhateverItsPriority) {
  const wire::ParsedFrame parsed = parse(tcp_frame({}, {.vlan_tag = 0xf00c}), kVlan12);
  EXPECT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_EQ(parsed.l3_off, 18);
}

TEST(ParseVlan, DropsAnotherTagOrNone) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.vlan_tag = 13}), kVlan12), Drop::vlan_other);
  EXPECT_EQ(drop_of(tcp_frame({}), kVlan12), Drop::vlan_other);
  EXPECT_EQ(drop_of(tcp_frame({}, {.vlan_tag = 0}), kVlan12), Drop::vlan_other);
}

TEST(ParseVlan, DropsATagWhereNoneIsConfigured) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.vlan_tag = 12})), Drop::vlan_other);
}

TEST(ParseVlan, TakesAPriorityTagForUntagged) {
  EXPECT_EQ(parse(tcp_frame({}, {.vlan_tag = 0xe000})).kind, FrameKind::tcp);
}

TEST(ParseVlan, DropsAFrameThatEndsInTheTag) {
  Frame frame = tcp_frame({}, {.vlan_tag = 12});
  frame.resize(17);
  EXPECT_EQ(drop_of(frame, kVlan12), Drop::frame_short);
}

TEST(ParseVlan, DropsASecondTag) {
  EXPECT_EQ(drop_of(tcp_frame({}, {.vlan_tag = 12, .ethertype = 0x8100}), kVlan12),
            Drop::ethertype_unknown);
}

TEST(ParseArp, ReadsARequest) {
  const wire::ParsedFrame parsed = parse(arp_frame());
  ASSERT_EQ(parsed.kind, FrameKind::arp);
  const wire::ArpPacket arp = wire::read_arp(arp_frame(), parsed.l3_off);
  EXPECT_EQ(arp.operation, wire::ArpPacket::Operation::request);
  EXPECT_EQ(arp.sender_mac, kPeerMac);
  EXPECT_EQ(arp.sender_ip, kPeerIp);
  EXPECT_EQ(arp.target_mac, MacAddress{});
  EXPECT_EQ(arp.target_ip, kOurIp);
}

TEST(ParseArp, TakesARepliesPaddingForWhatItIs) {
  Frame frame = arp_frame() + Frame(18);
  put16(frame, 20, 2);
  EXPECT_EQ(parse(frame).kind, FrameKind::arp);
}

TEST(ParseArp, DropsWrongTypesLengthsAndAddresses) {
  struct Wrong {
    std::size_t at;
    std::uint32_t value;
    const char* what;
  };
  for (const auto& [at, value, what] : {
           Wrong{14, 6, "hardware type"},
           Wrong{16, 0x86dd, "protocol type"},
           Wrong{18, 0x0804, "hardware address length"},
           Wrong{18, 0x0610, "protocol address length"},
           Wrong{20, 0, "operation 0"},
           Wrong{20, 3, "operation 3"},
           Wrong{22, 0xffff, "group address as the sender"},
       }) {
    Frame frame = arp_frame();
    put16(frame, at, value);
    EXPECT_EQ(drop_of(frame), Drop::arp_malformed) << what;
  }
}

TEST(ParseArp, DropsAShortPacket) {
  Frame frame = arp_frame();
  frame.pop_back();
  EXPECT_EQ(drop_of(frame), Drop::arp_malformed);
}

}  // namespace
}  // namespace mayfly::testing
