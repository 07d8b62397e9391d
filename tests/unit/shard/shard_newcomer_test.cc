// A newcomer to a four-tuple in TIME_WAIT: another host behind the same NAT, or the same one after
// a restart, whose SYN is not newer than what the old connection used.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

class Newcomer : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kOld = 10'000;
  /// Opens a connection that the shard closes first, and leaves it in TIME_WAIT.
  static void into_time_wait(Wire& wire, Peer& peer) {
    peer.opens();
    wire.app_does([](ScriptConn& c) { c.close(); });
    peer.ignores().sends(fin());
    peer.gets(ack().at(1).acks(1));
    ASSERT_EQ(wire.shard->time_wait_entries(), 1u);
  }
  /// A SYN that is not newer, and the RST that answers the ACK of it; both at once.
  static void knocks(Wire& wire, Peer& peer) {
    const Seq rcv_nxt = peer.next();
    peer.again(rcv_nxt - kOld).sends(syn());
    ASSERT_EQ(peer.inbox.size(), 1u);
    ASSERT_EQ(peer.inbox[0].segment.ack, rcv_nxt);
    peer.again(rcv_nxt).sends(rst()).gets_nothing();
    EXPECT_EQ(wire.stats().time_wait_killed_after_syn.get(), 1u);
  }
};

TEST_F(Newcomer, IsLetInAfterItsReset) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  const Seq old_end = peer.heard(), rcv_nxt = peer.next();
  knocks(wire, peer);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
  peer.again(rcv_nxt - kOld).sends(syn()).gets(syn_ack());
  EXPECT_GT(peer.shard_iss() - old_end, 1 << 30) << "old segments are out of reach";
  peer.sends(ack()).sends(text("hello"));
  EXPECT_EQ(wire.app.heard, "hello");
  EXPECT_EQ(wire.app.opened, 2u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

// Nothing but the old ACK tells the old text from the newcomer's: it lies in the window.
TEST_F(Newcomer, HearsNothingOfTheOldConnectionsText) {
  for (const std::int64_t back : {1, 100, 1'000}) {
    Wire wire;
    Peer old(wire);
    old.opens();
    old.sends(text(std::string(1'000, 'o')));
    const Bytes late_text = old.frame(text(std::string(1'000, 'o')).at(0));
    wire.app_does([](ScriptConn& c) { c.close(); });
    old.ignores().sends(fin()).ignores();
    const Seq rcv_nxt = old.next();
    const Bytes late_fin = old.frame(said(wire::tcp_flag::fin | wire::tcp_flag::ack).at(1'000));
    knocks(wire, old);
    wire.app.heard.clear();
    const Seq iss = rcv_nxt - 1'002 - static_cast<std::uint32_t>(back);
    old.again(iss).sends(syn()).gets(syn_ack());
    const auto late_ones_arrive = [&] {
      wire.put(late_text);
      wire.put(late_fin);
      wire.poll();
    };
    late_ones_arrive();
    old.ignores().sends(ack());
    late_ones_arrive();
    old.ignores().sends(text(std::string(static_cast<std::size_t>(back), 'n')));
    late_ones_arrive();
    EXPECT_EQ(wire.app.heard, std::string(static_cast<std::size_t>(back), 'n')) << back;
    EXPECT_EQ(wire.shard->open_connections(), 1u) << back;
  }
}

TEST_F(Newcomer, ThatNeverComesLeavesTheFourTupleToOthersAtTheEndOfTheHold) {
  Wire wire(with({.hold = 10_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  knocks(wire, peer);
  wire.after(10_s);
  EXPECT_EQ(wire.stats().time_wait_expired.get(), 0u) << "it ended by the reset";
  peer.again(peer.next() + kOld).sends(syn()).gets(syn_ack());
}

// What the reset of an old duplicate's sender costs: what is late is answered as by a closed port.
TEST_F(Newcomer, WhoseResetEndedItLeavesNobodyToAnswerTheFin) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  knocks(wire, peer);
  peer.again(peer.next() - 1).sends(fin().acks(1)).gets(rst());
  EXPECT_EQ(wire.stats().rst_to_last_ack.get(), 1u);
}

TEST_F(Newcomer, ThatWasAnOldDuplicateAfterAllGivesTheEntryBack) {  // RFC 9293 MAY-2 (b)
  Wire wire(with({.hold = 10_s}));
  Peer peer(wire);
  into_time_wait(wire, peer);
  const Seq rcv_nxt = peer.next();
  knocks(wire, peer);
  peer.again(rcv_nxt - kOld).sends(syn()).gets(syn_ack());
  peer.ignores().sends(rst().at(0)).gets_nothing();
  EXPECT_EQ(wire.stats().time_wait_restored.get(), 1u);
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  peer.again(rcv_nxt - 1).sends(said(wire::tcp_flag::fin | wire::tcp_flag::ack).at(-1));
  ASSERT_EQ(peer.inbox.size(), 1u);
  EXPECT_EQ(peer.inbox[0].segment.flags, wire::tcp_flag::ack) << "the old FIN finds it as it was";
}

TEST_F(Newcomer, WhoMeetsAnOldSynOnTrialIsLetInAfterOneReset) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  const Seq rcv_nxt = peer.next();
  peer.again(rcv_nxt + kOld).sends(syn()).gets(syn_ack());  // looks newer, and nobody wants it
  peer.again(rcv_nxt - kOld).sends(syn());
  ASSERT_EQ(peer.inbox.size(), 1u);
  const Seq asked = peer.inbox[0].segment.ack;
  EXPECT_EQ(asked, rcv_nxt + kOld + 1);
  peer.again(asked).sends(rst()).gets_nothing();
  EXPECT_EQ(wire.stats().time_wait_restored.get(), 1u);
  EXPECT_EQ(wire.stats().time_wait_killed_after_syn.get(), 1u);
  peer.again(rcv_nxt - kOld).sends(syn()).gets(syn_ack());
}

TEST_F(Newcomer, NeedNotWaitForTheFourTupleOfOurOwnOpen) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  knocks(wire, peer);
  wire.app.poll = [&](ScriptShard& shard) {
    EXPECT_EQ(connect(shard, peer.shard_key(), {}).error, shard::ConnectError::none);
  };
  wire.poll();
  EXPECT_EQ(wire.stats().time_wait_reused.get(), 0u);
}

}  // namespace
}  // namespace mayfly::testing
