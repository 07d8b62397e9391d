// Explicit congestion notification (RFC 3168).
#include "support/tcp_bench.h"
#include "tcp/congestion/recovery.h"
#include "tcp/syn_cookie.h"

namespace mayfly::testing {
namespace {

using wire::tcp_flag::cwr;
using wire::tcp_flag::ece;

tcp::TcpSettings with_ecn() {
  auto cfg = plain();
  cfg.ecn = true;
  return cfg;
}
Tcp speaking_ecn() { return Tcp::established(with_ecn(), syn().mss(1'000).flagged(ece | cwr)); }
bool is_capable(const Emission& e) { return (e.options & wire::tcp_option::ecn_mark) != 0; }

TEST(Ecn, IsOffByDefault) {
  EXPECT_FALSE(tcp::TcpSettings{}.ecn);
  Tcp::syn_received(plain(), syn().mss(1'000).flagged(ece | cwr)).us(syn_ack());
  Tcp::syn_sent().us(syn());
}

TEST(Ecn, IsAgreedInTheHandshake) {
  Tcp::syn_received(with_ecn(), syn().flagged(ece | cwr)).us(syn_ack().flagged(ece));
  Tcp::syn_received(with_ecn(), syn().flagged(ece)).us(syn_ack());
  auto t = Tcp::syn_sent(with_ecn()).us(syn().flagged(ece | cwr)).peer(syn_ack().flagged(ece));
  EXPECT_TRUE(t.c.ecn.agreed);
  auto reflected = Tcp::syn_sent(with_ecn()).peer(syn_ack().flagged(ece | cwr));
  EXPECT_FALSE(reflected.c.ecn.agreed) << "RFC 3168 6.1.1: a peer that copies bits";
}

TEST(Ecn, IsNotAskedForAgainWhereASynWasLost) {
  Tcp::syn_sent(with_ecn()).whatever().after(1_s).us(syn());
}

TEST(Ecn, IsNotPromisedByACookie) {
  const tcp::Secret secret{1, 2};
  const std::array<std::byte, 12> key{};
  Segment s;
  s.flags = wire::tcp_flag::syn | ece | cwr;
  const Emission e = cookie_syn_ack(s, {key, secret}, with_ecn(), Instant{1'000'000});
  EXPECT_FALSE(e.has(ece));
}

TEST(Ecn, MarksNewTextAndNothingElse) {
  auto t = speaking_ecn().send(10'000);
  for (const Emission& e : t.out) EXPECT_TRUE(is_capable(e));
  t.whatever().peer(ack().acks(0)).peer(ack().acks(0)).whatever().peer(ack().acks(0));
  ASSERT_EQ(t.out.size(), 1u);
  EXPECT_FALSE(is_capable(t.out[0])) << "6.1.5: not a retransmission";
  t.whatever().peer(data(10).acks(0)).peer(data(10).acks(0));
  ASSERT_FALSE(t.out.empty());
  EXPECT_FALSE(is_capable(t.out.back())) << "6.1.4: not an ACK";
}

TEST(Ecn, EchoesAMarkUntilThePeerSaysThatItHasHeard) {
  auto t = speaking_ecn().peer(data(10).marked()).us(ack().flagged(ece));
  t.peer(data(10)).peer(data(10)).us(ack().flagged(ece));
  t.peer(data(10).flagged(cwr)).peer(data(10)).whatever().peer(data(10)).peer(data(10)).us(ack());
}

TEST(Ecn, ReducesTheWindowOnceARoundTripAndSaysSo) {
  auto t = speaking_ecn().send(50'000).whatever();
  t.peer(ack().acks(2'000).flagged(ece));
  const auto cwnd = t.c.cwnd;
  EXPECT_LE(cwnd, 6'000u);
  t.peer(ack().acks(4'000).flagged(ece)).peer(ack().acks(6'000).flagged(ece));
  EXPECT_GE(t.c.cwnd, cwnd);
  ASSERT_FALSE(t.out.empty());
  EXPECT_TRUE(t.out.front().has(cwr));
  for (std::size_t i = 1; i < t.out.size(); ++i) EXPECT_FALSE(t.out[i].has(cwr));
  t.peer(ack().flagged(ece));
  EXPECT_LT(t.c.ssthresh, 4'000u) << "the next round trip";
}

TEST(Ecn, MeansNothingWhereItWasNotAgreed) {
  auto t = Tcp::established().send(10'000).whatever().peer(ack().acks(2'000).flagged(ece));
  EXPECT_GE(t.c.cwnd, 10'000u);
  t.peer(data(10).marked()).after(40_ms);
  ASSERT_FALSE(t.out.empty());
  EXPECT_FALSE(t.out.back().has(ece));
}

}  // namespace
}  // namespace mayfly::testing
