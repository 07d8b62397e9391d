// The retransmission time-out's arithmetic (RFC 6298).
#include "tcp/rtt.h"

#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

using tcp::TcpSettings;

tcp::Connection fresh() {
  tcp::Connection c;
  c.rto_us = 1'000'000;
  return c;
}

TEST(Rtt, FirstSampleSetsSrttAndHalfOfItAsVariation) {
  auto c = fresh();
  take_sample(c, 100_ms, TcpSettings{});
  EXPECT_EQ(c.srtt_us, 100'000u);
  EXPECT_EQ(c.rttvar_us, 50'000u);
  EXPECT_EQ(c.rto_us, 300'000u);
}

TEST(Rtt, LaterSamplesAreSmoothed) {
  auto c = fresh();
  take_sample(c, 100_ms, TcpSettings{});
  take_sample(c, 200_ms, TcpSettings{});
  EXPECT_EQ(c.srtt_us, 112'500u);
  EXPECT_EQ(c.rttvar_us, 62'500u);
  EXPECT_EQ(c.rto_us, 362'500u);
}

TEST(Rtt, RtoStaysBetweenFloorAndCeiling) {
  auto c = fresh();
  take_sample(c, 10_us, TcpSettings{});
  EXPECT_EQ(c.rto_us, 200'000u);
  take_sample(c, Duration::from_s(100), TcpSettings{});
  EXPECT_EQ(c.rto_us, 60'000'000u);
}

TEST(Rtt, BackOffDoublesUpToTheCeiling) {
  auto c = fresh();
  const TcpSettings cfg;
  for (const std::uint32_t expected : {2u, 4u, 8u, 16u, 32u, 60u, 60u}) {
    back_off(c, cfg);
    EXPECT_EQ(c.rto_us, expected * 1'000'000);
  }
}

TEST(Rtt, IsMeasuredInTheHandshake) {
  auto t = Tcp::syn_received().whatever().after(80_ms).peer(ack());
  EXPECT_EQ(t.c.srtt_us, 80'000u);
  EXPECT_EQ(t.c.rto_us, 240'000u);
}

TEST(Rtt, RtoIsTheInitialOneAfterATimeOutInTheHandshake) {
  auto t = Tcp::syn_received().after(1_s).whatever().peer(ack());
  EXPECT_EQ(t.c.rto_us, 1'000'000u);
}

TEST(Rtt, RtoIsThreeSecondsAfterTwoTimeOutsInTheHandshake) {
  auto t = Tcp::syn_received().after(3_s).whatever().peer(ack());
  EXPECT_EQ(t.c.rto_us, 3'000'000u);
}

TEST(Rtt, IsMeasuredByTheEchoWhereTheSynAckWentTwice) {
  auto cfg = plain();
  cfg.timestamps = true;
  auto t = Tcp::syn_received(cfg, syn().mss(1'000).stamped(1)).after(1_s);
  const auto stamp = t.out.back().ts.val;
  t.after(10_ms).peer(ack().stamped(2, stamp));
  EXPECT_EQ(t.c.srtt_us, 11'000u) << "a clock of 1 ms may have ticked once more";
  EXPECT_EQ(t.c.rto_us, 200'000u);
}

TEST(Rtt, IsNotMeasuredOnARetransmission) {
  auto t = Tcp::established();
  const auto srtt = t.c.srtt_us;
  t.send(100).after(Duration{t.c.rto_us}).after(50_ms).peer(ack());
  EXPECT_EQ(t.c.srtt_us, srtt);
}

TEST(Rtt, KeepsTheBackedOffRtoUntilTheNextSample) {
  auto t = Tcp::established();
  const auto rto = t.c.rto_us;
  t.send(100).after(Duration{rto}).peer(ack());
  EXPECT_EQ(t.c.rto_us, 2 * rto);
  t.send(100).after(10_ms).peer(ack());
  EXPECT_EQ(t.c.rto_us, rto);
}

TEST(Rtt, IsNotTakenFromTheEchoOfASegmentWhoseFirstAckWasLost) {
  auto cfg = plain();
  cfg.timestamps = true;
  auto t = Tcp::established(cfg, syn().mss(1'000).stamped(1)).send(100);
  const auto first = t.out.back().ts.val;
  const auto rto = t.c.rto_us;
  t.after(Duration{rto}).after(10_ms).peer(ack().stamped(2, first));
  EXPECT_LE(t.c.srtt_us, 10'000u);
  t.send(100).after(10_ms).peer(ack());
  EXPECT_EQ(t.c.rto_us, rto) << "the next clean sample ends the back-off";
}

}  // namespace
}  // namespace mayfly::testing
