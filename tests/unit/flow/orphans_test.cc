// Who counts as an orphan, in which order they go, and that leaving costs nothing of the others.
#include "flow/orphans.h"

#include <gtest/gtest.h>

#include <optional>

namespace mayfly::testing {
namespace {

using flow::ConnectionBlock;

class OrphansTest : public ::testing::Test {
 protected:
  OrphansTest() {
    all_.emplace(std::move(*flow::Connections::create(
        "orphans", {.connections = 8, .time_wait = 1, .chunks = 4, .receive_buffers = 2}, secret_,
        HugePages::never, Instant{} + 1_s)));
    orphans_.emplace(*all_, policy_, stats_);
  }
  /// Closed both ways, its FIN sent `retries` times more.
  ConnectionBlock& closing(std::uint16_t n, std::uint8_t retries = 1) {
    const FlowKey4 key = FlowKey4::of({0xc612'0001}, 80, {0xc612'0101}, n);
    ConnectionBlock& b = *all_->open(key, secret_.hash(key), 0);
    b.tcp.state = tcp::State::fin_wait_1;
    b.tcp.set(tcp::conn_flag::closing | tcp::conn_flag::closed_both);
    b.tcp.retries = retries;
    return b;
  }

  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  flow::OrphanPolicy policy_{.most = 3};
  flow::ShardStats stats_;
  std::optional<flow::Connections> all_;
  std::optional<flow::Orphans> orphans_;
};

TEST_F(OrphansTest, AreThoseWhoseFirstTimeOutHasPassed) {
  ConnectionBlock& fresh = closing(1, 0);
  orphans_->consider(fresh);
  EXPECT_EQ(orphans_->count(), 0u);
  fresh.tcp.retries = 1;
  orphans_->consider(fresh);
  orphans_->consider(fresh);
  EXPECT_EQ(orphans_->count(), 1u);
  EXPECT_EQ(stats_.orphans.get(), 1u);
}

TEST_F(OrphansTest, AreThoseInFinWait2WithoutATimeOutToo) {
  ConnectionBlock& b = closing(1, 0);
  b.tcp.state = tcp::State::fin_wait_2;
  orphans_->consider(b);
  EXPECT_EQ(orphans_->count(), 1u);
}

TEST_F(OrphansTest, AreNotThoseOfWhomTheAppStillWantsText) {
  ConnectionBlock& b = closing(1);
  b.tcp.clear(tcp::conn_flag::closed_both);  // a half-close
  orphans_->consider(b);
  EXPECT_EQ(orphans_->count(), 0u);
}

TEST_F(OrphansTest, GoInTheOrderInWhichTheyCame) {
  for (std::uint16_t n = 1; n <= 3; ++n) orphans_->consider(closing(n));
  EXPECT_EQ(orphans_->surplus(), nullptr);
  orphans_->consider(closing(4));
  for (std::uint32_t n = 0; n < 4; ++n) {
    ConnectionBlock* oldest = orphans_->oldest();
    ASSERT_NE(oldest, nullptr);
    EXPECT_EQ(orphans_->surplus(), n == 0 ? oldest : nullptr);
    EXPECT_EQ(all_->key_of(*oldest).remote_port_host(), n + 1);
    orphans_->leave(*oldest);
  }
  EXPECT_EQ(orphans_->oldest(), nullptr);
  EXPECT_EQ(stats_.orphans.get(), 0u);
}

TEST_F(OrphansTest, MayLeaveFromTheMiddleAndComeAgainAsTheYoungest) {
  ConnectionBlock* blocks[] = {&closing(1), &closing(2), &closing(3)};
  for (ConnectionBlock* b : blocks) orphans_->consider(*b);
  orphans_->leave(*blocks[1]);
  orphans_->leave(*blocks[1]);
  orphans_->leave(*blocks[0]);
  orphans_->consider(*blocks[0]);
  EXPECT_EQ(orphans_->oldest(), blocks[2]);
  orphans_->leave(*blocks[2]);
  EXPECT_EQ(orphans_->oldest(), blocks[0]);
  EXPECT_EQ(orphans_->count(), 1u);
}

TEST_F(OrphansTest, HaveNoLimitWhereThePolicyHasNone) {
  const flow::OrphanPolicy unlimited{.most = 0};
  orphans_->follow(unlimited);
  for (std::uint16_t n = 1; n <= 8; ++n) orphans_->consider(closing(n));
  EXPECT_EQ(orphans_->count(), 8u);
  EXPECT_EQ(orphans_->surplus(), nullptr);
}

}  // namespace
}  // namespace mayfly::testing
