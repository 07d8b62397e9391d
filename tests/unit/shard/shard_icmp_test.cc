// ICMP (RFC 792, RFC 1122 3.2.2): echo, unreachable, and errors about our connections (RFC 5927,
// RFC 1191); and the fragments of any datagram.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "base/prng.h"
#include "support/wire.h"
#include "wire/checksum.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

constexpr std::uint8_t kEcho = 8, kEchoReply = 0, kUnreachable = 3, kTimeExceeded = 11,
                       kTimestamp = 13;
constexpr std::uint8_t kHostCode = 1, kProtocolCode = 2, kPortCode = 3, kTooBigCode = 4;
constexpr std::size_t kIpAt = wire::kEthernetHeaderSize, kIcmpAt = kIpAt + wire::kIpv4HeaderSizeMin;

Bytes noise(std::size_t length) {
  Bytes bytes(length);
  Prng(length).fill(bytes);
  return bytes;
}
Bytes from(const Bytes& frame, std::size_t at) {
  return {frame.begin() + static_cast<std::ptrdiff_t>(at), frame.end()};
}
std::uint8_t at(const Bytes& frame, std::size_t where) { return wire::load_u8(&frame[where]); }

/// An IPv4 datagram from the peer, of a protocol that is not TCP.
Bytes datagram(Wire& wire, std::uint8_t protocol, const Bytes& payload,
               Ipv4Address source = kPeerIp, Ipv4Address to = kServerIp,
               MacAddress mac = kServerMac) {
  Bytes frame = wire.link_header(wire::ethertype::ipv4, mac);
  const std::size_t ip = frame.size();
  frame.resize(ip + 20);
  std::byte* header = &frame[ip];
  store_be16(header, 0x4500);
  store_be16(header + 2, static_cast<std::uint16_t>(20 + payload.size()));
  store_be16(header + 4, 7);
  store_be16(header + 8, static_cast<std::uint16_t>(64 << 8 | protocol));
  store_be32(header + 12, source.host);
  store_be32(header + 16, to.host);
  store_be16(header + 10, wire::checksum_finish(wire::checksum_add({header, 20})));
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}
Bytes udp(Wire& wire, Ipv4Address source = kPeerIp, Ipv4Address to = kServerIp,
          MacAddress mac = kServerMac) {
  Bytes payload = noise(20);
  store_be16(&payload[4], 20);  // length
  store_be16(&payload[6], 0);   // no checksum
  return datagram(wire, wire::ip_protocol::udp, payload, source, to, mac);
}

class EchoOfSize : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EchoOfSize, ComesBackWhole) {  // RFC 1122 3.2.2.6
  Wire wire;
  const Bytes data = noise(GetParam());
  wire.put(wire.icmp_frame(kEcho, 0, 0x1234'5678, data));
  wire.poll();
  ASSERT_EQ(wire.icmps.size(), 1u);
  const Bytes& frame = wire.icmps[0];
  EXPECT_EQ(at(frame, kIcmpAt), kEchoReply);
  EXPECT_EQ(load_be32(&frame[kIcmpAt + 4]), 0x1234'5678u);
  EXPECT_EQ(from(frame, kIcmpAt + 8), data);
  EXPECT_EQ(load_be32(&frame[kIpAt + 12]), kServerIp.host);
  EXPECT_EQ(load_be32(&frame[kIpAt + 16]), kPeerIp.host);
}
INSTANTIATE_TEST_SUITE_P(Icmp, EchoOfSize, ::testing::Values(0, 1, 7, 8, 56, 57, 1'471, 1'472));

TEST(ShardIcmp, CutsAnEchoThatDoesNotFitTheLink) {
  Given given;
  given.config.interfaces[0].mtu = 600;
  Wire wire(given);
  const Bytes data = noise(1'000);
  wire.put(wire.icmp_frame(kEcho, 0, 1, data));
  wire.poll();
  ASSERT_EQ(wire.icmps.size(), 1u);
  EXPECT_EQ(wire.icmps[0].size(), kIpAt + 600);
  EXPECT_EQ(from(wire.icmps[0], kIcmpAt + 8), Bytes(data.begin(), data.begin() + 572));
}

/// A second address of the shard's own.
constexpr Ipv4Address kOurOtherIp{kServerIp.host + 1};
Given two_addresses() {
  Given given;
  given.config.interfaces[0].addresses = {{kServerIp, kOurOtherIp, 15}};
  return given;
}

TEST(ShardIcmp, DoesNotEchoForOthersNorToABroadcastNorToItself) {
  Wire wire(two_addresses());
  wire.put(wire.icmp_frame(kEcho, 0, 1, {}, kPeerIp, {0xc612'0003}));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::not_our_ip), 1u);
  wire.put(wire.icmp_frame(kEcho, 0, 1, {}, {0xc613'ffff}, kServerIp));
  Bytes to_all = wire.icmp_frame(kEcho, 0, 1, {});
  std::fill_n(to_all.begin(), 6, std::byte{0xff});
  wire.put(to_all);
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::icmp_ignored), 2u);
  wire.put(wire.icmp_frame(kEcho, 0, 1, {}, kOurOtherIp, kServerIp));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::ip_source_invalid), 1u);
  EXPECT_TRUE(wire.icmps.empty());
}

TEST(ShardIcmp, IgnoresWhatAHostNeedNotAnswer) {
  Wire wire;
  for (const std::uint8_t type : {kEchoReply, std::uint8_t{4}, std::uint8_t{5}, kTimestamp})
    wire.put(wire.icmp_frame(type, 0, 0, noise(28)));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::icmp_ignored), 4u);
  EXPECT_TRUE(wire.icmps.empty());
}

TEST(ShardIcmp, DropsEchoesItHasNoBufferFor) {
  Wire wire;
  const auto buffers = std::exchange(wire.port.buffers, 1);  // for what arrives
  wire.put(wire.icmp_frame(kEcho, 0, 1, {}));
  wire.poll();
  wire.port.buffers += buffers - 1;
  EXPECT_EQ(wire.drops(Drop::no_buffer), 1u);
}

TEST(ShardIcmp, SaysPortUnreachableToUdp) {  // RFC 1122 4.1.3.1; 3.2.2: header and eight bytes
  Wire wire;
  const Bytes sent = udp(wire);
  wire.put(sent);
  wire.poll();
  ASSERT_EQ(wire.icmps.size(), 1u);
  const Bytes& frame = wire.icmps[0];
  EXPECT_EQ(at(frame, kIcmpAt), kUnreachable);
  EXPECT_EQ(at(frame, kIcmpAt + 1), kPortCode);
  EXPECT_EQ(from(frame, kIcmpAt + 8), Bytes(sent.begin() + kIpAt, sent.begin() + kIpAt + 28));
  EXPECT_EQ(wire.drops(Drop::udp_closed), 1u);
}

TEST(ShardIcmp, SaysProtocolUnreachableToOtherProtocols) {
  Wire wire;
  const Bytes sent = datagram(wire, 47, noise(3));
  wire.put(sent);
  wire.poll();
  ASSERT_EQ(wire.icmps.size(), 1u);
  EXPECT_EQ(at(wire.icmps[0], kIcmpAt + 1), kProtocolCode);
  EXPECT_EQ(from(wire.icmps[0], kIcmpAt + 8), from(sent, kIpAt)) << "there were only three bytes";
  EXPECT_EQ(wire.drops(Drop::protocol_unknown), 1u);
}

TEST(ShardIcmp, SaysNothingAboutBroadcastsNorToItself) {  // RFC 1122 3.2.2
  Wire wire(two_addresses());
  wire.put(udp(wire, kPeerIp, kServerIp, wire::kBroadcastMac));
  wire.put(udp(wire, kPeerIp, {0xc613'ffff}));
  wire.put(udp(wire, {0xc613'ffff}, kServerIp));
  wire.put(udp(wire, kOurOtherIp, kServerIp));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::udp_closed), 4u);
  EXPECT_TRUE(wire.icmps.empty());
}

TEST(ShardIcmp, SaysUnreachableNoMoreOftenThanTheRateAllows) {  // RFC 1812 4.3.2.8
  Wire wire;
  for (int i = 0; i < 60; ++i) {
    wire.put(udp(wire));
    wire.poll();
  }
  EXPECT_EQ(wire.icmps.size(), 50u);
  EXPECT_EQ(wire.drops(Drop::icmp_rate_limited), 10u);
}

// -- errors about our connections --

/// An error that quotes the start of a segment that we sent.
Bytes error_about(Wire& wire, std::uint8_t type, std::uint8_t code, const Bytes& sent,
                  std::uint32_t rest = 0) {
  return wire.icmp_frame(type, code, rest, {sent.begin() + kIpAt, sent.begin() + kIpAt + 28});
}

class ShardIcmpError : public ::testing::Test {
 protected:
  /// Our SYN, on its way.
  Bytes syn_sent() {
    wire.app.poll = [this](ScriptShard& shard) { connect(shard, server.shard_key(), {}); };
    wire.poll();
    return server.inbox.at(0).frame;
  }
  /// A segment with text, on its way.
  Bytes text_sent() {
    peer.opens();
    wire.app_does([](ScriptConn& c) { c.send(bytes_of("hello")); });
    return peer.inbox.at(0).frame;
  }
  Wire wire;
  Peer peer{wire};
  Peer server{wire, 8'080, kPeerIp, 1'024};
};

TEST_F(ShardIcmpError, EndsAHandshakeIfHard) {  // RFC 5927 5.2
  wire.put(error_about(wire, kUnreachable, kPortCode, syn_sent()));
  wire.poll();
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::unreachable});
}

TEST_F(ShardIcmpError, DoesNotEndAHandshakeIfSoft) {  // RFC 9293 MUST-56
  const Bytes sent = syn_sent();
  wire.put(error_about(wire, kUnreachable, kHostCode, sent));
  wire.put(error_about(wire, kTimeExceeded, 0, sent));
  wire.poll();
  EXPECT_TRUE(wire.app.closed.empty());
  server.ignores().sends(syn_ack()).gets(ack());
}

TEST_F(ShardIcmpError, EndsAPassiveHandshakeWithoutTheApp) {
  peer.sends(syn());
  wire.put(error_about(wire, kUnreachable, kPortCode, peer.inbox.at(0).frame));
  wire.poll();
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_TRUE(wire.app.closed.empty());
}

TEST_F(ShardIcmpError, NeverEndsAnEstablishedConnection) {  // RFC 5927 5.2
  wire.put(error_about(wire, kUnreachable, kPortCode, text_sent()));
  wire.put(error_about(wire, kUnreachable, kProtocolCode, peer.inbox.at(0).frame));
  wire.poll();
  EXPECT_TRUE(wire.app.closed.empty());
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

TEST_F(ShardIcmpError, OfASmallerMtuHoldsForItsConnectionAlone) {  // RFC 1191 6.2, 6.3
  peer.opens();
  const std::string text(2'000, 'x');
  const auto longest = [&](Peer& to) {
    std::size_t most = 0;
    to.ignores();
    wire.app_does([&](ScriptConn& c) { c.send_repeating(bytes_of(text), text.size()); });
    for (const Heard& heard : to.inbox) most = std::max(most, heard.text.size());
    return most;
  };
  EXPECT_EQ(longest(peer), 1'460u);
  wire.put(error_about(wire, kUnreachable, kTooBigCode, peer.inbox.at(0).frame, 600));
  wire.poll();
  peer.sends(ack());
  peer.sends(ack());
  wire.leap(Duration::from_s(1'200));  // there is no ageing
  peer.sends(ack());
  EXPECT_EQ(longest(peer), 560u);
  Peer other(wire, 40'002);
  other.opens();
  EXPECT_EQ(longest(other), 1'460u) << "nothing is kept for the host";
}

TEST_F(ShardIcmpError, AboutNothingInFlightIsNotBelieved) {  // RFC 5927 4.1
  Bytes sent = text_sent();
  peer.ignores().sends(ack());
  wire.put(error_about(wire, kUnreachable, kTooBigCode, sent, 600));
  store_be32(&sent[kIcmpAt + wire::tcp_at::seq], 77);
  wire.put(error_about(wire, kUnreachable, kTooBigCode, sent, 600));
  store_be16(&sent[kIcmpAt], 81);  // no such connection
  wire.put(error_about(wire, kUnreachable, kPortCode, sent));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::icmp_untrusted), 3u);
}

TEST_F(ShardIcmpError, AboutAConnectionInTimeWaitChangesNothing) {
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close(); });
  const Bytes sent = peer.inbox.at(0).frame;
  peer.sends(fin());
  wire.put(error_about(wire, kUnreachable, kPortCode, sent));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::icmp_ignored), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(ShardIcmpError, ThatQuotesNoTcpHeaderIsMalformed) {
  const Bytes sent = text_sent();
  wire.put(wire.icmp_frame(kUnreachable, kPortCode, 0,
                           {sent.begin() + kIpAt, sent.begin() + kIpAt + 27}));
  Bytes quoted(sent.begin() + kIpAt, sent.begin() + kIpAt + 28);
  quoted[0] = std::byte{0x65};
  wire.put(wire.icmp_frame(kUnreachable, kPortCode, 0, quoted));
  quoted[0] = std::byte{0x44};  // a header of 16 bytes
  wire.put(wire.icmp_frame(kUnreachable, kPortCode, 0, quoted));
  quoted[0] = std::byte{0x4f};  // a header that leaves no room for ports
  wire.put(wire.icmp_frame(kUnreachable, kPortCode, 0, quoted));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::icmp_malformed), 4u);
}

TEST_F(ShardIcmpError, AboutAnotherProtocolIsIgnored) {
  const Bytes sent = text_sent();
  Bytes quoted(sent.begin() + kIpAt, sent.begin() + kIpAt + 28);
  quoted[9] = std::byte{wire::ip_protocol::udp};
  wire.put(wire.icmp_frame(kUnreachable, kPortCode, 0, quoted));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::icmp_ignored), 1u);
}

TEST_F(ShardIcmpError, FragmentationNeededMakesSegmentsSmallerAndNothingIsLost) {  // RFC 1191
  static const std::string block(4'096, 'x');
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.send_repeating(bytes_of(block), 10'000); });
  ASSERT_EQ(peer.inbox.size(), 6u);
  EXPECT_EQ(peer.inbox[0].text.size(), 1'460u);
  const Bytes first = peer.inbox[0].frame;
  peer.misses();  // the router dropped them all
  wire.put(error_about(wire, kUnreachable, kTooBigCode, first, 600));
  wire.poll();
  std::size_t got = 0;
  for (int i = 0; i < 20 && got < 10'000; ++i) {
    for (const Heard& heard : peer.inbox) EXPECT_LE(heard.frame.size(), kIpAt + 600);
    got += peer.gets_text().size();
    peer.sends(ack());
  }
  EXPECT_EQ(got, 10'000u);
}

// -- fragments --

/// Cuts a frame's datagram into two, the first with `first` bytes of payload.
std::pair<Bytes, Bytes> cut(const Bytes& frame, std::size_t first) {
  const std::size_t split = kIcmpAt + first;
  Bytes head(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(split));
  Bytes tail(frame.begin(), frame.begin() + kIcmpAt);
  tail.insert(tail.end(), frame.begin() + static_cast<std::ptrdiff_t>(split), frame.end());
  store_be16(&head[kIpAt + 6], wire::ipv4_fragment::more_fragments);
  store_be16(&tail[kIpAt + 6], static_cast<std::uint16_t>(first / 8));
  for (Bytes* fragment : {&head, &tail}) {
    std::byte* ip = fragment->data() + kIpAt;
    store_be16(ip + 2, static_cast<std::uint16_t>(fragment->size() - kIpAt));
    store_be16(ip + 10, 0);
    store_be16(ip + 10, wire::checksum_finish(wire::checksum_add({ip, 20})));
  }
  return {head, tail};
}

TEST(ShardFragments, OfASegmentAreHandledAsOne) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  const auto [head, tail] =
      cut(peer.frame(text("a text in two parts, of which none is whole")), 32);
  wire.put(tail);
  wire.put(head);
  wire.poll();
  EXPECT_EQ(wire.app.heard, "a text in two parts, of which none is whole");
}

TEST(ShardFragments, OfASynOpenAConnection) {
  Wire wire;
  Peer peer(wire);
  const auto [head, tail] = cut(peer.frame(syn()), 8);
  wire.put(head);
  wire.poll();
  peer.gets_nothing();
  wire.put(tail);
  wire.put(peer.frame(syn()));  // a duplicate behind it in the same burst
  wire.poll();
  peer.gets(syn_ack()).gets_nothing();
  EXPECT_EQ(wire.stats().syn_received.get(), 1u);
}

TEST(ShardFragments, OfAnEchoAreAnsweredAsOne) {
  Wire wire;
  const Bytes data = noise(100);
  const auto [head, tail] = cut(wire.icmp_frame(kEcho, 0, 1, data), 48);
  wire.put(head);
  wire.put(tail);
  wire.poll();
  ASSERT_EQ(wire.icmps.size(), 1u);
  EXPECT_EQ(from(wire.icmps[0], kIcmpAt + 8), data);
}

TEST(ShardFragments, ThatOverlapAreDropped) {  // RFC 5722
  Wire wire;
  const Bytes whole = wire.icmp_frame(kEcho, 0, 1, noise(100));
  wire.put(cut(whole, 48).first);
  wire.put(cut(whole, 40).second);
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::fragment_overlap), 1u);
  EXPECT_TRUE(wire.icmps.empty());
}

TEST(ShardFragments, ForOthersAreDropped) {
  Wire wire;
  wire.put(cut(wire.icmp_frame(kEcho, 0, 1, noise(100), kPeerIp, {0xc612'0002}), 48).first);
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::not_our_ip), 1u);
}

}  // namespace
}  // namespace mayfly::testing
