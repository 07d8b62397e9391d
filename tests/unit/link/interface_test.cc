// What a link's addresses say about a peer.
#include "link/interface.h"

#include <gtest/gtest.h>

#include <optional>

namespace mayfly::testing {
namespace {

using link::Interface;

Interface link() {
  Interface interface;
  interface.addresses = {{{0xc612'0001}, {0xc612'0001}, 15},   // 198.18.0.1/15
                         {{0x0a00'0010}, {0x0a00'001f}, 24}};  // 10.0.0.16-31/24
  return interface;
}

TEST(InterfaceTest, KnowsItsAddressesAndRanges) {
  const Interface i = link();
  EXPECT_TRUE(i.is_local(Ipv4Address{0xc612'0001}));
  EXPECT_FALSE(i.is_local(Ipv4Address{0xc612'0002}));
  EXPECT_TRUE(i.is_local(Ipv4Address{0x0a00'0010}));
  EXPECT_TRUE(i.is_local(Ipv4Address{0x0a00'001f}));
  EXPECT_FALSE(i.is_local(Ipv4Address{0x0a00'000f}));
  EXPECT_FALSE(i.is_local(Ipv4Address{0x0a00'0020}));
}

TEST(InterfaceTest, KnowsWhoIsOnTheLink) {
  const Interface i = link();
  EXPECT_EQ(i.on_link({0xc613'fffe}), &i.addresses[0]);  // 198.19.255.254
  EXPECT_EQ(i.on_link({0x0a00'00fe}), &i.addresses[1]);
  EXPECT_EQ(i.on_link({0xc614'0000}), nullptr);
  EXPECT_EQ(i.on_link({0x0a00'0100}), nullptr);
}

TEST(InterfaceTest, KnowsBroadcastAndMulticastAddresses) {
  const Interface i = link();
  for (const std::uint32_t ip : {0xffff'ffffu, 0xe000'0001u, 0xef00'0001u, 0xc613'ffffu,
                                 0xc612'0000u, 0x0a00'00ffu, 0x0a00'0000u})
    EXPECT_TRUE(i.is_broadcast({ip})) << std::hex << ip;
  for (const std::uint32_t ip : {0xc612'ffffu, 0xc613'0000u, 0x0a00'01ffu, 0xdfff'ffffu})
    EXPECT_FALSE(i.is_broadcast({ip})) << std::hex << ip;
}

TEST(InterfaceTest, HasNoBroadcastOnAPointToPointLink) {  // RFC 3021
  Interface i;
  i.addresses = {{{0x0a00'0000}, {0x0a00'0000}, 31}};
  EXPECT_FALSE(i.is_broadcast({0x0a00'0000}));
  EXPECT_FALSE(i.is_broadcast({0x0a00'0001}));
}

TEST(InterfaceTest, SendsToTheHostOnTheLinkAndElseToTheGateway) {
  Interface i = link();
  constexpr Ipv4Address kHost{0xc612'0101}, kFar{0x0808'0808}, kGateway{0xc612'00fe};
  Ipv4Address hop;
  EXPECT_TRUE(i.next_hop(kHost, hop));
  EXPECT_EQ(hop, kHost);
  EXPECT_FALSE(i.next_hop(kFar, hop));
  i.gateway = kGateway;
  EXPECT_TRUE(i.next_hop(kFar, hop));
  EXPECT_EQ(hop, kGateway);
  EXPECT_TRUE(i.next_hop(kHost, hop));
  EXPECT_EQ(hop, kHost);
}

TEST(InterfaceTest, MasksAnyPrefix) {
  EXPECT_EQ(Interface::mask(0), 0u);
  EXPECT_EQ(Interface::mask(15), 0xfffe'0000u);
  EXPECT_EQ(Interface::mask(32), 0xffff'ffffu);
}

}  // namespace
}  // namespace mayfly::testing
