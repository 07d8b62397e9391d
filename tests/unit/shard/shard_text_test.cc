// Text in both directions: taken in part, out of order, without room, too much for TCP to count,
// and sent when the device or the buffers fail.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

std::string alphabet(std::size_t length) {
  std::string s(length, ' ');
  for (std::size_t i = 0; i < length; ++i) s[i] = static_cast<char>('a' + i % 26);
  return s;
}

// -- received --

TEST(ShardText, LeftByTheAppComesAgainAfterAWake) {
  Wire wire;
  Peer peer(wire);
  std::size_t taken = 4;
  std::vector<std::string> offered;
  wire.app.data = [&](ScriptConn& c, std::string_view said) {
    offered.emplace_back(said);
    c.wake_at(c.now() + 10_ms);
    return std::min(taken, said.size());
  };
  peer.opens().sends(text("headbody")).gets_nothing();
  peer.sends(text("tail"));
  EXPECT_EQ(wire.app.heard, "head")
      << "the app is left alone until it was called for another reason";
  taken = 100;
  wire.after(10_ms);
  EXPECT_EQ(wire.app.heard, "headbodytail");
  EXPECT_EQ(offered, (std::vector<std::string>{"headbody", "bodytail"}));
}

TEST(ShardText, LeftByTheAppComesAgainAfterItsOwnTextWasAcknowledged) {
  Wire wire;
  Peer peer(wire);
  wire.app.data = [&](ScriptConn& c, std::string_view said) {
    if (c.unsent() > 0) return std::size_t{0};
    c.send_copy(bytes_of(said.substr(0, 2)));
    return std::size_t{2};
  };
  peer.opens().sends(text("aabbcc")).gets(text("aa"));
  peer.sends(ack()).gets(text("bb"));
  peer.sends(ack()).gets(text("cc"));
  EXPECT_EQ(wire.app.heard, "aabbcc");
}

TEST(ShardText, LeftByTheAppShutsTheWindowAndTakingItOpensItAgain) {
  Given given;
  given.config.sizes.receive_window = 4'096;
  given.settings.tcp.receive_window = 4'096;
  Wire wire(given);
  Peer peer(wire);
  bool takes = false;
  wire.app.data = [&](ScriptConn&, std::string_view said) { return takes ? said.size() : 0; };
  wire.app.wake = [](ScriptConn&) {};
  peer.opens();
  for (int i = 0; i < 4; ++i) peer.sends(text(alphabet(1'024)));
  ASSERT_FALSE(peer.inbox.empty());
  EXPECT_EQ(peer.inbox.back().segment.window, 0u);
  peer.ignores();
  takes = true;
  wire.app_does([](ScriptConn& c) { c.wake_at(c.now()); });
  wire.after(1_ms);
  peer.gets(ack().acks(4'096).window(4'096));
  EXPECT_EQ(wire.app.heard.size(), 4'096u);
}

TEST(ShardText, LeftByTheAppIsReadBeforeTheFinIsSeen) {
  Wire wire;
  Peer peer(wire);
  bool takes = false;
  wire.app.data = [&](ScriptConn&, std::string_view said) { return takes ? said.size() : 0; };
  peer.opens().sends(text("all of it").with_fin()).gets(ack().acks(10));
  EXPECT_EQ(wire.app.peers_closed, 0u);
  takes = true;
  wire.app_does([](ScriptConn& c) { c.wake_at(c.now()); });
  wire.after(1_ms);
  EXPECT_EQ(wire.app.heard, "all of it");
  EXPECT_EQ(wire.app.peers_closed, 1u);
}

TEST(ShardText, OfferedALastTimeWhenTheConnectionEndsInTimeWait) {
  Wire wire;
  Peer peer(wire);
  bool takes = false;
  wire.app.data = [&](ScriptConn&, std::string_view said) { return takes ? said.size() : 0; };
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.gets(fin()).sends(ack()).sends(text("acknowledged"));
  takes = true;
  peer.sends(fin());
  EXPECT_EQ(wire.app.heard, "acknowledged") << "text that was acknowledged must not vanish";
  EXPECT_EQ(wire.app.peers_closed, 1u);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::time_wait});
}

TEST(ShardText, OutOfOrderIsDeliveredInOrderAndOnce) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  peer.sends(text("cc").at(4)).gets(ack().acks(0));
  peer.sends(text("bb").at(2)).gets(ack().acks(0));
  peer.sends(text("bb").at(2)).gets(ack().acks(0));
  EXPECT_EQ(wire.app.heard, "");
  EXPECT_EQ(wire.shard->connections().rx().used(), 1u);
  peer.sends(text("aab").at(0)).gets(ack().acks(6));
  EXPECT_EQ(wire.app.heard, "aabbcc");
  EXPECT_EQ(wire.shard->connections().rx().used(), 0u)
      << "the buffer goes back when the gap is filled";
}

TEST(ShardText, HeldBehindAGapGivesItsBufferBackWhenOneSegmentCoversBoth) {
  Wire wire;
  Peer peer(wire);
  peer.opens().sends(text("bb").at(2)).gets(ack().acks(0));
  EXPECT_EQ(wire.shard->connections().rx().used(), 1u);
  peer.sends(text("aabb").at(0)).gets(ack().acks(4));
  EXPECT_EQ(wire.app.heard, "aabb");
  EXPECT_EQ(wire.shard->connections().rx().used(), 0u);
}

TEST(ShardText, OutOfOrderNeverOverwritesOtherTextInABufferSmallerThanTheWindow) {
  Given given;
  given.config.sizes.receive_window = 2'048;  // and the settings offer 65,535
  Wire wire(given);
  Peer peer(wire);
  const std::string all = alphabet(2'600);
  peer.opens();
  peer.sends(text(all.substr(100, 1'000)).at(100));
  peer.sends(text(all.substr(2'200, 400)).at(2'200));
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 1u);
  peer.sends(text(all.substr(0, 100)).at(0));
  peer.sends(text(all.substr(1'100, 1'100)).at(1'100));
  peer.sends(text(all.substr(2'200)).at(2'200));
  EXPECT_EQ(wire.app.heard, all);
}

TEST(ShardText, OutOfOrderKeepsTheFinWaiting) {
  Wire wire;
  Peer peer(wire);
  peer.opens().sends(text("bb").at(2).with_fin()).gets(ack().acks(0));
  EXPECT_EQ(wire.app.peers_closed, 0u);
  peer.sends(text("aa").at(0)).gets(ack().acks(5));
  EXPECT_EQ(wire.app.heard, "aabb");
  EXPECT_EQ(wire.app.peers_closed, 1u);
}

TEST(ShardText, OutOfOrderIsDroppedWhenBuffersRunOutAndComesAgain) {
  Given given;
  given.config.sizes.receive_buffers = 1;
  Wire wire(given);
  Peer first(wire, 40'001), second(wire, 40'002);
  first.opens().sends(text("b").at(1)).gets(ack().acks(0));
  second.opens().sends(text("d").at(1)).gets(ack().acks(0));
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 1u);
  second.sends(text("c").at(0)).ignores().sends(text("d").at(1));
  EXPECT_EQ(wire.app.heard, "cd");
  first.sends(text("a").at(0));
  EXPECT_EQ(wire.app.heard, "cdab");
}

TEST(ShardText, OutOfOrderIsDroppedWhenLossRecordsRunOutAndComesAgain) {
  Given given;
  given.config.sizes.loss_records = 1;
  Wire wire(given);
  Peer first(wire, 40'001), second(wire, 40'002);
  first.opens().sends(text("b").at(1)).gets(ack().acks(0));
  EXPECT_EQ(wire.shard->connections().loss_records().used(), 1u);
  second.opens().sends(text("d").at(1)).gets(ack().acks(0));
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 1u);
  EXPECT_EQ(wire.shard->stats().loss_records_denied.get(), 1u);
  first.sends(text("a").at(0));
  EXPECT_EQ(wire.shard->connections().loss_records().used(), 0u) << "given back with the last gap";
  second.sends(text("d").at(1)).gets(ack().acks(0)).sends(text("c").at(0));
  EXPECT_EQ(wire.app.heard, "abcd");
}

TEST(ShardText, OutOfOrderTakesTheRecordOfAConnectionThatLeftAGapLongAgo) {
  Given given;
  given.config.sizes.loss_records = 1;
  Wire wire(given);
  Peer first(wire, 40'001), second(wire, 40'002);
  first.opens().sends(text("b").at(1)).gets(ack().acks(0));
  wire.after(201_ms);
  second.opens().sends(text("d").at(1)).gets(ack().acks(0));
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 0u);
  EXPECT_EQ(wire.shard->stats().loss_records_reclaimed.get(), 1u);
  EXPECT_EQ(wire.shard->stats().loss_records_denied.get(), 0u);
  second.sends(text("c").at(0));
  first.sends(text("ab").at(0));  // all of it, as a peer does whose text was not acknowledged
  EXPECT_EQ(wire.app.heard, "cdab");
}

TEST(ShardText, LeftByTheAppIsNotAcknowledgedWithoutABufferAndComesAgain) {
  Given given;
  given.config.sizes.receive_buffers = 0;
  Wire wire(given);
  Peer peer(wire);
  std::size_t taken = 2;
  wire.app.data = [&](ScriptConn&, std::string_view said) { return std::min(taken, said.size()); };
  peer.opens().sends(text("aabb"));
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 1u);
  wire.after(40_ms);
  peer.gets(ack().acks(2));
  taken = 100;
  peer.sends(text("bb").at(2));
  EXPECT_EQ(wire.app.heard, "aabb");
  peer.sends(text("cc").at(4));
  EXPECT_EQ(wire.app.heard, "aabbcc");
}

TEST(ShardText, HeldBehindAGapIsDeliveredThoughTheAppWasOnceShortOfBuffers) {
  Given given;
  given.config.sizes.receive_buffers = 1;
  Wire wire(given);
  Peer hog(wire, 40'001), peer(wire, 40'002);
  std::size_t taken = 0;
  wire.app.data = [&](ScriptConn&, std::string_view said) { return std::min(taken, said.size()); };
  hog.opens().sends(text("h").at(1));
  peer.opens().sends(text("aa"));  // not taken, and no buffer to keep it in
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 1u);
  hog.sends(rst().at(0));
  taken = 100;
  peer.sends(text("aa").at(0)).sends(text("cc").at(4)).sends(text("bb").at(2));
  EXPECT_EQ(wire.app.heard, "aabbcc");
}

// -- sent --

TEST(ShardSend, KeepsTheOrderOfAllThreeKindsOfText) {
  Wire wire;
  Peer peer(wire);
  static const std::string block = alphabet(4'096);
  peer.opens();
  wire.app_does([](ScriptConn& c) {
    EXPECT_EQ(c.send(bytes_of("head ")), 5u);
    EXPECT_EQ(c.send_copy(bytes_of(std::string("copied "))), 7u);
    EXPECT_EQ(c.send_repeating(bytes_of(block), 5'000), 5'000u);
    EXPECT_EQ(c.unsent(), 5'012u);
    c.close();
  });
  const std::string got = peer.gets_text();
  EXPECT_EQ(got, "head copied " + block + block.substr(0, 904));
  peer.sends(ack());
  EXPECT_EQ(wire.shard->connections().tx().extents.used(), 0u);
}

TEST(ShardSend, EchoesABigTextThroughFewChunks) {
  Given given;
  given.config.sizes.chunks = 2;
  Wire wire(given);
  Peer peer(wire);
  wire.app.data = [](ScriptConn& c, std::string_view said) { return c.send_copy(bytes_of(said)); };
  peer.opens();
  const std::string sent = alphabet(40 * 1'000);
  std::string back;
  for (std::size_t at = 0; at < sent.size(); at += 1'000) {
    peer.sends(text(sent.substr(at, 1'000)));
    back += peer.gets_text();
    if (at % 3'000 == 0) peer.sends(ack());  // slower than it sends
  }
  for (int i = 0; i < 100 && back.size() < sent.size(); ++i) {
    peer.sends(ack());
    back += peer.gets_text();
  }
  EXPECT_EQ(back, sent);
}

TEST(ShardSend, QueuesNothingWhenExtentsRunOut) {
  Given given;
  given.config.sizes.extents = 2;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) {
    EXPECT_EQ(c.send(bytes_of("one")), 3u);
    EXPECT_EQ(c.send(bytes_of("two")), 3u);
    EXPECT_EQ(c.send(bytes_of("three")), 0u);
    EXPECT_EQ(c.send_copy(bytes_of("three")), 0u);
    EXPECT_EQ(c.send_repeating(bytes_of("three"), 5), 0u);
  });
  EXPECT_EQ(peer.gets_text(), "onetwo");
}

TEST(ShardSend, LosesNothingWhileTheDeviceTakesNothing) {
  Wire wire;
  Peer peer(wire);
  static const std::string block = alphabet(4'096);
  peer.opens();
  wire.port.room = 0;
  wire.app_does([](ScriptConn& c) {
    c.send_repeating(bytes_of(block), 12'288);
    c.close();
  });
  wire.after(50_ms);
  peer.gets_nothing();
  wire.port.room = 3;
  std::string got;
  for (int i = 0; i < 20; ++i) {
    wire.after(1_ms);
    got += peer.gets_text();
    peer.sends(ack());
  }
  EXPECT_EQ(got, block + block + block);
  EXPECT_EQ(wire.stats().retransmitted.get(), 0u);
  EXPECT_EQ(wire.drops(Drop::transmit_full), 0u);
}

TEST(ShardSend, HoldsConnectionsBackWhileTheStageIsFullAndForgetsNone) {
  Wire wire;
  static const std::string block = alphabet(4'096);
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint16_t i = 0; i < 80; ++i) {
    peers.push_back(std::make_unique<Peer>(wire, std::uint16_t(41'000 + i)));
    peers.back()->opens();
  }
  wire.port.room = 0;  // 80 connections with 10 segments each: more than the stage holds
  wire.app_does([](ScriptConn& c) { c.send_repeating(bytes_of(block), 14'600); });
  EXPECT_EQ(wire.drops(Drop::transmit_full), 0u);
  wire.port.room = 100;
  for (int i = 0; i < 20; ++i) wire.poll();
  for (auto& peer : peers) EXPECT_EQ(peer->gets_text().size(), 14'600u);
}

TEST(ShardSend, DropsAnswersToStrangersWhenTheDeviceTakesNothing) {
  Wire wire;
  Peer nobody(wire, 40'000, kPeerIp, 81);
  wire.port.room = 0;
  for (int i = 0; i < 600; ++i) nobody.sends(syn());
  EXPECT_EQ(wire.drops(Drop::transmit_full), 600u - 512u);
  wire.port.room = 1'000;
  wire.poll();
  EXPECT_EQ(nobody.inbox.size(), 512u);
}

TEST(ShardSend, RepairsWhatItCouldNotSendWithoutBuffers) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  const auto buffers = std::exchange(wire.port.buffers, 0);
  wire.app_does([](ScriptConn& c) {
    c.send(bytes_of("hello"));
    c.close();
  });
  peer.gets_nothing();
  EXPECT_GE(wire.drops(Drop::no_buffer), 1u);
  wire.port.buffers += buffers;
  wire.after(1_s);  // the retransmission timer
  peer.gets(text("hello").with_fin());
}

TEST(ShardSend, AnswersTheSynAgainThatCameWithoutBuffers) {
  Wire wire;
  Peer peer(wire);
  const auto buffers = std::exchange(wire.port.buffers, 1);  // for the SYN itself
  peer.sends(syn());
  wire.port.buffers += buffers - 1;
  peer.ignores();
  wire.after(1_s);
  peer.gets(syn_ack());
}

TEST(ShardSend, SendsAgainWhatWasLost) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hello")); });
  peer.gets(text("hello").at(0));
  wire.after(200_ms);  // RTO at its least
  peer.gets(text("hello").at(0));
  EXPECT_EQ(wire.stats().retransmitted.get(), 1u);
  peer.sends(ack());
}

// Numbers of 32 bits must not be asked to count more than 2^30 bytes ahead, and the FIN waits for
// the rest.
TEST(ShardSend, CountsFarBeyondWhatSequenceNumbersCan) {
  static constexpr std::uint64_t kLength = (1ull << 30) + 100'000;
  Given given;
  given.settings.tcp.initial_window_segments = 255;
  Wire wire(given);
  Peer peer(wire);
  static const std::string block = alphabet(1u << 16);
  peer.opens(syn().scaled(8));
  wire.app_does([](ScriptConn& c) {
    EXPECT_EQ(c.send_repeating(bytes_of(block), kLength), kLength);
    c.close();
    EXPECT_EQ(c.send(bytes_of("too late")), 0u);
  });
  std::uint64_t got = 0;
  bool fin_seen = false;
  while (!fin_seen && !peer.inbox.empty()) {
    for (const Heard& heard : peer.inbox) {
      got += heard.text.size();
      fin_seen = heard.segment.has(wire::tcp_flag::fin);
    }
    peer.ignores().sends(ack());
  }
  EXPECT_TRUE(fin_seen);
  EXPECT_EQ(got, kLength);
  EXPECT_EQ(wire.stats().retransmitted.get(), 0u);
}

}  // namespace
}  // namespace mayfly::testing
