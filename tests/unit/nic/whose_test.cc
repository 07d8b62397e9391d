#include "nic/whose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "unit/nic/frames.h"
#include "wire/ethernet.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

using nic::Whose;
using nic::whose_is;

constexpr MacAddress kMac{{2, 2, 2, 2, 2, 2}};  // as of ethernet()
constexpr std::uint32_t kOurs = 0xc612'0001, kKernels = 0xc612'0002, kPeers = 0xc612'0101;
constexpr Ipv6Address kOurs6 = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
constexpr Ipv6Address kKernels6 = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 2});
constexpr std::uint8_t kIcmp6 = 58, kEchoRequest = 128, kSolicitation = 135, kAdvertisement = 136;

Bytes to_ipv4(std::uint32_t destination, std::uint8_t protocol = kProtocolTcp) {
  Bytes packet = ipv4(protocol, Bytes(20));
  store_be32(&packet[16], destination);
  return ethernet(wire::ethertype::ipv4, packet);
}

Bytes arp(std::uint16_t operation, std::uint32_t sender, std::uint32_t target) {
  Bytes packet(46);
  store_be16(&packet[6], operation);
  store_be32(&packet[14], sender);
  store_be32(&packet[24], target);
  return ethernet(wire::ethertype::arp, packet);
}

Bytes to_ipv6(const Ipv6Address& destination, std::uint8_t next, std::uint8_t type = 0,
              const Ipv6Address& target = {}) {
  Bytes packet(64);
  packet[0] = std::byte{0x60};
  packet[6] = std::byte{next};
  std::memcpy(&packet[24], destination.octets.data(), 16);
  packet[40] = std::byte{type};
  std::memcpy(&packet[48], target.octets.data(), 16);
  return ethernet(wire::ethertype::ipv6, packet);
}

Bytes tagged(std::uint16_t vlan, Bytes frame) {
  const std::array<std::byte, 4> tag{std::byte{0x81}, std::byte{0},
                                     static_cast<std::byte>(vlan >> 8),
                                     static_cast<std::byte>(vlan & 0xff)};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  return frame;
}

Bytes sent_to(const MacAddress& mac, Bytes frame) {
  std::memcpy(frame.data(), mac.octets.data(), 6);
  return frame;
}

class WhoseFrame : public ::testing::Test {
 protected:
  WhoseFrame() {
    place.mac = kMac;
    place.addresses = {{Ipv4Address{kOurs}, Ipv4Address{kOurs}, 15}};
  }
  Whose whose(const Bytes& frame) const { return whose_is(frame, place); }
  void speak_ipv6() { place.addresses6 = {{kOurs6, kOurs6, 64}}; }

  link::Interface place;
};

TEST_F(WhoseFrame, OurAddressIsOursWhateverIsSentToIt) {
  for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp, kProtocolIcmp})
    EXPECT_EQ(whose(to_ipv4(kOurs, protocol)), Whose::ours);
}

TEST_F(WhoseFrame, AnyOtherAddressIsTheKernels) {
  EXPECT_EQ(whose(to_ipv4(kKernels)), Whose::kernel);
  EXPECT_EQ(whose(sent_to(wire::kBroadcastMac, to_ipv4(0xffff'ffff, kProtocolUdp))), Whose::kernel);
  const MacAddress ospf{{1, 0, 0x5e, 0, 0, 5}};
  EXPECT_EQ(whose(sent_to(ospf, to_ipv4(0xe000'0005, 89))), Whose::kernel);
}

TEST_F(WhoseFrame, AnAddressOfWhichNobodyIsToldIsOurs) {
  place.addresses.push_back({Ipv4Address{kKernels}, Ipv4Address{kKernels}, 32, false});
  EXPECT_EQ(whose(to_ipv4(kKernels)), Whose::ours);
}

TEST_F(WhoseFrame, AQuestionGoesToWhoeverHasTheAddress) {
  EXPECT_EQ(whose(arp(1, kPeers, kOurs)), Whose::ours);
  EXPECT_EQ(whose(arp(1, kPeers, kKernels)), Whose::kernel);
}

TEST_F(WhoseFrame, AnswersAndAnnouncementsAreForBoth) {
  EXPECT_EQ(whose(arp(2, kPeers, kKernels)), Whose::both);
  EXPECT_EQ(whose(arp(2, kPeers, kOurs)), Whose::both);
  EXPECT_EQ(whose(arp(1, kPeers, kPeers)), Whose::both);
}

TEST_F(WhoseFrame, OtherEtherTypesAndOtherVlansAreTheKernels) {
  constexpr std::uint16_t kLldp = 0x88cc;
  EXPECT_EQ(whose(ethernet(kLldp, Bytes(46))), Whose::kernel);
  EXPECT_EQ(whose(tagged(7, to_ipv4(kOurs))), Whose::kernel);
  EXPECT_EQ(whose(tagged(0, to_ipv4(kOurs))), Whose::ours);  // a priority tag
  place.vlan = 7;
  EXPECT_EQ(whose(tagged(7, to_ipv4(kOurs))), Whose::ours);
  EXPECT_EQ(whose(to_ipv4(kOurs)), Whose::kernel);
}

TEST_F(WhoseFrame, WhatIsForAnotherStationDoesNotBotherTheKernel) {
  EXPECT_EQ(whose(sent_to({{2, 0, 0, 0, 0, 9}}, to_ipv4(kKernels))), Whose::ours);
}

TEST_F(WhoseFrame, WithoutAnAddressOfOursIpv6IsTheKernels) {
  EXPECT_EQ(whose(to_ipv6(kOurs6, kIcmp6, kEchoRequest)), Whose::kernel);
  speak_ipv6();
  EXPECT_EQ(whose(to_ipv6(kOurs6, kIcmp6, kEchoRequest)), Whose::ours);
  EXPECT_EQ(whose(to_ipv6(place.link_local(), kProtocolTcp)), Whose::ours);
  EXPECT_EQ(whose(to_ipv6(kKernels6, kProtocolTcp)), Whose::kernel);
}

TEST_F(WhoseFrame, NeighbourDiscoveryGoesToWhoeverIsAskedFor) {
  speak_ipv6();
  const auto solicit = [](const Ipv6Address& target) {
    return sent_to({{0x33, 0x33, 0xff, 0, 0, 1}},
                   to_ipv6(wire::solicited_node(target), kIcmp6, kSolicitation, target));
  };
  EXPECT_EQ(whose(solicit(kOurs6)), Whose::ours);
  EXPECT_EQ(whose(solicit(kKernels6)), Whose::kernel);
  EXPECT_EQ(whose(to_ipv6(kOurs6, kIcmp6, kAdvertisement, kKernels6)), Whose::both);
  EXPECT_EQ(whose(to_ipv6(kKernels6, kIcmp6, kAdvertisement, kOurs6)), Whose::kernel);
}

TEST_F(WhoseFrame, GroupsOfIpv6AreForBothIfTheyCarryIcmp) {
  speak_ipv6();
  const auto to_all = [](std::uint8_t next, std::uint8_t type) {
    return sent_to({{0x33, 0x33, 0, 0, 0, 1}}, to_ipv6(wire::kAllNodes, next, type));
  };
  constexpr std::uint8_t kRouterAdvertisement = 134, kHopByHop = 0;
  EXPECT_EQ(whose(to_all(kIcmp6, kRouterAdvertisement)), Whose::both);
  EXPECT_EQ(whose(to_all(kHopByHop, 0)), Whose::both);  // MLD
  EXPECT_EQ(whose(to_all(kProtocolUdp, 0)), Whose::kernel);
}

TEST_F(WhoseFrame, NothingIsReadOutsideAFrame) {
  speak_ipv6();
  for (const Bytes& whole : {to_ipv4(kOurs), tagged(0, to_ipv4(kOurs)), arp(1, kPeers, kOurs),
                             to_ipv6(kOurs6, kIcmp6, kAdvertisement)}) {
    for (std::size_t size = 0; size < 14; ++size)
      EXPECT_EQ(whose_is(std::span(whole).first(size), place), Whose::ours);
    for (std::size_t size = 14; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_NE(whose(cut), Whose::kernel) << size;
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
