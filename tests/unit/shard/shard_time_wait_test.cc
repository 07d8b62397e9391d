// TIME_WAIT in the shard: entries made, refused, answered for, reopened, restored and ended.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

using shard::ConnectError;

using OnFull = flow::TimeWaitPolicy::OnFull;

/// The peer's next incarnation begins this far after the old one's end.
constexpr std::uint32_t kFurther = 10'000;

class TimeWait : public ::testing::Test {
 protected:
  /// Opens a connection, closes it from our side, and leaves it in TIME_WAIT.
  static void into_time_wait(Wire& wire, Peer& peer, const Said& offer = syn()) {
    const std::uint32_t before = wire.shard->time_wait_entries();
    peer.opens(offer);
    close(wire, peer);
    EXPECT_EQ(wire.shard->time_wait_entries(), before + 1);
  }
  static void close(Wire& wire, Peer& peer) {
    wire.app_does([](ScriptConn& c) { c.close(); });
    peer.ignores().sends(fin());
    peer.gets(ack().at(1).acks(1));
  }
};

TEST_F(TimeWait, EndsAfterTheHoldAndNotBefore) {
  Wire wire(with({.hold = 60_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  wire.after(59'999_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  wire.after(2_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.stats().time_wait_expired.get(), 1u);
  EXPECT_EQ(wire.stats().time_wait_now.get(), 0u);
  EXPECT_EQ(wire.stats().time_wait_peak.get(), 1u);
}

TEST_F(TimeWait, IsHeldWhileTheServerDrainsAndReopenedByNobody) {
  Wire wire(with({.hold = 60_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  wire.shard->drain();
  peer.sends(fin().at(0)).gets(ack());
  peer.sends(syn().at(kFurther)).gets(said(wire::tcp_flag::rst | wire::tcp_flag::ack));
  EXPECT_EQ(wire.drops(Drop::tcp_draining), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, IsSkippedWithoutAHold) {
  Wire wire(with({.hold = 0_s}));
  Peer peer(wire);
  peer.opens();
  close(wire, peer);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.stats().time_wait_skipped.get(), 1u);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::done});
  peer.sends(fin().at(0)).gets(rst());  // nobody remembers
}

TEST_F(TimeWait, WhenFullEndsTheOldest) {
  Wire wire(with({.capacity = 2, .on_full = OnFull::evict_oldest}));
  Peer a(wire, 40'001), b(wire, 40'002), c(wire, 40'003);
  into_time_wait(wire, a);
  wire.after(5_ms);
  into_time_wait(wire, b);
  wire.after(5_ms);
  c.opens();
  close(wire, c);
  EXPECT_EQ(wire.shard->time_wait_entries(), 2u);
  EXPECT_EQ(wire.stats().time_wait_evicted.get(), 1u);
  a.sends(fin().at(0)).gets(rst());
  b.sends(fin().at(0)).gets(ack());
  c.sends(fin().at(0)).gets(ack());
}

TEST_F(TimeWait, WhenFullRefusesNewConnections) {
  Wire wire(with({.capacity = 1, .on_full = OnFull::refuse}));
  Peer a(wire, 40'001), b(wire, 40'002);
  into_time_wait(wire, a);
  b.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_full), 1u);
  a.again(a.next() + kFurther).sends(syn()).gets(syn_ack());  // it takes its own old place
}

TEST_F(TimeWait, WhenFullIsSkippedIfThePolicySaysClose) {
  Wire wire(with({.capacity = 1, .on_full = OnFull::close}));
  Peer a(wire, 40'001), b(wire, 40'002);
  into_time_wait(wire, a);
  b.opens();
  close(wire, b);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  EXPECT_EQ(wire.stats().time_wait_skipped.get(), 1u);
  a.sends(fin().at(0)).gets(ack());
}

TEST_F(TimeWait, HasNoMoreEntriesThanTheShardWasMadeWith) {
  Given given = with({.capacity = 1'000, .on_full = OnFull::close});
  given.config.sizes.time_wait = 1;
  Wire wire(given);
  Peer a(wire, 40'001), b(wire, 40'002);
  into_time_wait(wire, a);
  b.opens();
  close(wire, b);
  EXPECT_EQ(wire.stats().time_wait_skipped.get(), 1u);
}

TEST_F(TimeWait, AcknowledgesARetransmittedFinAndHoldsAnew) {
  Wire wire(with({.hold = 2_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  wire.after(1'500_ms);
  peer.sends(fin().at(0)).gets(ack().at(1).acks(1));
  EXPECT_EQ(wire.stats().time_wait_fin_again.get(), 1u);
  wire.after(1'999_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  wire.after(2_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(TimeWait, AcknowledgesOldSegmentsWithoutHoldingAnew) {
  Wire wire(with({.hold = 2_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  wire.after(1_s);
  peer.sends(text("old").at(-3)).gets(ack().at(1).acks(1));
  EXPECT_EQ(wire.drops(Drop::time_wait_segment), 1u);
  wire.after(1'002_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(TimeWait, AcknowledgesOldSegmentsNoMoreOftenThanTheRateAllows) {  // RFC 1337 2.2
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  for (int i = 0; i < 150; ++i) peer.sends(text("old").at(-3));
  EXPECT_EQ(peer.inbox.size(), 100u);
}

TEST_F(TimeWait, IgnoresAReset) {  // RFC 1337 F1
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.sends(rst()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_rst), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, EndsWithAResetIfThePolicyAcceptsIt) {
  Wire wire(with({.rules = {.rst = tcp::TimeWaitRules::OnRst::accept}}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.sends(rst().at(50)).gets(ack());  // RFC 5961: not at the left edge
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  peer.sends(rst().at(1)).gets_nothing();
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.stats().time_wait_killed.get(), 1u);
}

// -- a new incarnation: the peer opens anew --

TEST_F(TimeWait, IsReopenedByAHigherSequenceNumber) {  // RFC 9293 MAY-2, RFC 6191
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  const Seq old_end = peer.heard();
  peer.again(peer.next() + kFurther).sends(syn()).gets(syn_ack());
  EXPECT_EQ(wire.stats().time_wait_reopened_sequence.get(), 1u);
  EXPECT_TRUE(after(peer.shard_iss(), old_end)) << "the new ISN lies above all old numbers";
  peer.sends(ack()).sends(text("new life"));
  EXPECT_EQ(wire.app.heard, "new life");
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.app.opened, 2u);
}

TEST_F(TimeWait, IsReopenedByANewerTimestamp) {
  Wire wire;
  Peer peer(wire);
  peer.clock = 1'000;
  into_time_wait(wire, peer);
  peer.clock = 1'001;
  peer.again(peer.next() - kFurther).sends(syn()).gets(syn_ack());
  EXPECT_EQ(wire.stats().time_wait_reopened_timestamp.get(), 1u);
  peer.sends(ack());
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(TimeWait, IsNotReopenedByALowerSequenceNumber) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  const Seq rcv_nxt = peer.next();
  peer.again(rcv_nxt - kFurther).sends(syn());
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(peer.inbox[0].segment.flags, wire::tcp_flag::ack);  // a challenge (RFC 5961 4.2)
  EXPECT_EQ(peer.inbox[0].segment.ack, rcv_nxt);
  EXPECT_EQ(wire.drops(Drop::time_wait_syn), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, IsNotReopenedByAnOlderTimestamp) {
  Wire wire;
  Peer peer(wire);
  peer.clock = 1'000;
  into_time_wait(wire, peer);
  const Seq rcv_nxt = peer.next();
  peer.clock = 999;
  peer.again(rcv_nxt + kFurther).sends(syn());
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(peer.inbox[0].segment.flags, wire::tcp_flag::ack);  // RFC 5961 4.2
  EXPECT_EQ(peer.inbox[0].segment.ack, rcv_nxt);
  EXPECT_EQ(wire.drops(Drop::time_wait_syn), 1u);
}

TEST_F(TimeWait, DropsASynInSilenceWhereThePolicySaysSo) {  // RFC 6191 2
  Wire wire(with({.rules = {.refuse_syn = tcp::TimeWaitRules::RefuseSyn::drop}}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.again(peer.next() - kFurther).sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_syn), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, IsNotEndedByResetsThatAnswerNoSyn) {  // RFC 1337 F1
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.sends(text("old").at(-3)).gets(ack());  // that ACK draws a reset with just this number
  peer.sends(rst().at(1)).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::time_wait_rst), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, OfOurOwnActiveOpenIsNotReopenedWhereNobodyListens) {
  Wire wire;
  Peer server(wire, 8'080, kPeerIp, 1'024);
  wire.app.poll = [&](ScriptShard& shard) { connect(shard, server.shard_key(), {}); };
  wire.poll();
  server.answers();
  close(wire, server);
  const Seq rcv_nxt = server.next();
  server.again(rcv_nxt + kFurther).sends(syn());
  ASSERT_EQ(server.inbox.size(), 1u);
  EXPECT_EQ(server.inbox[0].segment.flags, wire::tcp_flag::ack);
  EXPECT_EQ(wire.drops(Drop::time_wait_syn), 1u);
  server.again(rcv_nxt).sends(rst()).gets_nothing();  // it can be no newcomer's
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, GoesOnWhenTheSynThatWouldReopenItFindsNoBlock) {
  Given given;
  given.config.sizes.connections = 1;
  Wire wire(given);
  Peer peer(wire), other(wire, 40'001);
  into_time_wait(wire, peer);
  other.opens();
  peer.again(peer.next() + kFurther).sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::table_full), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  EXPECT_EQ(wire.stats().time_wait_reopened_sequence.get(), 0u);
}

// RFC 9293 MAY-2 (b): "returns to TIME-WAIT if the SYN turns out to be an old duplicate".

TEST_F(TimeWait, IsRestoredByTheResetThatAnswersTheSynAck) {
  Wire wire(with({.hold = 10_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  const Seq old_next = peer.next();
  peer.again(old_next + kFurther).sends(syn()).gets(syn_ack());
  wire.after(5_s);
  peer.ignores().sends(rst().at(0)).gets_nothing();
  EXPECT_EQ(wire.stats().time_wait_restored.get(), 1u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_TRUE(wire.app.closed == std::vector{flow::CloseReason::time_wait})
      << "only the old one's end";
  wire.after(9'999_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u) << "held anew";
  peer.again(old_next - 1)
      .sends(said(wire::tcp_flag::fin | wire::tcp_flag::ack).at(-1));  // the old FIN
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(peer.inbox[0].segment.ack, old_next);
}

TEST_F(TimeWait, IsRestoredWhenTheSynAckIsNeverAnswered) {
  Given given = with({.hold = 60_s});
  given.settings.tcp.syn_ack_retries = 1;
  Wire wire(given);
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.again(peer.next() + kFurther).sends(syn()).gets(syn_ack());
  wire.after(4_s);
  EXPECT_EQ(wire.stats().time_wait_restored.get(), 1u);
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
}

TEST_F(TimeWait, DoesNotExpireUnderAHandshakeThatMayYetFail) {
  Given given = with({.hold = 500_ms});
  Wire wire(given);
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.again(peer.next() + kFurther).sends(syn()).gets(syn_ack());
  wire.after(900_ms);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u)
      << "the record is kept until the SYN has proved new";
  EXPECT_EQ(wire.stats().time_wait_expired.get(), 0u);
  peer.sends(ack());
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  EXPECT_EQ(wire.shard->open_connections(), 1u);
}

// -- a new incarnation: we open anew --

class Reuse : public TimeWait {
 protected:
  static Given with_reuse(std::uint8_t reuse) {
    Given given;
    given.settings.time_wait.reuse = reuse;
    return given;
  }
  static ConnectError connect(Wire& wire, const FlowKey4& key) {
    ConnectError error{};
    wire.app.poll = [&](ScriptShard& shard) { error = testing::connect(shard, key, {}).error; };
    wire.poll();
    return error;
  }
  /// Our own active open, closed by us.
  static void use(Wire& wire, Peer& server) {
    ASSERT_EQ(connect(wire, server.shard_key()), ConnectError::none);
    server.answers();
    close(wire, server);
  }
};

TEST_F(Reuse, IsRefusedByDefault) {
  Wire wire(with_reuse(0));
  Peer server(wire, 8'080, kPeerIp, 1'024);
  server.clock = 1;
  use(wire, server);
  wire.after(5_s);
  EXPECT_EQ(connect(wire, server.shard_key()), ConnectError::time_wait);
}

TEST_F(Reuse, NeedsTheDelayToPass) {
  Wire wire(with_reuse(1));
  Peer server(wire, 8'080, kPeerIp, 1'024);
  server.clock = 1;
  use(wire, server);
  wire.after(998_ms);
  EXPECT_EQ(connect(wire, server.shard_key()), ConnectError::time_wait);
  wire.after(3_ms);
  const Seq old_end = server.heard();
  EXPECT_EQ(connect(wire, server.shard_key()), ConnectError::none);
  EXPECT_EQ(wire.stats().time_wait_reused.get(), 1u);
  server.gets(syn());
  EXPECT_TRUE(after(server.shard_iss(), old_end));
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST_F(Reuse, NeedsTimestamps) {
  Wire wire(with_reuse(1));
  Peer server(wire, 8'080, kPeerIp, 1'024);
  use(wire, server);
  wire.after(5_s);
  EXPECT_EQ(connect(wire, server.shard_key()), ConnectError::time_wait);
}

TEST_F(Reuse, OverLoopbackOnlyIsNotForOthers) {
  Wire wire(with_reuse(2));
  Peer server(wire, 8'080, kPeerIp, 1'024);
  server.clock = 1;
  use(wire, server);
  wire.after(5_s);
  EXPECT_EQ(connect(wire, server.shard_key()), ConnectError::time_wait);
}

TEST_F(Reuse, CostsNoEntryWhenThereIsNoBlockForTheConnection) {
  Given given = with_reuse(1);
  given.config.sizes.connections = 1;
  Wire wire(given);
  Peer server(wire, 8'080, kPeerIp, 1'024), other(wire);
  server.clock = 1;
  use(wire, server);
  other.opens();
  wire.after(5_s);
  EXPECT_EQ(connect(wire, server.shard_key()), ConnectError::table_full);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  EXPECT_EQ(wire.stats().time_wait_reused.get(), 0u);
}

}  // namespace
}  // namespace mayfly::testing
