// Receiving: order, holes, the receiver's window and the ACKs (RFC 9293 3.8.6, RFC 5681 4.2, RFC
// 2018).
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

TEST(DelayedAck, WaitsNoLongerThanItsSetting) {
  auto t = Tcp::established();
  t.peer(data(10)).silent().after(39_ms).silent().after(1_ms).us(ack().acks(10)).silent();
}

TEST(DelayedAck, IsNotDelayedForEverySecondSegment) {
  auto t = Tcp::established();
  for (int i = 1; i <= 10; ++i) {
    t.peer(data(1'000)).silent();
    t.peer(data(1'000)).us(ack().acks(2'000 * i)).silent();
  }
}

TEST(DelayedAck, CanBeSwitchedOff) {
  auto cfg = plain();
  cfg.delayed_ack = Duration{0};
  Tcp::established(cfg).peer(data(10)).us(ack().acks(10));
}

TEST(DelayedAck, RidesOnTextThatGoesTheOtherWay) {
  auto t = Tcp::established();
  t.peer(data(10)).send(20).us(data(20).acks(10)).after(1_s).whatever();
  EXPECT_TRUE(t.c.ack_at.is_never());
}

TEST(OutOfOrder, IsAckedAtOnceAndTakenWhenTheGapIsFilled) {
  auto t = Tcp::established();
  t.peer(data(10).at(10)).us(ack().acks(0));
  t.peer(data(10).at(30)).us(ack().acks(0));
  t.peer(data(10).at(0)).us(ack().acks(20));
  EXPECT_EQ(t.text_received, 20u);
  t.peer(data(10).at(20)).us(ack().acks(40));
  EXPECT_EQ(t.text_received, 40u);
}

TEST(OutOfOrder, IsAckedAtOnceThoughItIsNotKept) {
  auto t = Tcp::established();
  Segment s;
  s.seq = t.c.rcv_nxt + 10;
  s.ack = t.c.snd_max;
  s.flags = wire::tcp_flag::ack;
  s.window = 1'000;
  s.payload_len = 10;
  EXPECT_EQ(on_segment(t.c, s, {}, t.cfg, t.now).text_gap, 10u);
  t.drain().us(ack().acks(0));
}

TEST(OutOfOrder, TextThatOverlapsWhatIsThereCountsOnce) {
  auto t = Tcp::established();
  t.peer(data(100)).peer(data(100).at(50)).us(ack().acks(150));
  EXPECT_EQ(t.verdict.text_off, 50);
  EXPECT_EQ(t.text_received, 150u);
  t.peer(data(100).at(200)).peer(data(100).at(120)).whatever();
  EXPECT_EQ(t.text_received, 300u);
}

TEST(OutOfOrder, KeepsFourRangesAndDropsTheFifth) {
  auto t = Tcp::established();
  for (int i = 1; i <= 4; ++i) t.peer(data(10).at(i * 20)).dropped(Drop::none).us(ack().acks(0));
  t.peer(data(10).at(200)).dropped(Drop::tcp_reassembly_full).us(ack().acks(0));
  t.peer(data(20).at(0)).us(ack().acks(30));
}

TEST(OutOfOrder, TextBeyondTheFinDoesNotHideIt) {
  auto t = Tcp::established();
  t.peer(data(20).at(20)).us(ack().acks(0));
  t.peer(data(10).at(20).with_fin()).us(ack().acks(0));
  t.peer(data(20).at(0)).saw(tcp::event::peer_fin).in(tcp::State::close_wait).us(ack().acks(31));
  EXPECT_EQ(t.text_received, 30u);
}

TEST(Sack, ReportsTheNewestRangeFirst) {
  auto cfg = plain();
  cfg.sack = true;
  auto t = Tcp::established(cfg, syn().mss(1'000).sack_ok());
  t.peer(data(10).at(20)).us(ack().sack(20, 30));
  t.peer(data(10).at(60)).us(ack().sack(60, 70).sack(20, 30));
  t.peer(data(10).at(40)).us(ack().sack(40, 50).sack(20, 30).sack(60, 70));
  t.peer(data(10).at(30)).us(ack().sack(20, 50).sack(60, 70));
  t.peer(data(20).at(0)).us(ack().acks(50).sack(60, 70));
  t.peer(data(10).at(50)).us(ack().acks(70));
  EXPECT_EQ(t.c.loss->held.count, 0);
}

TEST(Sack, HasThreeBlocksBesideTimestamps) {
  auto cfg = plain();
  cfg.sack = cfg.timestamps = true;
  auto t = Tcp::established(cfg, syn().sack_ok().stamped(1));
  for (int i = 1; i <= 4; ++i) t.peer(data(10).at(i * 20));
  EXPECT_EQ(t.out.back().sack_count, 3);
}

TEST(Sack, IsSilentWhenItWasNotAgreed) {
  auto t = Tcp::established();
  t.peer(data(10).at(20));
  EXPECT_EQ(t.out.front().sack_count, 0);
}

TEST(ReceiveWindow, CutsTextAtItsRightEdge) {
  auto cfg = plain();
  cfg.receive_window = 100;
  auto t = Tcp::established(cfg);
  t.room(0).peer(data(150));
  EXPECT_EQ(t.text_received, 100u);
  t.after(40_ms).us(ack().acks(100).window(0));
}

TEST(ReceiveWindow, IsNeverTakenBack) {
  auto cfg = plain();
  cfg.receive_window = 10'000;
  auto t = Tcp::established(cfg);
  t.room(3'000).peer(data(500)).peer(data(500)).us(ack().acks(1'000).window(9'000));
  t.room(0).peer(data(500)).peer(data(500)).us(ack().acks(2'000).window(8'000));
}

TEST(ReceiveWindow, ThatIsScaledIsNotTakenBackByRoundingEither) {
  auto cfg = plain();
  cfg.window_scale = true;
  cfg.receive_window = 1 << 20;  // 32 bytes a unit
  auto t = Tcp::established(cfg, syn().scaled(0));
  Seq edge{};
  for (int i = 0; i < 200; ++i) {
    t.peer(data(7)).after(40_ms);
    const Seq offered = t.out.back().ack + (std::uint32_t{t.out.back().window} << 5);
    if (i > 0) {
      ASSERT_TRUE(at_or_after(offered, edge)) << i;
    }
    edge = offered;
  }
}

TEST(ReceiveWindow, InUnitsAboveASegmentIsNotTakenBackWhereItGrows) {
  auto cfg = plain();
  cfg.window_scale = true;
  cfg.receive_window = 1 << 30;  // 16,384 bytes a unit
  auto t = Tcp::established(cfg, syn().scaled(0));
  t.peer(data(100)).after(40_ms).room(0);
  for (int i = 0; i < 8; ++i) t.peer(data(1'423));  // a unit but 5,000 octets
  const Seq offered = t.c.rcv_adv;
  // A gain of more than a segment, and no whole unit more.
  t.room(static_cast<std::uint32_t>(offered - t.c.rcv_nxt) + 2'000).peer(data(1)).after(40_ms);
  EXPECT_TRUE(at_or_after(t.c.rcv_adv, offered));
}

TEST(ReceiveWindow, OfZeroStillTakesAcksAndRstButNoText) {
  auto cfg = plain();
  cfg.receive_window = 100;
  auto t = Tcp::established(cfg);
  t.room(0).peer(data(100)).after(40_ms).whatever();
  t.send(50).whatever();
  t.peer(data(1))
      .dropped(Drop::tcp_out_of_window)
      .saw(tcp::event::acked)
      .us(ack().acks(100).window(0));
  EXPECT_EQ(t.text_received, 100u);
  t.peer(rst()).saw(tcp::event::reset).gone();
}

TEST(ReceiveWindow, OpensWithAnUpdateThatIsWorthIt) {
  auto cfg = plain();
  cfg.receive_window = 10'000;
  auto t = Tcp::established(cfg);
  t.room(0);
  for (int i = 0; i < 10; ++i) t.peer(data(1'000));
  EXPECT_EQ(t.out.back().window, 0);
  t.whatever().room(400).silent().room(999).silent();
  t.room(1'000).us(ack().window(1'000)).silent();
}

TEST(ReceiveWindow, DoesNotOpenInSmallSteps) {
  auto cfg = plain();
  cfg.receive_window = 10'000;
  auto t = Tcp::established(cfg);
  t.room(10'000).peer(data(100)).after(40_ms).us(ack().window(9'900));
  t.peer(data(100)).after(40_ms).us(ack().window(9'800));
  for (int i = 0; i < 8; ++i) t.peer(data(100)).after(40_ms);
  EXPECT_EQ(t.out.back().window, 10'000) << "after 1,000 octets the edge moves";
}

TEST(ReceiveWindow, ThatNobodyReadsFromIsToldAtOnce) {
  auto t = Tcp::established();
  t.takes(0).peer(data(100)).us(ack().acks(0));
}

TEST(Urgent, IsToldAndItsTextDeliveredInline) {
  auto t = Tcp::established();
  t.peer(data(10).urgent(3)).saw(tcp::event::urgent);
  EXPECT_EQ(t.text_received, 10u);
  t.peer(data(10));
  EXPECT_EQ(t.events & tcp::event::urgent, 0);
}

TEST(TextDeathTest, MoreThanTheWindowCannotBeTaken) {
  auto t = Tcp::established();
  const auto window = static_cast<std::uint32_t>(t.c.rcv_adv - t.c.rcv_nxt);
  EXPECT_DEATH(take_text(t.c, window + 1, t.cfg, t.now), "a bug: expected accepted <=");
}

TEST(TextDeathTest, TextInOrderCannotBeHeld) {
  auto t = Tcp::established();
  EXPECT_DEATH(hold_text(t.c, t.c.rcv_nxt, 10), "a bug: expected len > 0 && after");
}

TEST(TextDeathTest, NothingCanBeQueuedAfterClose) {
  auto t = Tcp::fin_wait_2();
  EXPECT_DEATH(queue_text(t.c, 1), "a bug");
}

}  // namespace
}  // namespace mayfly::testing
