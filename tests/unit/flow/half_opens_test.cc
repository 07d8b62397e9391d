// Handshakes under way: counting, pressure, cookies, patience.
#include "flow/half_opens.h"

#include <gtest/gtest.h>

#include <vector>

namespace mayfly::testing {
namespace {

using flow::SynPolicy;

using SynAnswer = flow::HalfOpens::SynAnswer;

class HalfOpensTest : public ::testing::Test {
 protected:
  void begin(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      blocks_.emplace_back();
      half_opens_.begin(blocks_.back());
    }
  }
  void end(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      half_opens_.end(blocks_.back());
      blocks_.pop_back();
    }
  }
  static FlowKey4 key() { return FlowKey4::of({0xc612'0001}, 80, {0xc612'0101}, 1'024); }
  static Segment syn() {
    Segment s{};
    s.flags = wire::tcp_flag::syn;
    s.seq = Seq{5'000};
    return s;
  }
  static Segment answer_to(const Emission& syn_ack) {
    Segment s{};
    s.flags = wire::tcp_flag::ack;
    s.seq = Seq{5'001};
    s.ack = syn_ack.seq + 1;
    s.window = 1'000;
    return s;
  }

  SynPolicy policy_{.half_open = 8};
  flow::ShardStats stats_;
  std::vector<flow::ConnectionBlock> blocks_ = [] {
    std::vector<flow::ConnectionBlock> blocks;
    blocks.reserve(16);
    return blocks;
  }();
  flow::HalfOpens half_opens_{flow::FlowSecret({1, 2}), policy_, 1'000, stats_};
  tcp::TcpSettings tcp_;
  Instant now_ = Instant{} + 1_s;
};

TEST_F(HalfOpensTest, AreCountedOnceEach) {
  begin(3);
  EXPECT_EQ(half_opens_.count(), 3u);
  half_opens_.end(blocks_[0]);
  half_opens_.end(blocks_[0]);
  EXPECT_EQ(half_opens_.count(), 2u);
  EXPECT_EQ(stats_.half_open.get(), 2u);
}

TEST_F(HalfOpensTest, PressFromTheLimitOnUntilAQuarterIsFree) {
  begin(7);
  EXPECT_FALSE(half_opens_.is_pressed());
  EXPECT_EQ(half_opens_.answer_syn(), SynAnswer::block);
  begin(1);
  EXPECT_TRUE(half_opens_.is_pressed());
  EXPECT_EQ(half_opens_.answer_syn(), SynAnswer::cookie);
  end(1);
  EXPECT_TRUE(half_opens_.is_pressed()) << "7 of 8";
  end(1);
  EXPECT_FALSE(half_opens_.is_pressed()) << "6 of 8";
}

TEST_F(HalfOpensTest, RefuseUnderPressureWithoutCookies) {
  const SynPolicy never{.half_open = 2, .cookies = SynPolicy::Cookies::never};
  half_opens_.follow(never);
  begin(2);
  EXPECT_EQ(half_opens_.answer_syn(), SynAnswer::refuse);
}

TEST_F(HalfOpensTest, HaveNoLimitAtZero) {
  const SynPolicy unlimited{.half_open = 0};
  half_opens_.follow(unlimited);
  begin(16);
  EXPECT_FALSE(half_opens_.is_pressed());
}

TEST_F(HalfOpensTest, SendACookieToEverySynIfThePolicySaysAlways) {
  const SynPolicy always{.half_open = 8, .cookies = SynPolicy::Cookies::always};
  half_opens_.follow(always);
  EXPECT_EQ(half_opens_.answer_syn(), SynAnswer::cookie);
}

TEST_F(HalfOpensTest, RedeemTheirOwnCookiesWhileSomeMayBeUnderWay) {
  const Emission cookie = half_opens_.make_cookie(key(), syn(), tcp_, now_);
  EXPECT_EQ(cookie.ack, Seq{5'001});
  const auto again = half_opens_.redeem(key(), answer_to(cookie), tcp_, now_ + 1_s);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->syn.seq, Seq{5'000});
  Segment guess = answer_to(cookie);
  guess.ack = guess.ack + 0x1'0000;
  EXPECT_FALSE(half_opens_.redeem(key(), guess, tcp_, now_ + 1_s));
  EXPECT_TRUE(half_opens_.expects_cookies(now_ + 60_s));
  EXPECT_FALSE(half_opens_.expects_cookies(now_ + tcp::kCookieLife));
  EXPECT_EQ(stats_.syn_cookies_sent.get(), 1u);
}

TEST_F(HalfOpensTest, RedeemTheCookiesOfAnotherServerWithTheSameSecret) {
  flow::HalfOpens sibling(flow::FlowSecret({1, 2}), policy_, 1'000, stats_);
  flow::HalfOpens member(flow::FlowSecret({1, 2}), policy_, 1'000, stats_, {.of_siblings = true});
  flow::HalfOpens stranger(flow::FlowSecret({3, 4}), policy_, 1'000, stats_, {.of_siblings = true});
  const Segment ack = answer_to(sibling.make_cookie(key(), syn(), tcp_, now_));
  const auto redeemed = member.redeem(key(), ack, tcp_, now_ + 1_s);
  ASSERT_TRUE(redeemed);
  EXPECT_EQ(redeemed->syn.seq, Seq{5'000});
  EXPECT_FALSE(stranger.redeem(key(), ack, tcp_, now_ + 1_s)) << "another secret";
  EXPECT_FALSE(half_opens_.redeem(key(), ack, tcp_, now_ + 1_s)) << "no cluster, none was sent";
}

TEST_F(HalfOpensTest, RedeemCookiesOfTheFormerSecretWhileBothAreInUse) {
  flow::HalfOpens not_yet(flow::FlowSecret({1, 2}), policy_, 1'000, stats_, {.of_siblings = true});
  flow::HalfOpens rotated(flow::FlowSecret({5, 6}), policy_, 1'000, stats_,
                          {.of_siblings = true, .former = flow::FlowSecret({1, 2})});
  const auto redeemed = rotated.redeem(
      key(), answer_to(not_yet.make_cookie(key(), syn(), tcp_, now_)), tcp_, now_ + 1_s);
  ASSERT_TRUE(redeemed);
  EXPECT_EQ(redeemed->ts_offset, flow::FlowSecret({1, 2}).timestamp_offset(key()))
      << "the connection goes on with the timestamps that it began with";
  EXPECT_TRUE(rotated.redeem(key(), answer_to(rotated.make_cookie(key(), syn(), tcp_, now_)), tcp_,
                             now_ + 1_s));
}

TEST_F(HalfOpensTest, BelieveNoCookieBeforeOneWasSent) {
  EXPECT_FALSE(half_opens_.expects_cookies(now_));
}

TEST_F(HalfOpensTest, GiveUpUnderPressureAfterOneSynAckMore) {
  begin(8);
  flow::ConnectionBlock& b = blocks_[0];
  b.tcp.retransmit_at = now_;
  EXPECT_FALSE(half_opens_.gives_up(b, now_));
  b.tcp.retries = 1;
  EXPECT_TRUE(half_opens_.gives_up(b, now_));
  EXPECT_FALSE(half_opens_.gives_up(b, now_ - 1_ms)) << "its timer has not fired";
  b.on_trial = true;
  EXPECT_FALSE(half_opens_.gives_up(b, now_)) << "it reopens a TIME_WAIT";
  b.on_trial = false;
  end(2);
  EXPECT_FALSE(half_opens_.gives_up(blocks_[0], now_)) << "no pressure";
}

}  // namespace
}  // namespace mayfly::testing
