// A core's live connections and the app's handle on one, without a Shard.
#include "flow/connections.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/conn.h"

namespace mayfly::testing {
namespace {

using flow::Conn;
using flow::ConnectionBlock;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class ConnectionsTest : public ::testing::Test {
 protected:
  ConnectionsTest() {
    static int made = 0;
    auto all = flow::Connections::create("connections" + std::to_string(made++), sizes_, secret_,
                                         HugePages::never, now_);
    EXPECT_TRUE(all);
    all_.emplace(std::move(*all));
    all_->set_clock(now_, tcp_);
  }
  static FlowKey4 key(std::uint32_t n) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0101}, static_cast<std::uint16_t>(1'024 + n));
  }
  ConnectionBlock* open(std::uint32_t n) {
    ConnectionBlock* b = all_->open(key(n), secret_.hash(key(n)), 0);
    if (b == nullptr) return nullptr;
    open_active(b->tcp, Seq{1'000}, 0, tcp_, now_);
    b->tx.open(Seq{1'001});
    return b;
  }
  /// As if the handshake had ended.
  ConnectionBlock& established(std::uint32_t n) {
    ConnectionBlock& b = *open(n);
    b.tcp.state = tcp::State::established;
    b.tcp.snd_una = b.tcp.snd_nxt = b.tcp.snd_max = b.tcp.snd_end = Seq{1'001};
    b.tcp.snd_wnd = 10'000;
    return b;
  }
  void close(ConnectionBlock& b) {
    b.tcp.state = tcp::State::closed;
    all_->close(b);
  }
  std::vector<std::uint32_t> work_off() {
    std::vector<std::uint32_t> order;
    while (ConnectionBlock* b = all_->pending(0)) {
      order.push_back(all_->index_of(*b));
      all_->pop_pending(0);
    }
    return order;
  }

  flow::ShardSizes sizes_{.connections = 4, .time_wait = 1, .chunks = 4, .receive_buffers = 2};
  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  tcp::TcpSettings tcp_;
  Instant now_ = Instant{} + 1_s;
  std::optional<flow::Connections> all_;
};

TEST_F(ConnectionsTest, ThatWaitAreToldOfNewSettingsSomeAtEachPoll) {
  constexpr std::uint32_t kAll = 2 * flow::Connections::kRetimeBudget + 10;
  sizes_.connections = kAll;
  auto many = flow::Connections::create("retimed", sizes_, secret_, HugePages::never, now_);
  ASSERT_TRUE(many);
  all_.emplace(std::move(*many));
  all_->set_clock(now_, tcp_);
  for (std::uint32_t i = 0; i < kAll; ++i) established(i).tcp.last_heard = now_;
  work_off();
  EXPECT_FALSE(all_->retime());
  tcp_.keep_alive = {.enabled = true, .idle = 10_s};
  all_->begin_retiming();
  EXPECT_EQ(all_->next_due(), now_) << "there is work at once";
  for (const std::uint32_t told : {256u, 512u, kAll}) {
    EXPECT_TRUE(all_->retime());
    std::uint32_t count = 0;
    all_->for_each([&](const ConnectionBlock& b) { count += b.tcp.life_at.is_never() ? 0 : 1; });
    EXPECT_EQ(count, told);
  }
  EXPECT_FALSE(all_->retime());
  all_->set_clock(now_ + 11_s, tcp_);
  std::uint32_t due = 0;
  while (all_->expire(512, [&](ConnectionBlock&) { ++due; }) > 0) {
  }
  EXPECT_EQ(due, kAll) << "their timers are armed";
}

TEST_F(ConnectionsTest, AreFoundByTheirFourTupleUntilTheyAreClosed) {
  ConnectionBlock& b = *open(1);
  const std::uint32_t hash = secret_.hash(key(1));
  const std::int32_t position = all_->table().find(key(1), hash);
  ASSERT_GE(position, 0);
  EXPECT_EQ(&all_->at(position), &b);
  EXPECT_EQ(all_->key_of(b), key(1));
  close(b);
  EXPECT_LT(all_->table().find(key(1), hash), 0);
  EXPECT_EQ(all_->used(), 1u) << "its block is freed when the pending list comes to it";
  work_off();
  EXPECT_EQ(all_->used(), 0u);
}

TEST_F(ConnectionsTest, AreNoMoreThanThereAreBlocks) {
  for (std::uint32_t n = 0; n < 4; ++n) ASSERT_NE(open(n), nullptr);
  EXPECT_EQ(open(4), nullptr);
  EXPECT_LT(all_->table().find(key(4), secret_.hash(key(4))), 0) << "nothing is left in the table";
}

TEST_F(ConnectionsTest, AreWorkedOffInTheOrderInWhichTheyWantedOutputOnceEach) {
  ConnectionBlock &a = *open(1), &b = *open(2), &c = *open(3);
  all_->want_output(b);
  all_->want_output(a);
  all_->want_output(b);
  all_->want_output(c);
  EXPECT_EQ(work_off(), (std::vector{all_->index_of(b), all_->index_of(a), all_->index_of(c)}));
  EXPECT_FALSE(all_->has_pending(0));
}

TEST_F(ConnectionsTest, HaveTheirTimerArmedForTheEarliestDeadline) {
  ConnectionBlock& b = established(1);
  b.tcp.retransmit_at = now_ + 1_s;
  b.wake_at = now_ + 500_ms;
  all_->want_output(b);
  work_off();
  EXPECT_LE(all_->next_due(), now_ + 501_ms);
  std::vector<ConnectionBlock*> fired;
  const auto expire_at = [&](Instant when) {
    all_->set_clock(when, tcp_);
    all_->expire(16, [&](ConnectionBlock& each) { fired.push_back(&each); });
  };
  expire_at(now_ + 499_ms);
  EXPECT_TRUE(fired.empty());
  expire_at(now_ + 501_ms);
  EXPECT_EQ(fired, std::vector{&b});
}

TEST_F(ConnectionsTest, GiveTheirBuffersBackWhenClosed) {
  ConnectionBlock& b = established(1);
  Conn conn(*all_, b);
  EXPECT_EQ(conn.send_copy(bytes("hello")), 5u);
  ASSERT_TRUE(b.rx.reserve(all_->rx(), 0, Instant{}));
  EXPECT_EQ(all_->tx().chunks.used(), 1u);
  close(b);
  EXPECT_EQ(all_->tx().chunks.used(), 0u);
  EXPECT_EQ(all_->tx().extents.used(), 0u);
  EXPECT_EQ(all_->rx().used(), 0u);
}

TEST_F(ConnectionsTest, GiveTheirLossRecordsBackWhenIdleAndWhenClosed) {
  sizes_.loss_records = 1;
  auto few = flow::Connections::create("records", sizes_, secret_, HugePages::never, now_);
  ASSERT_TRUE(few);
  all_.emplace(std::move(*few));
  all_->set_clock(now_, tcp_);
  ConnectionBlock &first = established(1), &second = established(2);
  ASSERT_TRUE(all_->lend_record(first));
  EXPECT_FALSE(all_->lend_record(second));
  first.tcp.loss->held.count = 1;
  all_->want_output(first);
  work_off();
  EXPECT_EQ(all_->loss_records().used(), 1u) << "it is in use";
  first.tcp.loss->held.count = 0;
  all_->want_output(first);
  work_off();
  EXPECT_EQ(first.tcp.loss, nullptr);
  EXPECT_EQ(all_->loss_records().used(), 0u);
  ASSERT_TRUE(all_->lend_record(second));
  second.tcp.loss->held.count = 1;
  close(second);
  EXPECT_EQ(all_->loss_records().used(), 0u);
}

TEST_F(ConnectionsTest, HaveIdsThatNameNoLaterConnection) {
  ConnectionBlock& first = established(1);
  const std::uint64_t id = Conn(*all_, first).id();
  close(first);
  work_off();
  ConnectionBlock& second = established(2);
  EXPECT_EQ(all_->index_of(first), all_->index_of(second)) << "the block serves again";
  EXPECT_NE(Conn(*all_, second).id(), id);
}

TEST_F(ConnectionsTest, TellTcpOfAtMostAGigabyteAheadAndCloseBehindTheRest) {
  static constexpr std::byte kBlock[4'096] = {};
  ConnectionBlock& b = established(1);
  Conn conn(*all_, b);
  constexpr std::uint64_t kLength = 3ull << 30;
  EXPECT_EQ(conn.send_repeating(kBlock, kLength), kLength);
  EXPECT_EQ(b.tcp.snd_end - b.tcp.snd_una, std::int32_t{1} << 30);
  conn.close();
  EXPECT_EQ(b.tcp.state, tcp::State::established) << "the FIN goes behind all of it";
  EXPECT_EQ(conn.send(bytes("more")), 0u) << "nothing may follow a close";
  EXPECT_EQ(conn.unsent(), kLength);
}

TEST_F(ConnectionsTest, OweTheResetOfAnAbort) {
  ConnectionBlock& b = established(1);
  Conn(*all_, b).abort();
  EXPECT_EQ(b.tcp.state, tcp::State::closed);
  EXPECT_TRUE(b.tcp.has(flow::block_flag::owes_rst));
  EXPECT_EQ(b.tcp.snd_nxt, Seq{1'001}) << "exactly SND.NXT (RFC 9293 3.10.5)";
  EXPECT_EQ(all_->pending(0), &b);
}

TEST_F(ConnectionsTest, OweNoResetBeforeTheHandshake) {
  ConnectionBlock& b = *open(1);
  Conn(*all_, b).abort();
  EXPECT_EQ(b.tcp.state, tcp::State::closed);
  EXPECT_FALSE(b.tcp.has(flow::block_flag::owes_rst));
}

}  // namespace
}  // namespace mayfly::testing
