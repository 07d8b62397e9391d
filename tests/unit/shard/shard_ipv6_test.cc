// A shard that speaks both families (RFC 8200), frame by frame: what is its own about IPv6. All
// else is tested by running the tests of IPv4 over IPv6 (tests/support/family.h).
#include <gtest/gtest.h>

#include "base/endian.h"
#include "support/script_app.h"
#include "unit/wire/ipv6_frames.h"
#include "wire/print.h"

namespace mayfly::testing {
namespace {

constexpr std::uint8_t kSyn = wire::tcp_flag::syn;

class ShardIpv6 : public ::testing::Test {
 protected:
  ShardIpv6() {
    shard::ShardConfig config;
    config.name = "six";
    config.sizes = {.connections = 100, .time_wait = 100, .chunks = 16, .receive_buffers = 8};
    config.secret = {1, 2};
    config.pages = HugePages::never;
    config.interfaces.resize(1);
    config.interfaces[0].mac = kOurMac;
    config.interfaces[0].addresses = {{kOurIp, kOurIp, 15}};
    config.interfaces[0].addresses6 = {{kOurIp6, kOurIp6, 64}};
    MemPort* const ports[] = {&port_};
    auto made = ScriptShard::create(config, ports, app_, settings_, now_);
    EXPECT_TRUE(made);
    shard_ = std::move(*made);
    gets(solicitation());
    gets(advertisement());
    said();
  }
  void gets(const Frame& frame) {
    port_.inject(frame);
    shard_->poll(now_);
  }
  /// What the shard said since, line by line.
  std::vector<std::string> said() {
    std::vector<std::string> lines;
    for (const Frame& frame : std::exchange(port_.sent, {})) {
      lines.push_back(wire::print_frame(frame));
      last_ = wire::overhear(frame);
    }
    return lines;
  }
  /// The segments that the shard sends to a peer after the handshake that this SYN begins.
  Segment opens(const TcpSegment& syn) {
    gets(tcp6_frame(syn));
    EXPECT_EQ(said().size(), 1u);
    const Segment answer = last_.segment;
    gets(tcp6_frame({.seq = syn.seq + 1, .ack = answer.seq.raw + 1, .window = 65'535}));
    return answer;
  }
  std::uint64_t drops(Drop why) const {
    return shard_->stats().drops[static_cast<std::size_t>(why)].get();
  }

  MemPort port_;
  ScriptApp app_;
  shard::ShardSettings settings_;
  std::unique_ptr<ScriptShard> shard_;
  Instant now_{1'000'000};
  wire::ParsedFrame last_;
};

TEST_F(ShardIpv6, ServesBothFamiliesWithTheSameNumbersApart) {
  gets(tcp6_frame({.seq = 1, .flags = kSyn}));
  gets(arp_frame());
  gets(tcp_frame({.seq = 1, .flags = kSyn}));
  EXPECT_EQ(shard_->open_connections(), 2u);
  EXPECT_EQ(shard_->stats().syn_received.get(), 2u);
}

TEST_F(ShardIpv6, OffersAnMssThatFits) {
  EXPECT_EQ(opens({.seq = 1, .flags = kSyn, .options = hex("02 04 05 b4")}).mss, 1'440);
}

TEST_F(ShardIpv6, APeerThatSaysNoMssGets1220) {  // RFC 9293 3.7.1 (MUST-15)
  const std::string text(2'000, 'x');
  app_.open = [&](ScriptConn& c) { c.send(bytes_of(text)); };
  opens({.seq = 1, .flags = kSyn});
  const auto lines = said();
  ASSERT_EQ(lines.size(), 1u);  // the rest is less than a segment, and waits (RFC 9293 3.7.4)
  EXPECT_NE(lines[0].find("length 1220"), lines[0].npos) << lines[0];
}

TEST_F(ShardIpv6, TextOfAPeerWithALargeMssStillFitsThePacket) {
  const std::string text(2'000, 'x');
  app_.open = [&](ScriptConn& c) { c.send(bytes_of(text)); };
  opens({.seq = 1, .flags = kSyn, .options = hex("02 04 23 28")});
  const auto lines = said();
  ASSERT_EQ(lines.size(), 1u);  // the rest is less than a segment, and waits (RFC 9293 3.7.4)
  EXPECT_NE(lines[0].find("length 1440"), lines[0].npos) << lines[0];
}

TEST_F(ShardIpv6, APathsSmallerMtuIsBelievedIfItQuotesWhatIsInFlight) {  // RFC 8201 4, RFC 5927 7
  const std::string text(1'440, 'x');
  app_.open = [&](ScriptConn& c) { c.send(bytes_of(text)); };
  const Segment answer = opens({.seq = 1, .flags = kSyn, .options = hex("02 04 05 a0")});
  ASSERT_EQ(said().size(), 1u);
  const auto too_big = [&](std::uint32_t seq) {
    const Frame sent = tcp6_frame({.source_port = 80, .destination_port = 40'000, .seq = seq},
                                  {.source = kOurIp6, .destination = kPeerIp6});
    return icmp6_frame(2, 0, 1'300, Frame(sent.begin() + 14, sent.end()));
  };
  gets(too_big(answer.seq.raw + 100'000));
  EXPECT_EQ(drops(Drop::icmp_untrusted), 1u);
  EXPECT_TRUE(said().empty());
  gets(too_big(answer.seq.raw + 1));
  const auto lines = said();
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines[0].find("length 1240"), lines[0].npos) << lines[0];
}

TEST_F(ShardIpv6, OneBurstMayOpenAndAskOnTheSameConnection) {
  port_.inject(tcp6_frame({.seq = 1, .flags = kSyn}));
  port_.inject(tcp6_frame({.seq = 1, .flags = kSyn}));
  port_.inject(tcp_frame({.seq = 1, .flags = kSyn}));
  shard_->poll(now_);
  EXPECT_EQ(shard_->open_connections(), 2u);
  EXPECT_EQ(shard_->stats().syn_received.get(), 2u);
}

TEST_F(ShardIpv6, SegmentsToAnotherAddressOrOfOurOwnAreDropped) {
  gets(tcp6_frame({.flags = kSyn}, {.destination = kPeerIp6.with_low(9)}));
  EXPECT_EQ(drops(Drop::not_our_ip), 1u);
  gets(tcp6_frame({.flags = kSyn}, {.source = wire::link_local_of(kOurMac)}));
  EXPECT_EQ(drops(Drop::ip_source_invalid), 1u);
}

TEST_F(ShardIpv6, AFlowLabelIsThatOfItsConnection) {  // RFC 6437 3
  const auto label = [&](std::uint16_t port) {
    gets(tcp6_frame({.source_port = port, .flags = kSyn}));
    EXPECT_EQ(port_.sent.size(), 1u);
    const auto frame = std::exchange(port_.sent, {}).at(0);
    return load_be32(&frame[14]) & 0xf'ffff;
  };
  const auto first = label(40'000);
  EXPECT_NE(first, label(40'001));
  now_ = now_ + 1'100_ms;
  shard_->poll(now_);  // both SYN-ACKs again
  ASSERT_GE(port_.sent.size(), 2u);
  EXPECT_EQ(load_be32(&port_.sent[0][14]) & 0xf'ffff, first);
}

TEST_F(ShardIpv6, NumbersOfAConnectionAreTheSameWhetherItWasExpectedOrNot) {
  const flow::FlowSecret secret({1, 2});
  std::array<FlowKey6, 3> flows;
  for (std::uint16_t i = 0; i < flows.size(); ++i)
    flows[i] = FlowKey6::of(kOurIp6, static_cast<std::uint16_t>(2'000 + i), kPeerIp6, 80);
  app_.poll = [&](ScriptShard& shard) {
    shard.expect(std::span<const FlowKey6>(flows));
    for (const std::size_t i : {1, 0, 2})  // not quite in the order that was said
      EXPECT_EQ(shard.connect(flows[i], {}).error, shard::ConnectError::none);
  };
  shard_->poll(now_);
  ASSERT_EQ(port_.sent.size(), flows.size());
  for (const Frame& frame : port_.sent) {
    const wire::ParsedFrame parsed = wire::overhear(frame);
    const std::size_t i = parsed.key.remote_port_host() - 2'000u;
    EXPECT_EQ(parsed.segment.seq, secret.initial_sequence(flows.at(i), now_));
    EXPECT_EQ(parsed.segment.ts.val, now_.ts_ms() + secret.timestamp_offset(flows.at(i)));
  }
}

TEST_F(ShardIpv6, SynsThatWaitKeepTheirFourTuples) {
  for (int burst = 0; burst < 40; ++burst) {
    for (std::uint16_t i = 0; i < kBurstMax; ++i)
      port_.inject(tcp6_frame(
          {.source_port = static_cast<std::uint16_t>(burst * 32 + i + 1), .flags = kSyn}));
  }
  for (int i = 0; i < 200; ++i) shard_->poll(now_);
  for (const Frame& frame : port_.sent) {
    const wire::ParsedFrame parsed = wire::overhear(frame);
    ASSERT_EQ(parsed.kind, wire::FrameKind::tcp);
    EXPECT_EQ(flow_key6(frame, parsed).remote, kOurIp6);
    EXPECT_EQ(flow_key6(frame, parsed).local, kPeerIp6);
  }
  EXPECT_GE(port_.sent.size(), 100u);
}

}  // namespace
}  // namespace mayfly::testing
