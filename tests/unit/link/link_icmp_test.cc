// ICMP (RFC 792, RFC 1122 3.2.2) and fragments on a link.
#include "base/endian.h"
#include "unit/link/link_fixture.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

using wire::kEthernetHeaderSize;

using Kind = tcp::IcmpError::Kind;
constexpr std::size_t kIcmpAt = kEthernetHeaderSize + wire::kIpv4HeaderSizeMin;

Frame tail(const Frame& frame, std::size_t at) {
  return {frame.begin() + static_cast<std::ptrdiff_t>(at), frame.end()};
}

class LinkIcmp : public LinkTest {
 protected:
  LinkIcmp() { know_peer(); }

  static Frame message(std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                       const Frame& body = {}, Ipv4Frame ip = {}) {
    Frame message(wire::kIcmpHeaderSize);
    message[wire::icmp_at::type] = std::byte{type};
    message[wire::icmp_at::code] = std::byte{code};
    put32(message, wire::icmp_at::rest, rest);
    message = message + body;
    put16(message, wire::icmp_at::checksum, plain_checksum(message));
    ip.protocol = wire::ip_protocol::icmp;
    ip.payload = message;
    return ip.build();
  }
  /// The start of a datagram of ours, as a router quotes it.
  static Frame quote(std::uint8_t protocol = wire::ip_protocol::tcp) {
    Ipv4Frame ip{.protocol = protocol, .source = kOurIp, .destination = kPeerIp};
    ip.payload =
        TcpSegment{.source_port = 80, .destination_port = 40'000, .seq = 0x1234'5678}.build(
            kOurIp, kPeerIp);
    return tail(ip.build(), kEthernetHeaderSize);
  }
  std::optional<tcp::IcmpError> error_of(std::uint8_t type, std::uint8_t code,
                                         std::uint32_t rest = 0) {
    reports.clear();
    EXPECT_EQ(arrives(message(type, code, rest, quote())), Drop::none);
    EXPECT_EQ(reports.size(), 1u);
    return reports.empty() ? std::nullopt : std::optional(reports[0].error);
  }
};

TEST_F(LinkIcmp, AnEchoComesBackWhole) {  // RFC 1122 3.2.2.6
  EXPECT_EQ(arrives(message(wire::icmp_type::echo, 0, 0x0102'0304, text("abcde"))), Drop::none);
  const Frame answer = sent_one();
  EXPECT_EQ(wire::load_u8(&answer[kIcmpAt]), wire::icmp_type::echo_reply);
  EXPECT_EQ(load_be32(&answer[kIcmpAt + wire::icmp_at::rest]), 0x0102'0304u);
  EXPECT_EQ(tail(answer, kIcmpAt + wire::kIcmpHeaderSize), text("abcde"));
  EXPECT_EQ(parse(answer, {kPeerMac}).kind, wire::FrameKind::icmp);
  EXPECT_EQ(icmp_sent.get(), 1u);
}

TEST_F(LinkIcmp, AnEchoIsCutToTheMtu) {
  link::Interface narrow_interface = interface;
  narrow_interface.mtu = 600;
  link::Link<Port> narrow(port, narrow_interface, common);
  const Frame frame = message(wire::icmp_type::echo, 0, 0, Frame(1'000));
  narrow.on_arp(request(kPeerIp), parse(request(kPeerIp)), now);
  narrow.on_icmp(frame, parse(frame), now, [](const link::IcmpReport&) { return Drop::none; });
  narrow.transmit(now);
  EXPECT_EQ(port.sent.at(1).size(), kEthernetHeaderSize + 600);
}

TEST_F(LinkIcmp, EchoesThatNeedNoAnswerGetNone) {
  EXPECT_EQ(arrives(message(wire::icmp_type::echo, 0, 0, {}, {.destination = kOtherIp})),
            Drop::not_our_ip);
  EXPECT_EQ(arrives(message(wire::icmp_type::echo, 0, 0, {}, {.source = {0xc613'ffff}})),
            Drop::icmp_ignored);
  EXPECT_EQ(arrives(message(wire::icmp_type::echo, 0, 0, {}, {.mac = wire::kBroadcastMac})),
            Drop::icmp_ignored);
  EXPECT_TRUE(sent().empty());
}

TEST_F(LinkIcmp, AMessageFromOneOfOurOwnAddressesIsDropped) {
  interface.addresses = {{kOurIp, kOtherIp, 15}};
  link::Link<Port> both(port, interface, common);
  const Frame frame = message(wire::icmp_type::echo, 0, 0, {}, {.source = kOtherIp});
  EXPECT_EQ(
      both.on_icmp(frame, parse(frame), now, [](const link::IcmpReport&) { return Drop::none; }),
      Drop::ip_source_invalid);
  EXPECT_EQ(both.staged(), 0u);
}

TEST_F(LinkIcmp, EchoesAreLimited) {
  for (int i = 0; i < 1'010; ++i) {
    EXPECT_EQ(arrives(message(wire::icmp_type::echo, 0, 0)), Drop::none);
    sent();
  }
  EXPECT_EQ(icmp_sent.get(), 1'000u);
  EXPECT_EQ(drops(Drop::icmp_rate_limited), 10u);
}

TEST_F(LinkIcmp, WithoutABufferThereIsNoAnswer) {
  port.buffers = 1;  // for what arrives
  EXPECT_EQ(arrives(message(wire::icmp_type::echo, 0, 0)), Drop::none);
  EXPECT_EQ(drops(Drop::no_buffer), 1u);
  EXPECT_EQ(icmp_sent.get(), 0u);
  port.buffers = buffers_at_start;
}

TEST_F(LinkIcmp, UdpIsAnsweredByPortUnreachable) {  // RFC 1122 3.2.2.1
  const Frame datagram = Ipv4Frame{.protocol = wire::ip_protocol::udp,
                                   .payload = hex("9c 40 00 35 00 0c 00 00") + text("data")}
                             .build();
  EXPECT_EQ(arrives(datagram), Drop::udp_closed);
  const Frame answer = sent_one();
  EXPECT_EQ(wire::load_u8(&answer[kIcmpAt]), wire::icmp_type::unreachable);
  EXPECT_EQ(wire::load_u8(&answer[kIcmpAt + 1]), wire::unreachable_code::port);
  const Frame quoted(datagram.begin() + kEthernetHeaderSize, datagram.begin() + kIcmpAt + 8);
  EXPECT_EQ(tail(answer, kIcmpAt + wire::kIcmpHeaderSize), quoted);
}

TEST_F(LinkIcmp, OtherProtocolsAreAnsweredByProtocolUnreachable) {
  EXPECT_EQ(arrives(Ipv4Frame{.protocol = 47, .payload = text("any")}.build()),
            Drop::protocol_unknown);
  EXPECT_EQ(wire::load_u8(&sent_one()[kIcmpAt + 1]), wire::unreachable_code::protocol);
}

TEST_F(LinkIcmp, NoErrorAnswersABroadcastOrAnotherHostsDatagram) {  // RFC 1122 3.2.2
  Ipv4Frame datagram{.protocol = 47};
  datagram.mac = wire::kBroadcastMac;
  arrives(datagram.build());
  datagram.mac = kOurMac;
  datagram.destination = kOtherIp;
  arrives(datagram.build());
  datagram.destination = kOurIp;
  datagram.source = {0xc613'ffff};
  arrives(datagram.build());
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(icmp_sent.get(), 0u);
}

TEST_F(LinkIcmp, ErrorsAreLimited) {  // RFC 1812 4.3.2.8
  for (int i = 0; i < 60; ++i) arrives(Ipv4Frame{.protocol = 47}.build());
  EXPECT_EQ(icmp_sent.get(), 50u);
  EXPECT_EQ(drops(Drop::icmp_rate_limited), 10u);
}

TEST_F(LinkIcmp, ALinkThatDoesNotAnswerStillReportsErrors) {
  interface.answers = false;
  link::Link<Port> silent(port, interface, common);
  const auto hear = [&](const Frame& frame) {
    return silent.on_icmp(frame, parse(frame), now,
                          [](const link::IcmpReport&) { return Drop::icmp_untrusted; });
  };
  EXPECT_EQ(hear(message(wire::icmp_type::echo, 0, 0)), Drop::none);
  EXPECT_EQ(hear(message(wire::icmp_type::unreachable, 1, 0, quote())), Drop::icmp_untrusted);
  const Frame datagram = Ipv4Frame{.protocol = 47}.build();
  silent.answer_unreachable(datagram, parse(datagram), wire::unreachable_code::protocol, now);
  EXPECT_EQ(silent.staged(), 0u);
}

TEST_F(LinkIcmp, AnErrorNamesTheSegmentThatItIsAbout) {  // RFC 5927
  EXPECT_EQ(arrives(message(wire::icmp_type::unreachable, 1, 0, quote())), Drop::none);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].about.key, FlowKey4::of(kOurIp, 80, kPeerIp, 40'000));
  EXPECT_EQ(reports[0].about.seq, Seq{0x1234'5678});
}

TEST_F(LinkIcmp, ErrorsAreHardOrSoftOrAboutTheMtu) {  // RFC 1122 4.2.3.9, RFC 1191 4
  EXPECT_EQ(error_of(wire::icmp_type::unreachable, 1)->kind, Kind::soft);
  EXPECT_EQ(error_of(wire::icmp_type::unreachable, wire::unreachable_code::protocol)->kind,
            Kind::hard);
  EXPECT_EQ(error_of(wire::icmp_type::unreachable, wire::unreachable_code::port)->kind, Kind::hard);
  EXPECT_EQ(error_of(wire::icmp_type::time_exceeded, 0)->kind, Kind::soft);
  EXPECT_EQ(error_of(wire::icmp_type::parameter_problem, 0)->kind, Kind::soft);
  const auto too_big =
      error_of(wire::icmp_type::unreachable, wire::unreachable_code::fragmentation_needed, 1'400);
  EXPECT_EQ(too_big->kind, Kind::fragmentation_needed);
  EXPECT_EQ(too_big->mtu, 1'400u);
}

TEST_F(LinkIcmp, WhatTheConnectionSaysOfAnErrorIsReturned) {
  answer_to_report = Drop::icmp_untrusted;
  EXPECT_EQ(arrives(message(wire::icmp_type::unreachable, 1, 0, quote())), Drop::icmp_untrusted);
}

TEST_F(LinkIcmp, ErrorsThatQuoteNoSegmentAreNotReported) {
  EXPECT_EQ(arrives(message(wire::icmp_type::unreachable, 1, 0, Frame(27))), Drop::icmp_malformed);
  EXPECT_EQ(arrives(message(wire::icmp_type::unreachable, 1, 0, quote(wire::ip_protocol::udp))),
            Drop::icmp_ignored);
  EXPECT_EQ(arrives(message(wire::icmp_type::unreachable, 1, 0, quote(), {.source = kOurIp})),
            Drop::ip_source_invalid);
  EXPECT_TRUE(reports.empty());
}

TEST_F(LinkIcmp, OtherMessagesAreIgnored) {
  for (const int type : {0, 4, 5, 13})
    EXPECT_EQ(arrives(message(static_cast<std::uint8_t>(type), 0, 0, quote())), Drop::icmp_ignored);
  EXPECT_TRUE(reports.empty());
}

// -- fragments --

class LinkFragments : public LinkTest {
 protected:
  /// A datagram in two pieces; TCP to port 80.
  static Frame piece(bool first, Ipv4Address to = kOurIp, std::uint16_t id = 7) {
    const Frame whole = TcpSegment{.payload = Frame(100)}.build(kPeerIp, kOurIp);
    Ipv4Frame ip{.id = id, .destination = to};
    ip.fragment = first ? 0x2000 : 64 / 8;
    ip.payload = first ? Frame(whole.begin(), whole.begin() + 64) : tail(whole, 64);
    return ip.build();
  }
};

TEST_F(LinkFragments, BecomeOneDatagramWhoseChecksumsAreVerified) {
  EXPECT_EQ(arrives(piece(true)), Drop::none);
  EXPECT_TRUE(for_the_shard.empty());
  EXPECT_EQ(arrives(piece(false)), Drop::none);
  ASSERT_EQ(for_the_shard.size(), 1u);
  EXPECT_EQ(for_the_shard[0].segment.payload_len, 100u);
}

TEST_F(LinkFragments, OfOthersAreDropped) {
  EXPECT_EQ(arrives(piece(true, kOtherIp)), Drop::not_our_ip);
}

TEST_F(LinkFragments, ThatOverlapAreDropped) {  // RFC 5722
  arrives(piece(true));
  Frame other = piece(true);
  other.back() ^= std::byte{1};
  EXPECT_EQ(arrives(other), Drop::fragment_overlap);
}

TEST_F(LinkFragments, ThatNeverBecomeWholeAreCounted) {  // RFC 1122 3.3.2
  arrives(piece(true, kOurIp, 1));
  arrives(piece(true, kOurIp, 2));
  now = now + 61_s;
  arrives(piece(true, kOurIp, 3));
  EXPECT_EQ(drops(Drop::fragment_timeout), 2u);
}

TEST_F(LinkFragments, ThatOthersDoNotFollowAreToldOfAfterAMinute) {  // RFC 1122 3.3.2 (MUST)
  const Frame first = piece(true);
  arrives(first);
  after(59_s);
  know_peer();
  after(2_s);
  const Frame told = sent_one();
  EXPECT_EQ(wire::load_u8(&told[kIcmpAt]), wire::icmp_type::time_exceeded);
  EXPECT_EQ(wire::load_u8(&told[kIcmpAt + 1]), 1u) << "while putting together";
  EXPECT_EQ(parse(told, {kPeerMac}).kind, wire::FrameKind::icmp);
  const auto quoted = first.begin() + static_cast<std::ptrdiff_t>(kEthernetHeaderSize);
  EXPECT_EQ(tail(told, kIcmpAt + wire::kIcmpHeaderSize), Frame(quoted, quoted + 28));
  EXPECT_EQ(drops(Drop::fragment_timeout), 1u);
}

TEST_F(LinkFragments, NobodyIsToldOfWithoutTheFirstOrAfterAnOverlap) {
  arrives(piece(false, kOurIp, 1));
  Frame other = piece(true, kOurIp, 2);
  arrives(other);
  other.back() ^= std::byte{1};
  arrives(other);
  after(59_s);
  know_peer();
  after(2_s);
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(drops(Drop::fragment_timeout), 1u);
}

/// A device of two cores, all of whose datagrams are the other core's.
class OtherCoresPort : public MemPort {
 public:
  bool pass_on(Frame datagram) noexcept {
    passed_on = bytes(datagram).size();
    release(datagram);
    return true;
  }
  std::size_t passed_on = 0;
};

TEST_F(LinkFragments, OfAnotherCoresFlowGoThereOnceTheyAreWhole) {
  OtherCoresPort device;
  link::Link<OtherCoresPort> link(device, interface, common);
  for (const bool first : {true, false}) {
    EXPECT_EQ(device.passed_on, 0u);
    device.inject(piece(first));
    OtherCoresPort::Frame frame = nullptr;
    link.receive({&frame, 1}, now);
    Drop why = Drop::none;
    wire::ParsedFrame parsed;
    link.parse(frame, parsed);
    EXPECT_EQ(link.reassemble(frame, parsed, now, why), nullptr);
    EXPECT_EQ(why, Drop::none);
  }
  EXPECT_EQ(device.passed_on,
            kEthernetHeaderSize + wire::kIpv4HeaderSizeMin + wire::kTcpHeaderSizeMin + 100);
  EXPECT_EQ(device.buffers, buffers_at_start);
}

}  // namespace
}  // namespace mayfly::testing
