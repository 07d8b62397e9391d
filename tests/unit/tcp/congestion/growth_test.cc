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

}  // namespace
}  // namespace mayfly::testing
