// What every congestion control begins with: RFC 6928, RFC 5681 3.1.
#include "tcp/congestion/growth.h"

#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

TEST(InitialWindow, IsTenSegments) {
  auto t = Tcp::established();
  t.send(50'000);
  EXPECT_EQ(t.text_sent(), 10'000u);
}

TEST(InitialWindow, IsNotCutByOneLostSynAck) {
  auto t = Tcp::syn_received().after(1_s).whatever().peer(ack());
  t.send(50'000);
  EXPECT_EQ(t.text_sent(), 10'000u);
}

TEST(InitialWindow, IsOneSegmentAfterTwoLostSynAcks) {
  auto t = Tcp::syn_received().after(3_s).whatever().peer(ack());
  t.send(50'000);
  EXPECT_EQ(t.text_sent(), 1'000u);
}

Tcp sending_with(tcp::CongestionControl control, std::uint32_t octets) {
  auto cfg = plain();
  cfg.congestion_control = control;
  return Tcp::established(cfg).send(octets).whatever();
}
constexpr tcp::CongestionControl kAll[] = {tcp::CongestionControl::newreno,
                                           tcp::CongestionControl::cubic};

TEST(SlowStart, DoublesTheWindowWhenAllAcksOfARoundAreReadBeforeAnythingIsSent) {
  for (const auto control : kAll) {
    auto t = sending_with(control, 100'000);
    for (int i = 0; i < 10; ++i) tcp::growth::on_ack(t.c, 1'000, t.cfg, t.now);
    EXPECT_EQ(t.c.cwnd, 20'000u);
  }
}

TEST(SlowStart, DoesNotGrowAWindowThatIsNotUsed) {  // RFC 7661 4, RFC 9438 5.8
  for (const auto control : kAll) {
    auto t = sending_with(control, 4'000).peer(ack().acks(4'000));
    EXPECT_EQ(t.c.cwnd, 10'000u);
  }
}

TEST(Loss, IsMeasuredByWhatWasUnderWayWhenTextWasSentLast) {
  for (const auto control : kAll) {
    auto t = sending_with(control, 100'000);
    t.c.snd_una += 8'000;  // read with the news of the loss
    tcp::growth::on_loss(t.c, t.cfg, t.now);
    EXPECT_EQ(t.c.ssthresh, control == tcp::CongestionControl::cubic ? 7'000u : 5'000u);
  }
}

TEST(Loss, IsNotMeasuredByWhatCwndAllowsNoLonger) {
  for (const auto control : kAll) {
    auto t = sending_with(control, 100'000);
    t.c.snd_una += 8'000;
    t.c.cwnd = 1'000;
    tcp::growth::on_loss(t.c, t.cfg, t.now);
    EXPECT_EQ(t.c.ssthresh, 2'000u);
  }
}

}  // namespace
}  // namespace mayfly::testing
