// What other stacks get wrong about TIME_WAIT, each as a test named after the right behaviour. What
// is tested elsewhere is in README.md.
#include <gtest/gtest.h>

#include "flow/time_wait_log.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

using OnFull = flow::TimeWaitPolicy::OnFull;

constexpr std::uint32_t kFurther = 10'000;

/// Opens a connection that the shard closes first.
void into_time_wait(Wire& wire, Peer& peer) {
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.ignores().sends(fin()).ignores();
}

// warp17: the SYN that ends a TIME_WAIT is itself lost, so the client must wait a second to retry.
TEST(TheSynThatEndsATimeWait, IsAnsweredItself) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.again(peer.next() + kFurther).sends(syn()).gets(syn_ack());
}

// TLDK: a SYN gets a cookie while the four-tuple is in TIME_WAIT, and the final ACK hits the old
// entry.
TEST(TheHandshakeOverATimeWait, EndsAtTheNewConnectionAndNotAtTheOldEntry) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.again(peer.next() + kFurther).sends(syn()).gets(syn_ack());
  peer.sends(ack()).gets_nothing();
  EXPECT_EQ(wire.app.opened, 2u);
  peer.sends(text("ping"));
  EXPECT_EQ(wire.app.heard, "ping");
}

// The same when final ACK and text are looked up in one burst, before the first is handled.
TEST(TheHandshakeOverATimeWait, MayEndInOneBurstWithItsText) {
  Wire wire;
  Peer peer(wire);
  into_time_wait(wire, peer);
  peer.again(peer.next() + kFurther).sends(syn()).gets(syn_ack());
  peer.puts(ack()).puts(text("pi")).sends(text("ng"));
  EXPECT_EQ(wire.app.heard, "ping");
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

// VPP: the PAWS test in TIME_WAIT uses options that were not parsed from this SYN.
TEST(ASynInTimeWait, IsJudgedByItsOwnTimestampAndNotByTheOneOfTheSegmentBefore) {
  Wire wire;
  Peer old(wire), other(wire, 40'001);
  old.clock = other.clock = 1'000;
  into_time_wait(wire, old);
  other.opens();
  other.clock = 2'000;
  old.clock = 999;
  other.puts(text("newer"));
  old.again(old.next() - kFurther).sends(syn()).gets(ack());
  EXPECT_EQ(wire.drops(Drop::time_wait_syn), 1u);

  other.clock = 2'001;
  old.clock.reset();
  other.puts(text("newer"));
  old.sends(syn()).gets(ack());  // no option of its own, and an old sequence number
  EXPECT_EQ(wire.drops(Drop::time_wait_syn), 2u);
}

// lwIP, Caladan: every timer tick walks a list of all entries.
TEST(ManyTimeWaits, CostNothingUntilTheirTimeComes) {
  constexpr std::uint32_t kEntries = 100'000;
  auto memory = flow::TimeWaitLogMemory::create(kEntries, HugePages::never);
  ASSERT_TRUE(memory);
  const Instant start{};
  const flow::FlowSecret secret;
  flow::TimeWaitLog log(std::move(*memory), secret, start);
  log.set_hold(0, 60_s);
  for (std::uint32_t i = 0; i < kEntries; ++i) {
    const auto key = FlowKey4::of(kServerIp, 80, {kPeerIp.host + i / 50'000},
                                  static_cast<std::uint16_t>(i % 50'000));
    log.insert(key, secret.hash(key), {}, 0, start);
  }
  std::size_t work = 0, ended = 0;
  for (Instant now = start; now < start + 60_s; now = now + 10_ms)
    work += log.expire(now, 512).work;
  EXPECT_EQ(work, 0u) << "in 6,000 ticks";
  for (int i = 0; i < 1'000; ++i) {
    const flow::TimeWaitLog::Expired over = log.expire(start + 60_s, 512);
    work += over.work;
    ended += over.entries;
  }
  EXPECT_EQ(ended, kEntries);
  EXPECT_LE(work, 2u * kEntries);
}

// F-Stack: a cap of a few entries silently turns TIME_WAIT off.
TEST(ACapOnTimeWait, CountsEveryConnectionThatItLeavesWithout) {
  for (const OnFull on_full : {OnFull::close, OnFull::evict_oldest}) {
    Wire wire(with({.capacity = 2, .on_full = on_full}));
    for (std::uint16_t port = 40'000; port < 40'010; ++port) {
      Peer peer(wire, port);
      into_time_wait(wire, peer);
    }
    EXPECT_EQ(wire.stats().time_wait_evicted.get() + wire.stats().time_wait_skipped.get(), 8u);
    EXPECT_EQ(wire.shard->time_wait_entries(), 2u);
  }
}

TEST(ACapOnTimeWait, IsLargeUnlessTheUserWantsItSmall) {
  EXPECT_GE(flow::TimeWaitPolicy{}.capacity, 1'000'000u);
}

// F-Stack: statistics and control hang exactly when the connection rate collapses.
TEST(AShardThatRefusesEverything, StillCountsAndStillTakesNewSettings) {
  shard::ShardSettings larger;
  larger.time_wait.capacity = 100;
  Wire wire(with({.capacity = 1, .on_full = OnFull::refuse}));
  Peer first(wire, 40'000), second(wire, 40'001);
  into_time_wait(wire, first);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    Peer other(wire, static_cast<std::uint16_t>(41'000 + i));
    other.sends(syn()).gets_nothing();
    ASSERT_EQ(wire.drops(Drop::time_wait_full), i);
  }
  wire.use(larger);
  wire.poll();
  second.sends(syn()).gets(syn_ack());
  wire.use(wire.settings);
  wire.poll();
}

}  // namespace
}  // namespace mayfly::testing
