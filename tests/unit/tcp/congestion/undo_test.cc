// What was sent again without need is undone: RFC 3522 and 4015, RFC 3708, RFC 5682.
#include "support/tcp_bench.h"
#include "tcp/congestion/recovery.h"

namespace mayfly::testing {
namespace {

Tcp undoing(bool stamps) {
  auto cfg = plain();
  cfg.sack = true;
  cfg.timestamps = stamps;
  auto offer = syn().mss(1'000 + (stamps ? 12 : 0)).sack_ok();
  if (stamps) offer = offer.stamped(1);
  cfg.mss = stamps ? 1'012 : 1'000;
  return Tcp::established(cfg, offer);
}

TEST(Undo, FollowsAnEchoThatIsOlderThanTheRetransmission) {
  auto t = undoing(true).send(10'000);
  const auto stamp = t.out.front().ts.val;
  t.whatever().after(10_ms).peer(ack().acks(0).sack(1'000, 4'000)).us(data(1'000).at(0)).whatever();
  EXPECT_EQ(t.c.ssthresh, 5'000u);
  t.after(1_ms).peer(ack().acks(4'000).stamped(2, stamp));
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
  EXPECT_GE(t.c.cwnd, 10'000u);
  EXPECT_EQ(t.c.ssthresh, 1u << 30);
}

TEST(Undo, DoesNotFollowAnEchoOfTheRetransmission) {
  auto t = undoing(true).send(10'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 4'000));
  const auto stamp = t.out.front().ts.val;
  t.whatever().after(10_ms).peer(ack().acks(4'000).stamped(2, stamp)).peer(ack().acks(10'000));
  EXPECT_EQ(t.c.cwnd, 5'000u);
}

TEST(Undo, FollowsDsacksOfAllRetransmissions) {
  auto t = undoing(false).send(10'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 4'000)).us(data(1'000).at(0)).whatever();
  t.after(1_ms).peer(ack().acks(4'000)).peer(ack().acks(4'000).sack(0, 1'000));
  EXPECT_GE(t.c.cwnd, 10'000u);
  EXPECT_EQ(t.c.ssthresh, 1u << 30);
}

TEST(Undo, DoesNotFollowTheDsackOfOneOfTwo) {
  auto t = undoing(false).send(10'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(2'000, 6'000)).us(data(1'000).at(0)).whatever();
  t.peer(ack().acks(0).sack(2'000, 8'000)).us(data(1'000).at(1'000)).whatever();
  t.after(1_ms).peer(ack().acks(10'000)).peer(ack().acks(10'000).sack(0, 1'000));
  EXPECT_EQ(t.c.ssthresh, 5'000u);
}

TEST(Undo, OfATimeOutFollowsAnOriginalThatArrives) {                        // F-RTO, with SACK
  auto t = undoing(false).send(10'000).whatever().after(20_ms).whatever();  // and its probe
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.cwnd, 1'000u);
  t.peer(ack().acks(3'000));
  EXPECT_GE(t.c.cwnd, 10'000u);
  EXPECT_FALSE(t.c.has(tcp::conn_flag::rto_recovery));
  t.silent();
}

TEST(Undo, OfATimeOutDoesNotFollowItsOwnRetransmission) {
  auto t = undoing(false).send(10'000).whatever().after(20_ms).whatever();
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(0)).silent();
  t.peer(ack().acks(1'000)).us(data(1'000).at(1'000)).us(data(1'000).at(2'000)).silent();
  EXPECT_TRUE(t.c.has(tcp::conn_flag::rto_recovery));
  EXPECT_EQ(t.c.ssthresh, 5'000u);
}

TEST(Dsack, ReportsASegmentThatCameAgain) {  // RFC 2883 4
  auto t = undoing(false).peer(data(100)).peer(data(100)).whatever();
  t.peer(data(100).at(0)).us(ack().acks(200).sack(0, 100));
  t.peer(data(100).at(300)).us(ack().acks(200).sack(300, 400));
  t.peer(data(100).at(300)).us(ack().acks(200).sack(300, 400).sack(300, 400));
  t.peer(data(150).at(100)).us(ack().acks(250).sack(100, 200).sack(300, 400));
}

TEST(Dsack, IsNotSentWhereSackWasNotAgreed) {
  auto t = Tcp::established().peer(data(100)).peer(data(100)).whatever().peer(data(100).at(0));
  ASSERT_EQ(t.out.size(), 1u);
  EXPECT_EQ(t.out[0].sack_count, 0);
}

}  // namespace
}  // namespace mayfly::testing
