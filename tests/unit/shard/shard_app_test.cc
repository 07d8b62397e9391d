// What the app and the shard's owner may ask for: wake-ups, keep-alive, new settings, draining,
// ends.
#include <gtest/gtest.h>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

TEST(ShardWake, ComesAtTheTimeAndOnce) {
  Wire wire;
  Peer peer(wire);
  wire.app.open = [](ScriptConn& c) { c.wake_at(c.now() + 20_ms); };
  peer.opens();
  wire.after(19_ms);
  EXPECT_EQ(wire.app.woken, 0u);
  wire.after(1_ms);
  EXPECT_EQ(wire.app.woken, 1u);
  wire.after(100_ms);
  EXPECT_EQ(wire.app.woken, 1u);
}

TEST(ShardWake, CanBePutOffAndBroughtForward) {
  Wire wire;
  Peer peer(wire);
  wire.app.open = [](ScriptConn& c) { c.wake_at(c.now() + 20_ms); };
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.wake_at(c.now() + 50_ms); });
  wire.after(49_ms);
  EXPECT_EQ(wire.app.woken, 0u) << "the earlier wake was put off";
  wire.after(1_ms);
  EXPECT_EQ(wire.app.woken, 1u);
  wire.app_does([](ScriptConn& c) { c.wake_at(c.now() + 50_ms); });
  wire.app_does([](ScriptConn& c) { c.wake_at(c.now() + 5_ms); });
  wire.after(5_ms);
  EXPECT_EQ(wire.app.woken, 2u) << "brought forward";
  wire.after(100_ms);
  EXPECT_EQ(wire.app.woken, 2u);
}

TEST(ShardWake, CanBeCancelled) {
  Wire wire;
  Peer peer(wire);
  wire.app.open = [](ScriptConn& c) { c.wake_at(c.now() + 20_ms); };
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.wake_at(Instant::never()); });
  wire.after(100_ms);
  EXPECT_EQ(wire.app.woken, 0u);
}

TEST(ShardWake, MayAskForTheNext) {
  Wire wire;
  Peer peer(wire);
  wire.app.open = wire.app.wake = [](ScriptConn& c) { c.wake_at(c.now() + 10_ms); };
  peer.opens();
  wire.after(100_ms);
  EXPECT_EQ(wire.app.woken, 10u);
}

TEST(ShardKeepAlive, ProbesASilentPeerAndGivesItUp) {
  Given given;
  given.settings.tcp.keep_alive = {true, 10_s, 1_s, 2};
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.after(9'999_ms);
  peer.gets_nothing();
  wire.after(1_ms);
  peer.gets(ack().at(-1));
  peer.sends(ack());  // it lives
  wire.after(10_s);
  peer.gets(ack().at(-1));
  wire.after(1_s);
  peer.gets(ack().at(-1));
  wire.after(1_s);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::timed_out});
}

TEST(ShardTimeOut, GivesUpAPeerThatNeverAcknowledges) {
  Given given;
  given.settings.tcp.retries = 2;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("hello")); });
  wire.after(10_s);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::timed_out});
  EXPECT_EQ(peer.inbox.size(), 3u);
}

TEST(ShardOwner, MayChangeSettingsWhileConnectionsAreOpen) {
  Wire wire;
  Peer peer(wire), other(wire, 40'001);
  peer.opens();
  shard::ShardSettings changed = wire.settings;
  changed.tcp.delayed_ack = 0_ms;
  changed.time_wait.hold = 0_s;
  wire.use(changed);
  peer.sends(text("ping")).gets(ack().acks(4));
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.gets(fin()).sends(fin());
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::done}) << "without TIME_WAIT";
  wire.use(wire.settings);
  other.opens().sends(text("ping")).gets_nothing();  // the ACK is delayed again
}

TEST(ShardSettings, ThatArriveLiveEndAFinWait2ThatWaitsAlready) {
  Given given;
  given.settings.tcp.fin_wait_2_hold = 0_s;
  Wire wire(given);
  Peer peer(wire), later(wire, 40'001);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close_both(); });
  peer.gets(fin()).sends(ack());
  wire.after(5_s);
  EXPECT_EQ(wire.shard->open_connections(), 1u);
  shard::ShardSettings changed = wire.settings;
  changed.tcp.fin_wait_2_hold = 7_s;
  wire.use(changed).after(1'900_ms);
  EXPECT_EQ(wire.shard->open_connections(), 1u);
  wire.after(200_ms);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::fin_wait_2});
  later.opens();
}

TEST(ShardSettings, ThatArriveLiveReachIdleConnectionsWithKeepAlive) {
  Wire wire;
  Peer peer(wire);
  peer.opens().ignores();
  wire.after(5_s);
  shard::ShardSettings changed = wire.settings;
  changed.tcp.keep_alive = {.enabled = true, .idle = 6_s, .interval = 1_s, .probes = 2};
  wire.use(changed).after(900_ms);
  peer.gets_nothing();
  wire.after(200_ms);
  peer.gets(ack().at(-1));
  wire.after(2_s);
  EXPECT_EQ(wire.app.closed, std::vector{flow::CloseReason::timed_out});
}

TEST(ShardOwner, DrainsByRefusingSynsWhileOpenConnectionsFinish) {
  Wire wire;
  Peer open(wire), late(wire, 40'001);
  wire.app.peer_closed = [](ScriptConn& c) { c.close(); };
  wire.app.data = [](ScriptConn& c, std::string_view said) { return c.send_copy(bytes_of(said)); };
  open.opens();
  wire.shard->drain();
  late.sends(syn()).gets(said(wire::tcp_flag::rst | wire::tcp_flag::ack));
  EXPECT_EQ(wire.drops(Drop::tcp_draining), 1u);
  open.sends(text("still served")).gets(text("still served"));
  open.sends(fin()).gets(fin()).sends(ack());
  EXPECT_EQ(wire.shard->open_connections(), 0u);
}

TEST(ShardOwner, LeavesTheSynsOfADrainToTheNextProcessIfItIsSetSo) {
  Given given;
  given.settings.drain_syns = shard::DrainSyns::ignore;
  Wire wire(given);
  Peer open(wire), late(wire, 40'001);
  open.opens();
  wire.shard->drain();
  late.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::tcp_draining), 1u);
}

TEST(ShardOwner, AbortsAllConnectionsWhateverTheirState) {
  Wire wire;
  Peer opening(wire, 40'001), open(wire, 40'002), closing(wire, 40'003);
  opening.sends(syn()).gets(syn_ack());
  closing.opens();
  wire.app_does([](ScriptConn& c) { c.close(); });
  closing.gets(fin());
  open.opens();
  wire.shard->abort_all(wire.now);
  wire.poll();
  for (Peer* peer : {&opening, &open, &closing}) peer->gets(rst()).gets_nothing();
  EXPECT_EQ(wire.shard->open_connections(), 0u);
  EXPECT_EQ(wire.closed(flow::CloseReason::aborted), 3u);
  EXPECT_EQ(wire.app.closed.size(), 2u) << "one had not been opened yet";
}

TEST(ShardOwner, TellsEveryPeerWhenItAbortsMoreThanTheStageHolds) {
  constexpr std::uint16_t kMany = 700;
  Given given;
  given.config.sizes.connections = kMany;
  Wire wire(given);
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint16_t i = 0; i < kMany; ++i) {
    peers.push_back(std::make_unique<Peer>(wire, std::uint16_t(10'000 + i)));
    peers.back()->opens();
  }
  wire.shard->abort_all(wire.now);
  wire.poll();
  for (auto& peer : peers) peer->gets(rst());
}

TEST(ShardOwner, SeesASynOfAReopenedFlowAfterAnAbortAsOneInTimeWait) {
  Wire wire;
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.gets(fin()).sends(fin()).ignores();
  const Seq old_next = peer.next();
  peer.again(old_next + 1'000).sends(syn()).gets(syn_ack());  // reopened, not yet proven
  wire.shard->abort_all(wire.now);
  peer.sends(syn()).ignores();  // in the same poll, before the block is freed
  EXPECT_EQ(wire.stats().time_wait_restored.get(), 1u);
  EXPECT_EQ(wire.shard->connections().table().used(), 1u) << "one flow, in the table once";
}

TEST(ShardOwner, VisitsEachOpenConnection) {
  Wire wire;
  Peer first(wire, 40'001), second(wire, 40'002), third(wire, 40'003);
  first.opens();
  second.opens();
  third.opens();
  second.sends(rst());
  std::vector<std::uint16_t> ports;
  unsigned visited = 0;
  wire.shard->for_each(wire.now, [&](ScriptConn& c) {
    ++visited;
    ports.push_back(c.local_port());
  });
  EXPECT_EQ(visited, 2u);
  EXPECT_EQ(ports, (std::vector<std::uint16_t>{80, 80}));
}

TEST(ShardOwner, KnowsWhenItIsDueNext) {
  Wire wire;
  Peer peer(wire);
  EXPECT_TRUE(wire.shard->next_due().is_never());
  wire.app.open = [](ScriptConn& c) { c.wake_at(c.now() + 20_ms); };
  peer.opens();
  EXPECT_LE(wire.shard->next_due(), wire.now + 20_ms);
  EXPECT_GT(wire.shard->next_due(), wire.now);
  wire.port.room = 0;
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("waits for the device")); });
  EXPECT_LE(wire.shard->next_due(), wire.now) << "frames wait for the device";
}

TEST(ShardOwner, NamesConnectionsAndNeverTwice) {
  Wire wire;
  Peer first(wire, 40'001), second(wire, 40'002);
  std::vector<std::uint64_t> ids;
  wire.app.open = [&](ScriptConn& c) { ids.push_back(c.id()); };
  first.opens().sends(rst());
  second.opens();
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_NE(ids[0], ids[1]);
}

TEST(ShardOwner, CountsWhatPasses) {
  Wire wire;
  Peer peer(wire);
  const auto received = wire.stats().rx_packets.get(), bytes = wire.stats().rx_bytes.get();
  const auto sent = wire.stats().tx_packets.get();
  peer.opens();
  EXPECT_EQ(wire.stats().rx_packets.get() - received, 2u);
  EXPECT_EQ(wire.stats().rx_bytes.get() - bytes, 58u + 54u);
  EXPECT_EQ(wire.stats().tx_packets.get() - sent, 1u);
  EXPECT_EQ(wire.stats().connections.get(), 1u);
  peer.sends(rst());
  EXPECT_EQ(wire.stats().connections.get(), 0u);
  EXPECT_EQ(wire.stats().connections_peak.get(), 1u);
}

// -- no room --

TEST(ShardRoom, DropsTheSynWhenConnectionBlocksRunOutAndTakesTheNext) {
  Given given;
  given.config.sizes.connections = 1;
  Wire wire(given);
  Peer first(wire, 40'001), second(wire, 40'002);
  first.opens();
  second.sends(syn()).gets_nothing();
  EXPECT_EQ(wire.drops(Drop::table_full), 1u);
  first.sends(rst());
  second.sends(syn()).gets(syn_ack());
}

TEST(ShardRoom, FailsToConnectWhenConnectionBlocksRunOut) {
  Given given;
  given.config.sizes.connections = 1;
  Wire wire(given);
  Peer first(wire, 40'001), second(wire, 8'080, kPeerIp, 1'024);
  first.opens();
  shard::ConnectError error = shard::ConnectError::none;
  wire.app.poll = [&](ScriptShard& shard) { error = connect(shard, second.shard_key(), {}).error; };
  wire.poll();
  EXPECT_EQ(error, shard::ConnectError::table_full);
  EXPECT_EQ(wire.stats().connections.get(), 1u);
}

TEST(ShardRoom, IsPlannedAsItIsTaken) {
  const Given given;
  std::size_t bytes = 0;
  for (const flow::MemoryItem& item : memory_plan(given.config.sizes)) {
    EXPECT_FALSE(item.what.empty());
    bytes += item.bytes;
  }
  EXPECT_GT(bytes, 100 * sizeof(flow::ConnectionBlock) + 100 * sizeof(flow::TimeWaitRecord));
}

TEST(ShardTimestamps, ThatAMiddleboxBlanksAreCountedOnceAConnection) {
  Wire wire;
  Peer peer(wire), other(wire, 40'001);
  wire.app.data = [](ScriptConn& c, std::string_view said) { return c.send_copy(bytes_of(said)); };
  peer.sends(syn().stamped(1'000)).gets(syn_ack());
  peer.sends(ack()).sends(text("ping")).gets(text("ping")).sends(text("pong").acks(4));
  peer.gets(text("pong"));
  other.opens();
  EXPECT_EQ(wire.stats().timestamps_missing.get(), 1u);
  EXPECT_EQ(wire.drops(Drop::tcp_no_timestamp), 0u);
  EXPECT_EQ(wire.stats().accepted.get(), 2u);
}

TEST(ShardTimestamps, ThatAMiddleboxBlanksLetTheFourTupleOpenAnewFromTimeWait) {
  Wire wire;
  Peer peer(wire);
  peer.sends(syn().stamped(1'000)).gets(syn_ack());
  peer.sends(ack());
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.gets(fin()).sends(fin()).gets(ack());
  ASSERT_EQ(wire.shard->time_wait_entries(), 1u);
  peer.sends(fin().at(0)).gets(ack().at(1).acks(1));  // the ACK was lost
  const Seq old = peer.next();
  peer.again(old + 1'000);
  peer.sends(syn().stamped(2'000)).gets(syn_ack()).sends(ack());
  EXPECT_EQ(wire.stats().time_wait_reopened_sequence.get(), 1u);
  EXPECT_EQ(wire.stats().accepted.get(), 2u);
}

}  // namespace
}  // namespace mayfly::testing
