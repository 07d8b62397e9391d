#include "nic/steer.h"

#include <gtest/gtest.h>

#include <array>

#include "base/endian.h"
#include "unit/nic/frames.h"
#include "unit/wire/ipv6_frames.h"
#include "wire/ethernet.h"

namespace mayfly::testing {
namespace {

using nic::Route;
using nic::route_of;

constexpr Ipv4Address kServer{0xc612'0001}, kClient{0xc612'0101};
constexpr SipKey kSecret{1, 2};

Bytes icmp(std::uint8_t type, std::span<const std::byte> quoted) {
  Bytes message(8);
  message[0] = std::byte{type};
  message.insert(message.end(), quoted.begin(), quoted.end());
  return ethernet(wire::ethertype::ipv4, ipv4(kProtocolIcmp, message));
}

TEST(Steer, TcpAndUdpGoByTheirFourTuple) {
  for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp}) {
    const Route route =
        route_of(ethernet(wire::ethertype::ipv4, ipv4(protocol, ports(40'000, 80))));
    EXPECT_EQ(route.kind, Route::Kind::flow);
    EXPECT_EQ(route.key, FlowKey4::of(kServer, 80, kClient, 40'000));
  }
}

TEST(Steer, ATagIsLookedThrough) {
  Bytes tagged = ipv4(kProtocolTcp, ports(40'000, 80));
  tagged.insert(tagged.begin(), {std::byte{0}, std::byte{12}, std::byte{8}, std::byte{0}});
  const Bytes frame = ethernet(wire::ethertype::vlan, tagged);
  EXPECT_EQ(route_of(frame).key, FlowKey4::of(kServer, 80, kClient, 40'000));
  EXPECT_TRUE(nic::is_whole_tcp(frame));
}

TEST(Steer, ArpGoesToAll) {
  EXPECT_EQ(route_of(ethernet(wire::ethertype::arp, Bytes(28))).kind, Route::Kind::all);
}

TEST(Steer, AnIcmpErrorGoesToTheFlowThatItQuotes) {
  Bytes sent_by_us = ipv4(kProtocolTcp, ports(80, 40'000));
  store_be32(&sent_by_us[12], kServer.host);
  store_be32(&sent_by_us[16], kClient.host);
  const Route route = route_of(icmp(3, sent_by_us));
  EXPECT_EQ(route.kind, Route::Kind::flow);
  EXPECT_EQ(route.key, FlowKey4::of(kServer, 80, kClient, 40'000));
}

TEST(Steer, AnEchoRequestGoesToTheFirst) {
  EXPECT_EQ(route_of(icmp(8, ipv4(kProtocolTcp, ports(80, 40'000)))).kind, Route::Kind::first);
}

TEST(Steer, FragmentsAreToBeReassembled) {
  const Bytes middle = ethernet(wire::ethertype::ipv4, ipv4(kProtocolTcp, Bytes(8), {.offset = 8}));
  EXPECT_EQ(route_of(middle).kind, Route::Kind::fragment);
  EXPECT_EQ(route_of(middle).l3_off, 14);
  EXPECT_FALSE(nic::is_whole_tcp(middle));
  const Bytes first =
      ethernet(wire::ethertype::ipv4, ipv4(kProtocolTcp, ports(1, 2), {.more = true}));
  EXPECT_EQ(route_of(first).kind, Route::Kind::fragment);
  EXPECT_FALSE(nic::is_whole_tcp(first));
}

/// An IPv6 packet with this next header and payload.
Bytes six_packet(std::uint8_t next, const Bytes& payload) {
  Bytes packet(40);
  packet[0] = std::byte{0x60};
  store_be16(&packet[4], static_cast<std::uint16_t>(payload.size()));
  packet[6] = std::byte{next};
  packet[8] = packet[24] = std::byte{0x20};
  packet[23] = std::byte{1}, packet[39] = std::byte{2};
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

// Servers of a cluster and balancers send what is for us inside other packets.
TEST(Steer, APacketInAPacketGoesByTheFlowInside) {
  constexpr std::uint8_t kFour = 4, kSix = 41;
  const Bytes four = ipv4(kProtocolTcp, ports(40'000, 80));
  const Bytes six = six_packet(kProtocolTcp, ports(40'000, 80));
  for (const bool is_outer_six : {false, true}) {
    const auto frame_of = [&](std::uint8_t protocol, const Bytes& inner) {
      return is_outer_six ? ethernet(wire::ethertype::ipv6, six_packet(protocol, inner))
                          : ethernet(wire::ethertype::ipv4, ipv4(protocol, inner));
    };
    const Route of_four = route_of(frame_of(kFour, four)), of_six = route_of(frame_of(kSix, six));
    EXPECT_EQ(of_four.kind, Route::Kind::flow);
    EXPECT_FALSE(of_four.is_ipv6);
    EXPECT_EQ(of_four.key, FlowKey4::of(kServer, 80, kClient, 40'000));
    EXPECT_EQ(of_six.kind, Route::Kind::flow);
    EXPECT_TRUE(of_six.is_ipv6);
    EXPECT_EQ(of_six.key6.local_port_host(), 80);
    const Route::Kind kFirst = Route::Kind::first;
    EXPECT_EQ(route_of(frame_of(kFour, ipv4(kFour, four))).kind, kFirst) << "one level alone";
    EXPECT_EQ(route_of(frame_of(kSix, six_packet(kSix, six))).kind, kFirst);
    EXPECT_EQ(route_of(frame_of(kFour, six)).kind, kFirst) << "not what the number says";
    EXPECT_EQ(route_of(frame_of(kFour, ipv4(kProtocolTcp, Bytes(8), {.offset = 8}))).kind, kFirst);
    EXPECT_EQ(route_of(frame_of(kSix, six_packet(44, Bytes(16)))).kind, kFirst)
        << "a fragment inside is put together by nobody";
    EXPECT_EQ(route_of(frame_of(kSix, six_packet(58, Bytes(24, std::byte{135})))).kind, kFirst)
        << "neighbour discovery does not come from elsewhere";
    for (std::size_t n = 0; n < 20; ++n)
      EXPECT_EQ(route_of(frame_of(kFour, Bytes(four.begin(), four.begin() + n))).kind, kFirst);
    for (std::size_t n = 0; n < 40; ++n)
      EXPECT_EQ(route_of(frame_of(kSix, Bytes(six.begin(), six.begin() + n))).kind, kFirst);
  }
}

TEST(Steer, WhateverIsCutShortIsLeftToTheFirst) {
  Bytes sent_by_us = ipv4(kProtocolTcp, ports(80, 40'000));
  for (const Bytes& frame :
       {tcp_frame(FlowKey4::of(kServer, 80, kClient, 1)), icmp(3, sent_by_us)}) {
    const std::size_t ports_end = frame.size() - 16;
    for (std::size_t n = 0; n < ports_end; ++n) {
      EXPECT_EQ(route_of(std::span(frame).first(n)).kind, Route::Kind::first) << n;
      nic::is_whole_tcp(std::span(frame).first(n));
    }
  }
}

TEST(Steer, BothDirectionsOfAFlowHaveOneOwner) {
  for (std::uint16_t port = 1; port < 1'000; ++port) {
    const auto here = nic::flow_shard(FlowKey4::of(kServer, 80, kClient, port), kSecret, 5);
    EXPECT_EQ(here, nic::flow_shard(FlowKey4::of(kClient, port, kServer, 80), kSecret, 5));
  }
}

TEST(Steer, FlowsAreSpreadEvenlyAndBySecret) {
  std::array<int, 3> flows{};
  int moved = 0;
  for (std::uint16_t port = 0; port < 30'000; ++port) {
    const FlowKey4 key = FlowKey4::of(kServer, 80, kClient, port);
    const std::uint32_t shard = nic::flow_shard(key, kSecret, 3);
    ASSERT_LT(shard, 3u);
    ++flows[shard];
    moved += shard != nic::flow_shard(key, SipKey{3, 4}, 3);
  }
  for (const int n : flows) EXPECT_NEAR(n, 10'000, 400);
  EXPECT_NEAR(moved, 20'000, 600);
}

// -- IPv6

constexpr FlowKey6 kSix = FlowKey6::of(kOurIp6, 80, kPeerIp6, 40'000);

TEST(Steer6, TcpGoesByItsFourTupleBehindAnyHeader) {
  const Frame plain = tcp6_frame({});
  EXPECT_EQ(route_of(plain).kind, Route::Kind::flow);
  EXPECT_TRUE(route_of(plain).is_ipv6);
  EXPECT_EQ(route_of(plain).key6, kSix);
  EXPECT_TRUE(nic::is_whole_tcp(plain));
  const Frame behind = tcp6_frame({}, {.next = 60, .chain = padding_header(6)});
  EXPECT_EQ(route_of(behind).key6, kSix);
  EXPECT_FALSE(nic::is_whole_tcp(behind));
  EXPECT_EQ(route_of(tcp6_frame({}, {.next = 44, .chain = fragment_header(6, 0, false)})).key6,
            kSix);
}

TEST(Steer6, NeighbourDiscoveryGoesToAllAndAnEchoToTheFirst) {
  EXPECT_EQ(route_of(solicitation()).kind, Route::Kind::all);
  EXPECT_EQ(route_of(advertisement()).kind, Route::Kind::all);
  EXPECT_EQ(route_of(icmp6_frame(128, 0, 0, {})).kind, Route::Kind::first);
}

TEST(Steer6, AnErrorGoesToTheFlowThatItQuotes) {
  const Frame sent = tcp6_frame({.source_port = 80, .destination_port = 40'000},
                                {.source = kOurIp6, .destination = kPeerIp6});
  const Frame error = icmp6_frame(2, 0, 1'280, Frame(sent.begin() + 14, sent.end()));
  EXPECT_EQ(route_of(error).kind, Route::Kind::flow);
  EXPECT_EQ(route_of(error).key6, kSix);
}

TEST(Steer6, FragmentsAreToBeReassembled) {
  const Frame first =
      Ipv6Frame{.next = 44, .chain = fragment_header(6, 0, true), .payload = Frame(24)}.build();
  EXPECT_EQ(route_of(first).kind, Route::Kind::fragment);
  EXPECT_TRUE(route_of(first).is_ipv6);
}

TEST(Steer6, WhateverIsCutShortIsLeftToTheFirst) {
  const Frame whole = tcp6_frame({}, {.next = 60, .chain = padding_header(6)});
  for (std::size_t n = 0; n < whole.size() - 16; ++n) {
    EXPECT_EQ(route_of(std::span(whole).first(n)).kind, Route::Kind::first) << n;
    nic::is_whole_tcp(std::span(whole).first(n));
  }
}

TEST(Steer6, BothDirectionsOfAFlowHaveOneOwnerAndFlowsAreSpread) {
  std::array<int, 3> flows{};
  for (std::uint32_t n = 0; n < 30'000; ++n) {
    const Ipv6Address peer = kPeerIp6.with_low(n);
    const auto here = nic::flow_shard(FlowKey6::of(kOurIp6, 80, peer, 7), kSecret, 3);
    ASSERT_EQ(here, nic::flow_shard(FlowKey6::of(peer, 7, kOurIp6, 80), kSecret, 3));
    ++flows[here];
  }
  for (const int n : flows) EXPECT_NEAR(n, 10'000, 400);
}

}  // namespace
}  // namespace mayfly::testing
