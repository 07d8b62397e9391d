// How connections end: every order of FINs, resets, and what the app does in the middle of it.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

using flow::CloseReason;

constexpr auto kClose = [](ScriptConn& c) { c.close(); };
constexpr auto kCloseBoth = [](ScriptConn& c) { c.close_both(); };
constexpr auto kAbort = [](ScriptConn& c) { c.abort(); };

TEST(ShardClose, ByThePeerFirstLeavesNothing) {
  Wire wire;
  Peer peer(wire);
  wire.app.peer_closed = kClose;
  peer.opens().sends(fin()).gets(fin().acks(1)).gets_nothing();
  EXPECT_EQ(wire.shard->open_connections(), 1u);
  peer.sends(ack());
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::done});
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST(ShardClose, ByUsFirstLeavesTimeWait) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does(kClose);
  peer.gets(fin().at(0)).sends(ack()).gets_nothing();
  peer.sends(fin()).gets(ack().at(1).acks(1)).gets_nothing();
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::time_wait});
  EXPECT_EQ(wire.app.peers_closed, 1u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST(ShardClose, AConnectionIsCountedInTheStateThatItIsIn) {
  Wire wire;
  Peer peer(wire);
  const auto in = [&](tcp::State state) {
    return wire.shard->stats().states[static_cast<std::size_t>(state)].get();
  };
  peer.opens();
  EXPECT_EQ(in(tcp::State::established), 1u);
  wire.app_does(kClose);
  EXPECT_EQ(in(tcp::State::established), 0u);
  EXPECT_EQ(in(tcp::State::fin_wait_1), 1u);
  peer.gets(fin().at(0)).sends(ack()).gets_nothing();
  EXPECT_EQ(in(tcp::State::fin_wait_2), 1u);
  peer.sends(fin()).gets(ack().at(1).acks(1)).gets_nothing();
  for (const Counter& state : wire.shard->stats().states) EXPECT_EQ(state.get(), 0u);
}

TEST(ShardClose, AtTheSameTimeLeavesTimeWait) {  // RFC 9293 3.6, figure 13
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does(kClose);
  peer.gets(fin().at(0));
  peer.sends(fin().acks(0)).gets(ack().acks(1));  // CLOSING
  EXPECT_TRUE(wire.app.closed.empty());
  peer.sends(ack());
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::time_wait});
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST(ShardClose, WithFinAndAckInOneSegmentLeavesTimeWait) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does(kCloseBoth);
  peer.gets(fin().at(0)).sends(fin()).gets(ack().acks(1));
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::time_wait});
}

TEST(ShardClose, HalfWayByThePeerLetsUsGoOnSending) {
  Wire wire;
  Peer peer(wire);
  peer.opens().sends(text("question").with_fin()).gets(ack().acks(9));
  EXPECT_EQ(wire.app.heard, "question");
  EXPECT_EQ(wire.app.peers_closed, 1u);
  wire.app_does([](ScriptConn& c) {
    EXPECT_TRUE(c.peer_closed());
    c.send(bytes_of("answer"));
  });
  peer.gets(text("answer")).sends(ack());
  wire.app_does(kClose);
  peer.gets(fin().at(6)).sends(ack());
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::done});
}

TEST(ShardClose, HalfWayByUsLetsThePeerGoOnSending) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does(kClose);
  peer.gets(fin().at(0)).sends(ack());
  peer.sends(text("late news")).sends(text(", and more"));
  EXPECT_EQ(wire.app.heard, "late news, and more");
  peer.ignores().sends(fin()).gets(ack().acks(20));
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::time_wait});
}

TEST(ShardClose, BothWaysAnswersLateTextWithAReset) {  // RFC 2525 2.17
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does(kCloseBoth);
  peer.gets(fin().at(0)).sends(ack());
  peer.sends(text("late")).gets(rst());
  EXPECT_EQ(wire.drops(Drop::tcp_data_after_close), 1u);
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::reset});
}

TEST(ShardClose, InStagesTakesLateTextAndResetsWhenTheLingerIsOver) {  // RFC 9112 9.6
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close_and_drop(); });
  peer.gets(fin().at(0)).sends(ack()).sends(text("late"));
  EXPECT_EQ(wire.app.heard, "late") << "an app drops it";
  peer.ignores();
  wire.app_does(kCloseBoth);
  peer.sends(text("too late")).gets(rst());
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::reset});
}

TEST(ShardClose, InStagesEndsFinWait2AfterItsHoldAsWell) {
  Given given;
  given.settings.tcp.fin_wait_2_hold = 5_s;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close_and_drop(); });
  peer.gets(fin()).sends(ack());
  wire.after(5'001_ms);
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::fin_wait_2});
}

TEST(ShardClose, PutsTheFinOnTheLastText) {
  Wire wire;
  Peer peer(wire);
  wire.app.data = [](ScriptConn& c, std::string_view said) {
    c.send(bytes_of("bye"));
    c.close();
    return said.size();
  };
  peer.opens().sends(text("hello")).gets(text("bye").with_fin()).gets_nothing();
}

TEST(ShardClose, EndsFinWait2AfterItsHoldWhenThePeerNeverCloses) {
  Given given;
  given.settings.tcp.fin_wait_2_hold = 5_s;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.app_does(kCloseBoth);
  peer.gets(fin()).sends(ack());
  wire.after(4'999_ms);
  EXPECT_TRUE(wire.app.closed.empty());
  wire.after(2_ms);
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::fin_wait_2});
}

TEST(ShardClose, ByAResetOfThePeer) {
  Wire wire;
  Peer peer(wire);
  peer.opens().sends(rst()).gets_nothing();
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::reset});
  EXPECT_EQ(wire.shard->open_connections(), 0u);
}

TEST(ShardClose, HappensOnceThoughTheAppClosesManyTimes) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) {
    c.close();
    c.close_both();
    c.close();
    EXPECT_EQ(c.send(bytes_of("more")), 0u);
    EXPECT_EQ(c.send_copy(bytes_of("more")), 0u);
  });
  peer.gets(fin()).gets_nothing();
}

// -- the app aborts in the middle of a call --

struct Abort : ::testing::Test {
  void expect_aborted() {
    EXPECT_EQ(wire.app.closed, std::vector{CloseReason::aborted});
    EXPECT_EQ(wire.shard->open_connections(), 0u);
    EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  }
  Wire wire;
  Peer peer{wire};
};

TEST_F(Abort, InOnOpenSendsOneReset) {
  wire.app.open = kAbort;
  peer.opens().gets(rst().at(0)).gets_nothing();
  expect_aborted();
}

TEST_F(Abort, InOnOpenLeavesTheTextBehindItUnheard) {
  wire.app.open = kAbort;
  peer.sends(syn()).gets(syn_ack()).sends(text("ping").with_fin()).gets(rst()).gets_nothing();
  expect_aborted();
  EXPECT_EQ(wire.app.heard, "");
  EXPECT_EQ(wire.app.peers_closed, 0u);
}

TEST_F(Abort, InOnDataSendsOneReset) {
  wire.app.data = [](ScriptConn& c, std::string_view) {
    c.send(bytes_of("never seen"));
    c.abort();
    c.abort();
    return std::size_t{0};
  };
  peer.opens().sends(text("ping").with_fin()).gets(rst().at(0)).gets_nothing();
  expect_aborted();
  EXPECT_EQ(wire.app.peers_closed, 0u);
}

TEST_F(Abort, InOnSentSendsOneReset) {
  wire.app.open = [](ScriptConn& c) { c.send(bytes_of("hello")); };
  wire.app.sent = kAbort;
  peer.opens().gets(text("hello")).sends(ack()).gets(rst().at(5)).gets_nothing();
  expect_aborted();
}

TEST_F(Abort, InOnWakeSendsOneReset) {
  wire.app.open = [](ScriptConn& c) { c.wake_at(c.now() + 5_ms); };
  wire.app.wake = kAbort;
  peer.opens();
  wire.after(5_ms);
  peer.gets(rst().at(0)).gets_nothing();
  expect_aborted();
}

TEST_F(Abort, InOnPeerClosedSendsOneReset) {
  wire.app.peer_closed = kAbort;
  peer.opens().sends(fin()).gets(rst().at(0)).gets_nothing();
  expect_aborted();
}

TEST_F(Abort, WhenBothHaveClosedSkipsTimeWait) {  // RFC 9293 3.10.5: TIME-WAIT: enter CLOSED
  wire.app.peer_closed = kAbort;
  peer.opens();
  wire.app_does(kClose);
  peer.gets(fin()).sends(ack()).sends(fin());
  expect_aborted();
}

TEST_F(Abort, InOnSentWhenBothHaveClosedSkipsTimeWait) {
  wire.app.sent = kAbort;
  peer.opens();
  wire.app_does([](ScriptConn& c) {
    c.send(bytes_of("bye"));
    c.close();
  });
  peer.gets(text("bye").with_fin()).sends(fin().acks(0)).gets(ack());  // CLOSING
  peer.sends(ack());
  expect_aborted();
}

TEST_F(Abort, OfOneConnectionLetsTheNextSynOfTheBurstOpenAnother) {
  wire.app.data = [](ScriptConn& c, std::string_view said) {
    c.abort();
    return said.size();
  };
  peer.opens();
  peer.puts(text("ping")).again({5'000}).puts(syn());
  wire.poll();
  peer.gets(rst()).gets(syn_ack()).gets_nothing();
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::aborted});
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

TEST_F(Abort, BeforeTheHandshakeIsCompleteIsPossibleForActiveOpens) {
  Peer server(wire, 8'080, kPeerIp, 1'024);
  wire.app.poll = [&](ScriptShard& shard) {
    connect(shard, server.shard_key(), {}, wire.now + 1_s);
  };
  wire.app.wake = kClose;
  wire.poll();
  server.gets(syn());
  wire.after(1_s);
  server.gets_nothing();
  expect_aborted();
}

// -- several segments of one flow in one burst --

TEST(ShardBurst, HoldsAWholeConnection) {
  Wire wire;
  Peer peer(wire);
  wire.app.data = [](ScriptConn& c, std::string_view said) {
    c.send(bytes_of("pong"));
    c.close();
    return said.size();
  };
  peer.sends(syn()).gets(syn_ack());
  peer.puts(ack()).puts(text("ping")).puts(fin());
  wire.poll();
  peer.gets(text("pong").with_fin().acks(5)).gets_nothing();
  peer.sends(ack());
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::done});
}

TEST(ShardBurst, FindsTheNewFlowForWhatFollowsItsSyn) {
  Wire wire;
  Peer peer(wire);
  peer.puts(syn()).puts(rst());
  wire.poll();
  EXPECT_EQ(wire.closed(CloseReason::reset), 1u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.drops(Drop::tcp_rst_no_connection), 0u);
}

TEST(ShardBurst, OpensAnewAfterAReset) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  peer.puts(rst()).again({77'000}).puts(syn()).puts(syn());
  wire.poll();
  peer.gets(syn_ack().acks(0)).gets_nothing();
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::reset});
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

TEST(ShardBurst, OpensAnewAfterTheFinThatEndedTheConnection) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does(kClose);
  peer.gets(fin()).sends(ack());
  peer.puts(fin()).again({1}).puts(syn());  // a higher sequence number: RFC 6191
  wire.poll();
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::time_wait});
  EXPECT_EQ(wire.stats().time_wait_reopened_sequence.get(), 1u);
  ASSERT_EQ(peer.inbox.size(), 2u);  // the ACK of the FIN, and the new SYN-ACK
  peer.inbox.pop_front();
  peer.gets(syn_ack().acks(0));
}

TEST(ShardBurst, OpensAnewAfterTheLastAck) {
  Wire wire;
  Peer peer(wire);
  wire.app.peer_closed = kClose;
  peer.opens().sends(fin()).gets(fin());
  peer.puts(ack()).again({1}).puts(syn());
  wire.poll();
  peer.gets(syn_ack().acks(0)).gets_nothing();
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::done});
}

TEST(ShardBurst, GoesOnWithOthersWhenOneEnds) {
  Wire wire;
  Peer ends(wire, 40'001), stays(wire, 40'002);
  ends.opens();
  stays.opens();
  ends.puts(rst());
  stays.puts(text("hello"));
  ends.puts(text("nobody is there"));
  stays.puts(text(" again"));
  wire.poll();
  EXPECT_EQ(wire.app.heard, "hello again");
  EXPECT_EQ(wire.app.closed, std::vector{CloseReason::reset});
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

TEST(ShardBurst, KeepsFlowsApartWhenOneEndsAndAnotherTakesItsPlace) {
  Wire wire;
  Peer old(wire, 40'001), fresh(wire, 40'002);
  old.opens();
  old.puts(rst());
  fresh.puts(syn());
  old.puts(text("nobody is there"));
  fresh.puts(syn());
  wire.poll();
  fresh.gets(syn_ack()).gets_nothing();
  old.gets(rst());
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

}  // namespace
}  // namespace mayfly::testing
