// Packets that a balancer sends inside packets of its own (RFC 2003, 2473), as IPVS-TUN and Katran
// do: what is inside is handled as if it had come directly, and what balancers would not send is
// dropped.
#include <gtest/gtest.h>

#include <cstring>

#include "base/endian.h"
#include "support/wire.h"
#include "wire/checksum.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

constexpr Ipv4Address kBalancer{0xc612'1401};  // 198.18.20.1
constexpr Ipv4Address kElsewhere{0xc612'1501};
constexpr std::size_t kIpAt = wire::kEthernetHeaderSize;
constexpr std::size_t kInnerAt = kIpAt + wire::kIpv4HeaderSizeMin;

class Decapsulate : public ::testing::Test {
 protected:
  static Given behind_a_balancer() {
    Given given;
    given.config.cluster.decapsulate_from = Prefix::of({0xc612'1400}, 24);
    return given;
  }
  static void set_checksum(std::byte* ip) {
    store_be16(ip + wire::ipv4_at::checksum, 0);
    store_be16(ip + wire::ipv4_at::checksum,
               wire::checksum_finish(wire::checksum_add({ip, wire::kIpv4HeaderSizeMin})));
  }
  /// The packet of a frame, in one from the balancer.
  Bytes wrapped(const Bytes& frame, Ipv4Address from = kBalancer) const {
    Bytes outer = wire_.link_header(wire::ethertype::ipv4);
    outer.resize(kInnerAt);
    outer.insert(outer.end(), frame.begin() + kIpAt, frame.end());
    std::byte* ip = &outer[kIpAt];
    ip[0] = std::byte{0x45};
    store_be16(ip + wire::ipv4_at::total_length, static_cast<std::uint16_t>(outer.size() - kIpAt));
    ip[wire::ipv4_at::ttl] = std::byte{64};
    ip[wire::ipv4_at::protocol] = std::byte{wire::ip_protocol::ip_in_ip};
    store_be32(ip + wire::ipv4_at::source, from.host);
    store_be32(ip + wire::ipv4_at::destination, kServerIp.host);
    set_checksum(ip);
    return outer;
  }
  void arrives(const Bytes& frame) {
    wire_.put(frame);
    wire_.poll();
  }
  /// Nothing is answered, and nothing is open.
  void expect_dropped(Drop why, std::uint64_t count = 1) {
    EXPECT_EQ(wire_.drops(why), count);
    EXPECT_EQ(wire_.shard->open_connections(), 0u);
    EXPECT_EQ(wire_.stats().rst_sent.get(), 0u);
  }

  Wire wire_{behind_a_balancer()};
  Peer peer_{wire_};
};

TEST_F(Decapsulate, WhatIsInsideIsHandledAsIfItHadComeDirectly) {
  arrives(wrapped(peer_.frame(syn())));
  peer_.gets(syn_ack());
  EXPECT_EQ(wire_.stats().cluster_decapsulated.get(), 1u);
  EXPECT_EQ(wire_.shard->open_connections(), 1u);
  peer_.ignores();
  const Bytes stray = Peer(wire_, 40'001).frame(text("who"));
  arrives(wrapped(stray));
  EXPECT_EQ(wire_.stats().rst_sent.get(), 1u) << "an unknown flow is reset";
}

TEST_F(Decapsulate, AnEchoInsideIsAnswered) {
  arrives(wrapped(wire_.icmp_frame(8, 0, 7, {})));
  EXPECT_EQ(wire_.stats().icmp_sent.get(), 1u);
}

TEST_F(Decapsulate, FromOthersIsAnUnknownProtocol) {
  arrives(wrapped(peer_.frame(syn()), kElsewhere));
  EXPECT_EQ(wire_.stats().cluster_decapsulated.get(), 0u);
  expect_dropped(Drop::protocol_unknown);
}

TEST_F(Decapsulate, NotConfiguredIsAnUnknownProtocol) {
  Wire plain;
  Peer peer(plain);
  plain.put(wrapped(peer.frame(syn())));
  plain.poll();
  EXPECT_EQ(plain.drops(Drop::protocol_unknown), 1u);
}

TEST_F(Decapsulate, APacketInAPacketInAPacketIsDropped) {
  arrives(wrapped(wrapped(peer_.frame(syn()))));
  expect_dropped(Drop::cluster_inner_invalid);
}

TEST_F(Decapsulate, AFragmentInsideIsDropped) {
  Bytes frame = peer_.frame(syn());
  frame[kIpAt + wire::ipv4_at::fragment] = std::byte{0x20};  // there are more
  set_checksum(&frame[kIpAt]);
  arrives(wrapped(frame));
  expect_dropped(Drop::cluster_inner_invalid);
}

TEST_F(Decapsulate, WhatIsForOthersIsDropped) {
  Bytes frame = peer_.frame(syn());  // all checksums stay right
  store_be32(&frame[kIpAt + wire::ipv4_at::destination], 0xc613'0000);
  arrives(wrapped(frame));
  expect_dropped(Drop::not_our_ip);
}

TEST_F(Decapsulate, NoneOfThosePacketsThatAreTooShortIsTaken) {
  const Bytes whole = peer_.frame(syn());
  for (std::size_t cut = kIpAt; cut < whole.size(); ++cut)
    arrives(wrapped(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut))));
  EXPECT_EQ(wire_.stats().cluster_decapsulated.get(), 0u);
  EXPECT_EQ(wire_.shard->open_connections(), 0u);
  EXPECT_EQ(wire_.stats().rst_sent.get(), 0u);
}

TEST_F(Decapsulate, AnIpv6PacketInsideIsDropped) {
  Bytes frame = peer_.frame(syn());
  frame[14] = std::byte{0x60};
  arrives(wrapped(frame));
  EXPECT_EQ(wire_.stats().cluster_decapsulated.get(), 0u);
  EXPECT_EQ(wire_.shard->open_connections(), 0u);
}

constexpr Ipv6Address kBalancers6 = Ipv6Address::of({0x100});
constexpr Ipv6Address kServer6 = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});

/// The IPv4 packet of a frame, in an IPv6 one (RFC 2473) to kServer6.
Bytes wrapped6(const Wire& to, const Bytes& frame, const Ipv6Address& from) {
  Bytes outer = to.link_header(wire::ethertype::ipv6);
  outer.resize(kIpAt + wire::kIpv6HeaderSize);
  std::byte* ip = &outer[kIpAt];
  ip[0] = std::byte{0x60};
  store_be16(ip + wire::ipv6_at::payload_length, static_cast<std::uint16_t>(frame.size() - kIpAt));
  ip[wire::ipv6_at::next_header] = std::byte{wire::ip_protocol::ip_in_ip};
  ip[wire::ipv6_at::hop_limit] = std::byte{64};
  std::memcpy(ip + wire::ipv6_at::source, from.octets.data(), sizeof from.octets);
  std::memcpy(ip + wire::ipv6_at::destination, kServer6.octets.data(), sizeof kServer6.octets);
  outer.insert(outer.end(), frame.begin() + kIpAt, frame.end());
  return outer;
}

TEST(DecapsulateIpv6, IsTakenFromBalancersOnly) {
  Given given;
  link::Interface& interface = given.config.interfaces[0];
  interface.addresses6 = {{kServer6, kServer6, 64}};
  interface.detects_duplicates = false;
  given.config.cluster.decapsulate_from = Prefix{kBalancers6, 64};
  Wire wire(given);
  Peer peer(wire);
  wire.put(wrapped6(wire, peer.frame(syn()), Ipv6Address::of({0x101})));
  wire.poll();
  EXPECT_EQ(wire.stats().cluster_decapsulated.get(), 0u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  wire.put(wrapped6(wire, peer.frame(syn()), kBalancers6.with_low(7)));
  wire.poll();
  peer.gets(syn_ack());
  EXPECT_EQ(wire.stats().cluster_decapsulated.get(), 1u);
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

}  // namespace
}  // namespace mayfly::testing
