// From the first SYN to the first answer, and the segments that belong to nothing.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

using shard::ConnectError;

TEST(ShardOpen, TellsTheAppWhenTheHandshakeIsComplete) {
  Wire wire;
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack().acks(0));
  EXPECT_EQ(wire.app.opened, 0u);
  peer.sends(ack());
  EXPECT_EQ(wire.app.opened, 1u);
  EXPECT_EQ(wire.shard->open_connections(), 1u);
  EXPECT_EQ(wire.stats().accepted.get(), 1u);
}

TEST(ShardOpen, TakesTextThatComesWithTheLastAckOfTheHandshake) {
  Wire wire;
  Peer peer(wire);
  wire.app.data = [](ScriptConn& c, std::string_view said) {
    c.send(bytes_of("pong"));
    return said.size();
  };
  peer.sends(syn()).gets(syn_ack());
  peer.sends(text("ping")).gets(text("pong").acks(4)).gets_nothing();
  EXPECT_EQ(wire.app.opened, 1u);
  EXPECT_EQ(wire.app.heard, "ping");
}

TEST(ShardOpen, AcknowledgesTextWithoutAnAnswerAfterTheDelay) {
  Wire wire;
  Peer peer(wire);
  peer.opens().sends(text("ping")).gets_nothing();
  wire.after(39_ms);
  peer.gets_nothing();
  wire.after(1_ms);
  peer.gets(ack().acks(4));
}

TEST(ShardOpen, SendsTheSynAckAgainForADuplicateOfTheSyn) {
  Wire wire;
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  peer.sends(syn()).gets(syn_ack()).gets_nothing();
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

TEST(ShardOpen, GivesUpAHandshakeThatIsNeverCompleted) {
  Given given;
  given.settings.tcp.syn_ack_retries = 2;
  Wire wire(given);
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  wire.after(1_s);
  peer.gets(syn_ack());
  wire.after(2_s);
  peer.gets(syn_ack());
  wire.after(4_s);
  peer.gets_nothing();
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.closed(flow::CloseReason::timed_out), 1u);
  EXPECT_TRUE(wire.app.closed.empty()) << "the app had never heard of it";
}

TEST(ShardOpen, KeepsTwoInterleavedFlowsApart) {
  Wire wire;
  Peer first(wire, 40'001), second(wire, 40'002);
  wire.app.data = [](ScriptConn& c, std::string_view said) {
    c.send_copy(bytes_of(said));
    return said.size();
  };
  first.puts(syn());
  second.puts(syn());
  wire.poll();
  first.gets(syn_ack());
  second.gets(syn_ack());
  first.puts(ack());
  second.puts(text("two"));
  first.puts(text("one"));
  wire.poll();
  first.gets(text("one").acks(3)).gets_nothing();
  second.gets(text("two").acks(3)).gets_nothing();
}

TEST(ShardOpen, ConnectsAndIsAnswered) {
  Wire wire;
  Peer peer(wire, 8'080, kPeerIp, 1'024);
  shard::ConnectResult made;
  wire.app.poll = [&](ScriptShard& shard) { made = connect(shard, peer.shard_key(), {{7}}); };
  std::uint64_t word = 0;
  std::uint64_t id = 0;
  wire.app.open = [&](ScriptConn& c) {
    word = c.state().word[0];
    id = c.id();
    EXPECT_FALSE(c.passive());
    c.send(bytes_of("hello"));
  };
  wire.poll();
  ASSERT_EQ(made.error, ConnectError::none);
  peer.gets(syn());
  peer.sends(syn_ack().mss(1'460)).gets(text("hello").at(0).acks(0));
  EXPECT_EQ(word, 7u) << "the state given to connect() is the connection's";
  EXPECT_EQ(id, made.id);
}

// The other host still has a TIME_WAIT whose numbers are higher than those of our SYN.
TEST(ShardOpen, ResetsAConnectionThatThePeerStillHasAndSendsItsSynAgain) {
  Wire wire;
  Peer peer(wire, 8'080, kPeerIp, 1'024);
  bool was_challenged = false;
  wire.app.open = [&](ScriptConn& c) { was_challenged = c.was_challenged(); };
  wire.app.poll = [&](ScriptShard& shard) { connect(shard, peer.shard_key(), {}); };
  wire.poll();
  peer.gets(syn());
  peer.sends(ack().acks(50'000));
  peer.gets(rst().at(50'000));
  ASSERT_EQ(peer.inbox.size(), 1u) << "one SYN for one challenge";
  EXPECT_EQ(wire.stats().syn_challenged.get(), 1u);
  EXPECT_EQ(wire.stats().retransmitted.get(), 1u);
  peer.answers();
  EXPECT_EQ(wire.app.opened, 1u);
  EXPECT_TRUE(was_challenged);
}

TEST(ShardOpen, SendsEveryResetThatASynOfItsOwnFollows) {
  Given given;
  given.config.sizes.connections = 3'000;
  Wire wire(given);
  std::deque<Peer> peers;
  for (std::uint16_t port = 0; port < 3'000; ++port)
    peers.emplace_back(wire, 8'080, kPeerIp, static_cast<std::uint16_t>(1'024 + port));
  std::size_t next = 0;
  while (next < peers.size()) {
    wire.app.poll = [&](ScriptShard& shard) {
      for (std::size_t i = 0; i < 32; ++i, ++next)
        if (next < peers.size()) connect(shard, peers[next].shard_key(), {});
    };
    wire.poll();
  }
  for (Peer& peer : peers) peer.ignores().sends(ack().acks(50'000)).gets(rst()).gets(syn());
  EXPECT_EQ(wire.stats().rst_limited.get(), 0u);
  EXPECT_EQ(wire.stats().syn_challenged.get(), 3'000u);
}

TEST(ShardOpen, ConnectsFlowsThatItWasToldToExpectLikeAnyOther) {
  Wire wire;
  Peer expected(wire, 8'080, kPeerIp, 1'024), other(wire, 8'080, kPeerIp, 1'025);
  const FlowKey4 keys[] = {expected.shard_key(), other.shard_key()};
  wire.app.poll = [&](ScriptShard& shard) {
    shard.expect(std::span(keys));
    for (const FlowKey4& key : keys) EXPECT_EQ(connect(shard, key, {}).error, ConnectError::none);
  };
  wire.poll();
  expected.answers();
  other.answers();
  EXPECT_EQ(wire.app.opened, 2u);
}

TEST(ShardOpen, TellsTheAppThatItsConnectionWasRefused) {
  Wire wire;
  Peer peer(wire, 8'080, kPeerIp, 1'024);
  wire.app.poll = [&](ScriptShard& shard) { connect(shard, peer.shard_key(), {}); };
  wire.poll();
  peer.gets(syn()).sends(rst().acks(0)).gets_nothing();
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::refused});
  EXPECT_EQ(wire.shard->open_connections(), 0u);
}

TEST(ShardOpen, DoesNotConnectTwiceFromOneFourTuple) {
  Wire wire;
  Peer peer(wire, 8'080, kPeerIp, 1'024);
  ConnectError second = ConnectError::none;
  wire.app.poll = [&](ScriptShard& shard) {
    connect(shard, peer.shard_key(), {});
    second = connect(shard, peer.shard_key(), {}).error;
  };
  wire.poll();
  EXPECT_EQ(second, ConnectError::tuple_in_use);
  peer.gets(syn()).gets_nothing();
}

TEST(ShardOpen, OpensSimultaneously) {  // RFC 9293 3.5, figure 7
  Wire wire;
  Peer peer(wire, 8'080, kPeerIp, 1'024);
  wire.app.poll = [&](ScriptShard& shard) { connect(shard, peer.shard_key(), {}); };
  wire.poll();
  peer.gets(syn()).sends(syn()).gets(syn_ack().acks(0));
  peer.sends(syn_ack().acks(0));
  EXPECT_EQ(wire.app.opened, 1u);
}

TEST(ShardOpen, DoesNotMistakeASynOfOneBurstForAnother) {
  Wire wire;
  Peer peer(wire);
  peer.puts(syn()).puts(syn());
  wire.poll();
  peer.gets(syn_ack()).gets_nothing();
  EXPECT_EQ(wire.stats().syn_received.get(), 1u);
}

TEST(ShardStrangers, AreAnsweredWithResetsOfBothForms) {  // RFC 9293 3.10.7.1
  Wire wire;
  Peer nobody(wire, 40'000, kPeerIp, 81);
  nobody.sends(syn()).gets(said(wire::tcp_flag::rst | wire::tcp_flag::ack).acks(0));
  EXPECT_EQ(nobody.next() - Seq{0xffff'ff01u}, 0);
  nobody.sends(ack().acks(77));
  ASSERT_EQ(nobody.inbox.size(), 1u);
  EXPECT_EQ(nobody.inbox[0].segment.flags, wire::tcp_flag::rst);
  EXPECT_EQ(nobody.inbox[0].segment.seq, Seq{78});  // SEG.ACK
  EXPECT_EQ(wire.drops(Drop::tcp_no_listener), 2u);
  EXPECT_EQ(wire.stats().rst_sent.get(), 2u);
}

TEST(ShardStrangers, AreAnsweredWithResetsWhateverTheirFlags) {  // RFC 9293 3.10.7.1
  Wire wire;
  Peer nobody(wire, 40'000, kPeerIp, 81);
  for (const int flags : {0, int{wire::tcp_flag::fin}, wire::tcp_flag::syn | wire::tcp_flag::fin,
                          wire::tcp_flag::fin | wire::tcp_flag::psh | wire::tcp_flag::urg})
    nobody.sends(said(static_cast<std::uint8_t>(flags)));
  ASSERT_EQ(nobody.inbox.size(), 4u);
  for (const auto& answer : nobody.inbox)
    EXPECT_EQ(answer.segment.flags, wire::tcp_flag::rst | wire::tcp_flag::ack);
}

TEST(ShardOpen, AListenerIsSilentAboutFlagsThatOpenNothing) {  // RFC 9293 3.10.7.2, fourth
  Wire wire;
  Peer peer(wire);
  peer.sends(said(0)).gets_nothing();
  peer.sends(said(wire::tcp_flag::fin)).gets_nothing();
  peer.sends(said(wire::tcp_flag::syn | wire::tcp_flag::fin)).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::tcp_flags_invalid), 3u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
}

TEST(ShardStrangers, GetNoAnswerToAReset) {
  Wire wire;
  Peer nobody(wire, 40'000, kPeerIp, 81), somebody(wire);
  nobody.sends(rst()).gets_nothing();
  nobody.sends(rst().acks(5)).gets_nothing();
  somebody.sends(rst()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::tcp_rst_no_connection), 3u);
  EXPECT_EQ(wire.stats().rst_sent.get(), 0u);
}

TEST(ShardStrangers, AreResetIfTheyAcknowledgeWhatAListenerNeverSaid) {  // RFC 9293 3.10.7.2
  Wire wire;
  Peer peer(wire);
  peer.sends(ack().acks(9));
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(peer.inbox[0].segment.flags, wire::tcp_flag::rst);
  EXPECT_EQ(wire.drops(Drop::tcp_no_listener), 1u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
}

TEST(ShardStrangers, AreResetNoMoreOftenThanTheRateAllows) {
  Wire wire;
  Peer nobody(wire, 40'000, kPeerIp, 81);
  for (int i = 0; i < 2'010; ++i) nobody.sends(syn());
  EXPECT_EQ(nobody.inbox.size(), 2'000u);
  EXPECT_EQ(wire.stats().rst_limited.get(), 10u);
  nobody.ignores();
  wire.after(1_ms);  // 20,000 a second
  for (int i = 0; i < 30; ++i) nobody.sends(syn());
  EXPECT_EQ(nobody.inbox.size(), 20u);
}

/// A SYN between addresses of the test's choice.
Bytes syn_between(Wire& wire, Ipv4Address from, Ipv4Address to) {
  Peer template_peer(wire, 50'000, from);
  Bytes frame = template_peer.frame(syn());
  const FlowKey4 key = FlowKey4::of(from, 50'000, to, 80);
  Emission e;
  e.seq = {1};
  e.flags = wire::tcp_flag::syn;
  e.window = 1'000;
  frame.resize(54);
  emit_tcp(frame, {kServerMac, kPeerMac}, key, e, 1, wire::ChecksumBy::software,
           wire::ChecksumBy::software);
  return frame;
}

TEST(ShardStrangers, CannotOpenToAnAddressThatIsNotOurs) {
  Wire wire;
  wire.put(syn_between(wire, kPeerIp, {0xc612'0002}));
  wire.put(syn_between(wire, kPeerIp, {0xc613'ffff}));  // the directed broadcast of 198.18.0.0/15
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::not_our_ip), 2u);
  EXPECT_TRUE(wire.strays.empty());
  EXPECT_EQ(wire.shard->open_connections(), 0u);
}

TEST(ShardStrangers, CannotOpenFromABroadcastAddressNorFromOurs) {  // RFC 9293 MUST-57, MUST-63
  Wire wire;
  wire.put(syn_between(wire, {0xc613'ffff}, kServerIp));
  wire.put(syn_between(wire, {0xc612'0000}, kServerIp));
  wire.put(syn_between(wire, kServerIp, kServerIp));
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::ip_source_invalid), 3u);
  EXPECT_TRUE(wire.strays.empty());
}

TEST(ShardStrangers, CannotOpenInALinkLayerBroadcast) {
  Wire wire;
  Bytes frame = syn_between(wire, kPeerIp, kServerIp);
  std::fill_n(frame.begin(), 6, std::byte{0xff});
  wire.put(frame);
  wire.poll();
  EXPECT_EQ(wire.drops(Drop::ip_multicast), 1u);
  EXPECT_TRUE(wire.strays.empty());
}

}  // namespace
}  // namespace mayfly::testing
