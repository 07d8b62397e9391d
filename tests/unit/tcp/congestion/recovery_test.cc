// What is sent again when segments are lost: RFC 5681, 6582, 6675, 3042.
#include "tcp/congestion/recovery.h"

#include <algorithm>

#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

tcp::TcpSettings with_sack() {
  auto cfg = plain();
  cfg.sack = true;
  return cfg;
}
Tcp sack_connection() { return Tcp::established(with_sack(), syn().mss(1'000).sack_ok()); }

TEST(FastRetransmit, FollowsThreeDuplicateAcks) {
  auto t = Tcp::established().send(10'000).whatever();
  t.peer(ack().acks(0)).silent().peer(ack().acks(0)).silent();
  t.peer(ack().acks(0)).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.ssthresh, 5'000u);
  t.peer(ack().acks(10'000));
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
}

TEST(FastRetransmit, IsNotSetOffBySegmentsWithTextOrWindowChanges) {
  auto t = Tcp::established().send(10'000).whatever();
  for (int i = 0; i < 4; ++i) t.peer(data(10).acks(0));
  for (int i = 0; i < 4; ++i) t.peer(ack().acks(0).window(50'000 + i));
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
}

TEST(FastRetransmit, DoesNotFollowProbesOfOurShutWindow) {
  auto cfg = plain();
  cfg.receive_window = 100;
  auto t = Tcp::established(cfg);
  t.room(0).peer(data(100)).after(40_ms).whatever().send(10'000).whatever();
  for (int i = 0; i < 4; ++i) t.peer(data(1).acks(0)).us(ack()).silent();
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
}

TEST(LimitedTransmit, SendsNewTextForTheFirstTwoDuplicates) {
  auto t = Tcp::established().send(50'000).whatever();
  t.peer(ack().acks(0)).us(data(1'000).at(10'000)).silent();
  t.peer(ack().acks(0)).us(data(1'000).at(11'000)).silent();
}

TEST(NewReno, RepairsOneHoleForEachPartialAck) {
  auto t = Tcp::established().send(10'000).whatever();
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(0));
  t.us(data(1'000).at(0));
  t.peer(ack().acks(4'000)).us(data(1'000).at(4'000)).silent();
  t.peer(ack().acks(7'000)).us(data(1'000).at(7'000)).silent();
  EXPECT_TRUE(t.c.has(tcp::conn_flag::recovery));
  t.peer(ack().acks(10'000)).silent();
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
  EXPECT_LE(t.c.cwnd, t.c.ssthresh);
}

TEST(NewReno, IsNotFooledByEndlessDuplicates) {
  auto t = Tcp::established().send(100'000).whatever();
  for (int i = 0; i < 1'000; ++i) t.peer(ack().acks(0));
  EXPECT_LE(t.text_sent(), 65'535u);
  EXPECT_LE(t.c.cwnd, t.c.ssthresh + 65'535u);
}

TEST(SackRecovery, SendsTheHolesAgainAndNothingThatArrived) {
  auto t = sack_connection().send(10'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 2'000)).silent();
  t.peer(ack().acks(0).sack(1'000, 3'000)).silent();
  t.peer(ack().acks(0).sack(1'000, 3'000).sack(4'000, 6'000)).us(data(1'000).at(0));
  t.peer(ack().acks(0).sack(1'000, 3'000).sack(4'000, 9'000)).us(data(1'000).at(3'000)).silent();
  t.peer(ack().acks(9'000)).silent();
  EXPECT_TRUE(t.c.has(tcp::conn_flag::recovery)) << "one segment is still on its way";
  t.peer(ack().acks(10'000));
  EXPECT_EQ(t.c.cwnd, 5'000u);
}

TEST(SackRecovery, SendsNewTextOnceTheHolesAreRepaired) {
  auto t = sack_connection().send(50'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 5'000)).us(data(1'000).at(0)).silent();
  t.peer(ack().acks(0).sack(1'000, 5'000).sack(6'000, 8'000)).us(data(1'000).at(5'000));
  t.us(data(1'000).at(10'000));
}

TEST(SackRecovery, CountsWhatIsInTheNetwork) {
  auto t = sack_connection().send(10'000).whatever();
  t.peer(ack().acks(0).sack(2'000, 6'000)).us(data(1'000).at(0)).silent();
  // Lost: 1,000. Arrived: 4,000. Sent again: 1,000. After what arrived: 4,000.
  EXPECT_EQ(flight_size(t.c), 5'000u);
  t.peer(ack().acks(0).sack(2'000, 7'000)).us(data(1'000).at(1'000)).silent();
  EXPECT_EQ(flight_size(t.c), 5'000u);
  t.peer(ack().acks(0).sack(2'000, 7'000).sack(8'000, 10'000)).us(data(1'000).at(7'000)).silent();
  EXPECT_EQ(flight_size(t.c), 3'000u) << "all that is missing was sent again";
}

TEST(SackRecovery, RepairsAHoleAboveTheLastBlockWithoutTheTimer) {
  auto t = sack_connection().send(10'000).whatever();  // the first and the last are lost
  t.after(10_ms);
  for (std::uint32_t i = 1; i < 9; ++i) t.peer(ack().acks(0).sack(1'000, 1'000 * (i + 1)));
  t.us(data(1'000).at(0)).silent();
  t.after(10_ms).peer(ack().acks(9'000)).us(data(1'000).at(9'000)).silent();
}

TEST(SackRecovery, IsSetOffBySegmentsWithText) {  // RFC 6675 2
  auto t = sack_connection().send(10'000).whatever();
  for (std::uint32_t i = 1; i < 4; ++i)
    t.whatever().peer(data(10).acks(0).sack(1'000, 1'000 * (i + 1)));
  EXPECT_TRUE(t.c.has(tcp::conn_flag::recovery));
  t.us(data(1'000).at(0));
}

TEST(SackRecovery, SendsAgainWhatWasLostAgain) {
  auto t = sack_connection().send(20'000).whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 4'000)).us(data(1'000).at(0)).whatever();
  t.after(1_ms).peer(ack().acks(0).sack(1'000, 8'000));
  ASSERT_FALSE(t.out.empty()) << "new text, after what was sent again";
  const std::int64_t fresh = t.out.front().seq - (t.c.iss + 1);
  EXPECT_GE(fresh, 10'000);
  t.whatever().after(10_ms);
  t.peer(ack().acks(0).sack(1'000, 11'000)).us(data(1'000).at(0));
}

TEST(SackRecovery, ReducesTheRateInProportionToWhatArrives) {  // RFC 6937
  auto t = sack_connection().send(100'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 4'000)).us(data(1'000).at(0)).silent();
  std::uint32_t sent = 0;
  for (std::uint32_t i = 4; i < 10; ++i) {
    t.peer(ack().acks(0).sack(1'000, 1'000 * (i + 1)));
    sent += t.text_sent();
  }
  EXPECT_EQ(sent, 4'000u) << "of nine that arrived half, and the first of them was the repair";
  t.peer(ack().acks(10'000));
  EXPECT_EQ(t.c.cwnd, 5'000u);
}

TEST(SackRecovery, WorksWithAPeerThatAgreedButSendsNoBlocks) {
  auto t = sack_connection().send(10'000).whatever();
  for (int i = 0; i < 3; ++i) t.peer(ack().acks(0));
  t.us(data(1'000).at(0));
  t.peer(ack().acks(5'000)).us(data(1'000).at(5'000));
}

TEST(SackRecovery, BelievesNoBlockBeyondWhatWasSent) {
  auto t = sack_connection().send(3'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 9'000)).peer(ack().acks(0).sack(5'000, 4'000));
  EXPECT_EQ(t.c.loss->sacked.count, 0);
}

TEST(SackRecovery, KeepsBlocksOverATimeOut) {  // RFC 6675 5.1
  auto t = sack_connection().send(10'000).whatever();
  t.peer(ack().acks(0).sack(2'000, 3'000)).whatever();
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(0)).silent();
  t.peer(ack().acks(1'000)).us(data(1'000).at(1'000)).us(data(1'000).at(3'000)).silent();
}

TEST(SackRecovery, SendsAgainWhatAPeerHasThrownAway) {  // RFC 2018 8
  auto t = sack_connection().send(10'000).whatever();
  t.peer(ack().acks(0).sack(1'000, 4'000)).us(data(1'000).at(0)).silent();
  t.peer(ack().acks(1'000));  // and not 4,000
  for (int i = 1; i < 4; ++i) t.after(Duration{t.c.rto_us}).peer(ack().acks(i * 1'000));
  EXPECT_TRUE(std::any_of(t.out.begin(), t.out.end(),
                          [&](const Emission& e) { return e.seq == t.c.iss + 1 + 1'000; }));
}

TEST(TimeOut, GoesBackToOneSegmentAndStartsSlowly) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).us(data(1'000).at(0)).silent();
  EXPECT_EQ(t.c.ssthresh, 5'000u);
  EXPECT_EQ(t.c.cwnd, 1'000u);
  t.peer(ack().acks(1'000)).us(data(1'000).at(1'000)).us(data(1'000).at(2'000)).silent();
}

TEST(TimeOut, OfTheSameSegmentAgainLeavesSsthreshAlone) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).after(Duration{t.c.rto_us});
  EXPECT_EQ(t.c.ssthresh, 5'000u);
}

TEST(TimeOut, StillBelievesAnAckForWhatWasSentBeforeIt) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).whatever();
  t.peer(ack().acks(10'000)).dropped(Drop::none).saw(tcp::event::acked).silent();
  EXPECT_EQ(t.c.snd_nxt, t.c.snd_max);
  EXPECT_TRUE(t.c.retransmit_at.is_never());
}

TEST(TimeOut, IsNotFollowedByFastRetransmitOfItsOwnDuplicates) {
  auto t = Tcp::established().send(10'000).whatever();
  t.after(Duration{t.c.rto_us}).whatever();
  for (int i = 0; i < 6; ++i) t.peer(ack().acks(0)).silent();
}

TEST(OptimisticAck, IsChallengedAndChangesNothing) {
  auto t = Tcp::established().send(50'000).whatever();
  const auto cwnd = t.c.cwnd;
  t.peer(ack().acks(20'000)).dropped(Drop::tcp_ack_unacceptable).us(ack());
  EXPECT_EQ(t.c.cwnd, cwnd);
}

}  // namespace
}  // namespace mayfly::testing
