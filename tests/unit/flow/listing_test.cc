// A listing of a core's connections and TIME_WAIT entries, step by step while they change.
#include "flow/listing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flow/conn.h"

namespace mayfly::testing {
namespace {

using flow::ConnectionBlock;
using flow::Listing;

class ListingTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kMost = 4 * Listing::kRecordsAStep;

  ListingTest() {
    static int made = 0;
    auto connections = flow::Connections::create("listing" + std::to_string(made++), sizes_,
                                                 secret_, HugePages::never, now_);
    EXPECT_TRUE(connections);
    connections_.emplace(std::move(*connections));
    connections_->set_clock(now_, tcp_);
    auto memory = flow::TimeWaitMemory::create(kMost, HugePages::never);
    EXPECT_TRUE(memory);
    policy_.capacity = kMost;
    time_waits_.emplace(std::move(*memory), secret_, policy_, stats_, now_);
  }
  static FlowKey4 key(std::uint32_t n) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0100 + n % 2},
                        static_cast<std::uint16_t>(1 + n));
  }
  ConnectionBlock& open(std::uint32_t n) {
    ConnectionBlock* b = connections_->open(key(n), secret_.hash(key(n)), 0);
    MAYFLY_ASSERT(b != nullptr);
    open_active(b->tcp, Seq{1'000}, 0, tcp_, now_);
    b->tx.open(Seq{1'001});
    b->tcp.state = tcp::State::established;
    return *b;
  }
  void enter(std::uint32_t n) {
    tcp::Connection c;
    c.state = tcp::State::time_wait;
    c.snd_nxt = c.snd_una = c.snd_max = Seq{1'000};
    c.rcv_nxt = Seq{5'000};
    EXPECT_TRUE(time_waits_->enter(key(n), secret_.hash(key(n)), c, now_));
  }
  /// The connection ends, and leaves an entry.
  void end(ConnectionBlock& b, std::uint32_t n) {
    b.tcp.state = tcp::State::closed;
    connections_->close(b);
    while (connections_->pending(0) != nullptr) connections_->pop_pending(0);
    enter(n);
  }
  void after(Duration span) {
    now_ = now_ + span;
    connections_->set_clock(now_, tcp_);
    time_waits_->poll(now_);
  }
  bool step() { return listing_.step(*connections_, *time_waits_, now_); }
  std::size_t list(const flow::ListFilter& filter = {}) {
    listing_.begin(filter, now_, {}, Listing::kFoundMax);
    while (!step()) {
    }
    return listing_.found().size();
  }

  flow::ShardSizes sizes_{.connections = 200, .time_wait = 1, .chunks = 4, .receive_buffers = 2};
  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  tcp::TcpSettings tcp_;
  flow::TimeWaitPolicy policy_{.hold = 60_s};
  flow::ShardStats stats_;
  Instant now_ = Instant{} + 1_s;
  std::optional<flow::Connections> connections_;
  std::optional<flow::TimeWaits> time_waits_;
  Listing listing_;
};

TEST_F(ListingTest, SaysWhatIsKnownOfEach) {
  ConnectionBlock& b = open(1);
  b.tcp.srtt_us = 1'500;
  b.retransmits = 3;
  after(2_s);
  enter(2);
  after(5_s);
  ASSERT_EQ(list(), 2u);
  const flow::ListedConnection& live = listing_.found()[0];
  EXPECT_EQ(live.key, key(1));
  EXPECT_EQ(live.state, tcp::State::established);
  EXPECT_EQ(live.age, 7_s);
  EXPECT_EQ(live.srtt_us, 1'500u);
  EXPECT_EQ(live.retransmits, 3u);
  const flow::ListedConnection& held = listing_.found()[1];
  EXPECT_EQ(held.state, tcp::State::time_wait);
  EXPECT_EQ(held.age, 5_s);
  EXPECT_EQ(held.left, 55_s);
}

TEST_F(ListingTest, ShowsOnlyWhatItsFilterTakes) {
  for (std::uint32_t n = 0; n < 10; ++n) open(n);
  for (std::uint32_t n = 10; n < 20; ++n) enter(n);
  after(1_s);
  EXPECT_EQ(list({.states = tcp::states(tcp::State::time_wait)}), 10u);
  EXPECT_EQ(list({.states = tcp::states(tcp::State::fin_wait_2)}), 0u);
  EXPECT_EQ(list({.peer = Prefix::of({0xc612'0101}, 32)}), 10u);
  EXPECT_EQ(list({.port = 80}), 20u);
  EXPECT_EQ(list({.port = 13}), 1u);
}

TEST_F(ListingTest, LooksAtABoundedPartInEachStep) {
  for (std::uint32_t n = 0; n < 2 * Listing::kBlocksAStep; ++n) open(n);
  listing_.begin({}, now_, {}, Listing::kFoundMax);
  EXPECT_FALSE(step());
  EXPECT_EQ(listing_.found().size(), Listing::kBlocksAStep);
  listing_.begin({.port = 1'023}, now_, {}, Listing::kFoundMax);
  step();
  EXPECT_EQ(listing_.place().next, Listing::kBlocksAStep) << "what is not shown counts, too";
}

TEST_F(ListingTest, GoesOnFromItsPlaceWhenThereIsNoMoreRoom) {
  for (std::uint32_t n = 0; n < 100; ++n) open(n);
  for (std::uint32_t n = 100; n < 200; ++n) enter(n);
  after(1_s);
  const Instant as_of = now_;
  std::set<std::uint16_t> ports;
  std::size_t shown = 0;
  Listing::Place place;
  while (place.part != Listing::Place::Part::end) {
    listing_.begin({}, as_of, place, 7);
    while (!step()) {
    }
    EXPECT_LE(listing_.found().size(), 7u);
    for (const auto& one : listing_.found()) ports.insert(one.key.remote_port_host());
    shown += listing_.found().size();
    place = listing_.place();
  }
  EXPECT_EQ(shown, 200u);
  EXPECT_EQ(ports.size(), 200u);
}

TEST_F(ListingTest, DoesNotShowAConnectionAgainAsTheEntryThatItLeaves) {
  ConnectionBlock& b = open(1);
  after(1_s);
  listing_.begin({}, now_, {}, Listing::kFoundMax);
  EXPECT_FALSE(step());
  ASSERT_EQ(listing_.found().size(), 1u);
  after(1_ms);
  end(b, 1);
  while (!step()) {
  }
  EXPECT_EQ(listing_.found().size(), 1u);
}

TEST_F(ListingTest, LeavesOutWhatWasOpenedAfterItBegan) {
  for (std::uint32_t n = 0; n < Listing::kBlocksAStep; ++n) open(n);
  after(1_s);
  listing_.begin({}, now_, {}, Listing::kFoundMax);
  step();
  after(1_ms);
  open(Listing::kBlocksAStep);
  while (!step()) {
  }
  EXPECT_EQ(listing_.found().size(), Listing::kBlocksAStep);
}

// Dead records are squeezed out while the log is full, so that entries move past the place.
TEST_F(ListingTest, ShowsNoEntryTwiceWhileTheLogIsSqueezed) {
  std::uint32_t next = 0;
  const auto reopen = [&](std::uint32_t n) {
    const std::uint32_t hash = secret_.hash(key(n));
    time_waits_->end_for_reuse(time_waits_->find(key(n), hash), hash);
  };
  for (; next < kMost; ++next) enter(next);
  after(10_ms);
  for (std::uint32_t n = 1; n < kMost; n += 2) reopen(n);
  std::set<std::uint16_t> ports;
  std::size_t shown = 0;
  Listing::Place place;
  const Instant as_of = now_;
  while (place.part != Listing::Place::Part::end) {
    listing_.begin({}, as_of, place, 50);
    while (!step()) {
      after(1_ms);
      for (int i = 0; i < 50 && time_waits_->used() < kMost; ++i) enter(next++);
    }
    for (const auto& one : listing_.found()) ports.insert(one.key.remote_port_host());
    shown += listing_.found().size();
    place = listing_.place();
  }
  EXPECT_EQ(ports.size(), shown);
  EXPECT_GT(shown, kMost / 4) << "and does not lose most of them";
}

}  // namespace
}  // namespace mayfly::testing
