// Sending: how much, when, and what if the window is shut (RFC 9293 3.7.4, 3.8.6, 3.9.1.2).
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

using tcp::IcmpError;

TEST(Output, CutsTextIntoSegmentsAndPushesTheLast) {
  auto t = Tcp::established();
  t.send(2'500).us(data(1'000).at(0)).us(data(1'000).at(1'000));
  t.silent();  // Nagle: the rest is small and something is on its way
  t.peer(ack().acks(1'000)).silent().peer(ack()).us(data(500).at(2'000).push());
}

TEST(Output, SendsPureAcksLastAndOnce) {
  auto t = Tcp::established();
  t.peer(data(10).at(50)).us(ack()).silent();
}

TEST(Output, CarriesNothingWhileThereIsNothingToSay) {
  Tcp::established().drain().silent().after(Duration::from_s(10'000)).silent();
}

TEST(Nagle, HoldsSmallTextWhileSomethingIsUnacknowledged) {
  auto t = Tcp::established();
  t.send(10).us(data(10)).send(10).silent().send(10).silent();
  t.peer(ack()).us(data(20).at(10).push());
}

TEST(Nagle, CanBeSwitchedOffForAllOrForOne) {
  auto cfg = plain();
  cfg.nagle = false;
  Tcp::established(cfg).send(10).us(data(10)).send(10).us(data(10));
  auto t = Tcp::established();
  t.c.set(tcp::conn_flag::no_nagle);
  t.send(10).us(data(10)).send(10).us(data(10));
}

TEST(Nagle, DoesNotHoldTheLastTextBeforeAFin) {
  auto t = Tcp::established();
  t.send(10).us(data(10));
  queue_text(t.c, 10);
  t.close().us(data(10).with_fin());
}

TEST(SendWindow, BoundsWhatIsInFlight) {
  auto t = Tcp::established();
  t.peer(ack().window(2'500)).send(10'000).us(data(1'000)).us(data(1'000)).silent();
  t.peer(ack().acks(1'000).window(2'500)).us(data(1'000).at(2'000)).silent();
}

TEST(SendWindow, ThatShrinksStopsNewText) {
  auto t = Tcp::established();
  t.send(20'000).whatever();
  const auto sent = t.c.snd_max - (t.c.iss + 1);
  t.peer(ack().acks(1'000).window(500)).silent().in(tcp::State::established);
  EXPECT_EQ(t.c.snd_max - (t.c.iss + 1), sent);
  t.peer(ack().window(10'000));
  EXPECT_GT(t.text_sent(), 0u);
}

TEST(SendWindow, OfAnOlderSegmentIsNotBelieved) {
  auto t = Tcp::established();
  t.peer(data(10).window(5'000)).peer(ack().at(10).window(6'000));
  EXPECT_EQ(t.c.snd_wnd, 6'000u);
  t.peer(data(20).at(0).window(100));
  EXPECT_EQ(t.c.snd_wnd, 6'000u);
}

TEST(SillyWindow, IsNotFilledWithSmallSegmentsUntilTheOverrideTime) {
  auto t = Tcp::established();
  t.peer(ack().window(100)).send(5'000).silent();
  t.after(100_ms).silent().after(900_ms).us(data(100).at(0));
}

TEST(SillyWindow, IsUsedWhenItIsHalfOfTheLargestEver) {
  auto t =
      Tcp::syn_received(plain(), syn().mss(1'000).window(600)).whatever().peer(ack().window(600));
  t.send(5'000).us(data(600)).silent();
  t.peer(ack().window(299)).silent().peer(ack().window(300)).us(data(300));
}

TEST(ZeroWindow, IsProbedWithGrowingPausesForEverWhileThePeerAnswers) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).send(100).silent();
  std::int64_t pause_ms = t.c.rto_us / 1'000;
  for (int i = 0; i < 40; ++i) {
    t.after(Duration::from_ms(pause_ms - 1)).silent().after(1_ms).us(data(1).at(0)).silent();
    t.peer(ack().acks(0).window(0)).silent().in(tcp::State::established);
    pause_ms = std::min<std::int64_t>(pause_ms * 2, 60'000);
  }
  t.peer(ack().acks(0).window(1'000)).us(data(100).at(0));
}

TEST(ZeroWindow, IsLeftWhenNobodyAnswersTheProbes) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).send(100);
  t.after(Duration::from_s(3'600)).saw(tcp::event::timed_out).gone();
}

TEST(ZeroWindow, ProbeThatIsTakenMovesOn) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).send(100).after(Duration{t.c.rto_us}).us(data(1).at(0));
  t.peer(ack().acks(1).window(0)).silent();
  EXPECT_TRUE(t.c.has(tcp::conn_flag::persist));
  t.peer(ack().acks(1).window(5'000)).us(data(99).at(1));
}

TEST(ZeroWindow, AcksBesideProbesStayInsideIt) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).send(100).after(Duration{t.c.rto_us}).us(data(1).at(0));
  // RFC 9293 3.10.7.4: the peer still waits for 0, and takes nothing but that.
  t.peer(data(10).acks(0).window(0)).peer(data(10).acks(0).window(0)).us(ack().at(0));
  t.peer(ack().acks(1).window(0));
  t.peer(data(10).acks(1).window(0)).peer(data(10).acks(1).window(0)).us(ack().at(1));
}

TEST(ZeroWindow, AResetBesideProbesHasTheNumberThatThePeerWaitsFor) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).send(100).after(Duration{t.c.rto_us}).us(data(1).at(0));
  Emission rst;
  ASSERT_TRUE(abort(t.c, rst));
  EXPECT_EQ(rst.seq, t.c.snd_una);  // RFC 5961 3.2: any other is only challenged
}

TEST(Window, ThatHasShrunkHasTheAcksAtItsEdge) {
  auto t = Tcp::established();
  t.send(3'000).whatever().peer(ack().acks(0).window(1'500));
  const auto more = data(10).acks(0).window(1'500);
  t.peer(more).peer(more).us(ack().at(1'500));
}

TEST(ZeroWindow, OfAPeerWhomNobodyWaitsForIsLeftAfterR2ThoughItAnswers) {  // RFC 6429 3
  auto t = Tcp::established();
  t.peer(ack().window(0)).close_both();
  const Instant start = t.now;
  for (int i = 0; t.c.state != tcp::State::closed && t.now - start < 60_min; ++i) {
    t.after(1_s).whatever();
    if (t.c.state != tcp::State::closed)
      t.peer(ack().acks(0).window(i % 7 == 0 ? 1 : 0)).whatever();
  }
  t.gone();
  EXPECT_GT(t.now - start, 60_s);
}

TEST(ZeroWindow, WithOnlyAFinToSendIsProbedWithTheFin) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).close().silent().after(Duration{t.c.rto_us}).us(fin().at(0));
  t.peer(ack().acks(1).window(0)).in(tcp::State::fin_wait_2);
}

TEST(ZeroWindow, AnswersToProbesAreNoDuplicateAcks) {
  auto t = Tcp::established();
  t.peer(ack().window(0)).send(5'000).after(1_s).whatever();
  for (int i = 0; i < 5; ++i) t.peer(ack().acks(0).window(0)).silent();
  EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
}

TEST(ZeroWindow, AfterTextWasSentProbesInsteadOfTimingOut) {
  auto t = Tcp::established();
  t.send(3'000).whatever().peer(ack().acks(0).window(0)).silent();
  for (int i = 0; i < 40; ++i) {
    t.after(60_s);
    EXPECT_LE(t.text_sent(), 20u) << "probes of one octet";
    t.peer(ack().acks(0).window(0)).in(tcp::State::established);
  }
  t.peer(ack().acks(0).window(10'000)).after(60_s);
  EXPECT_GE(t.text_sent(), 1'000u);
}

TEST(FragmentationNeeded, LowersTheSegmentSizeAndSendsAgain) {
  auto t = Tcp::established();
  t.send(2'000).whatever();
  t.icmp({IcmpError::Kind::fragmentation_needed, 540}, 0).us(data(500).at(0)).us(data(500).at(500));
  EXPECT_EQ(t.c.mss, 500);
}

TEST(FragmentationNeeded, WithoutAnMtuTakesTheNextPlateau) {
  auto t = Tcp::established();
  t.send(2'000).whatever().icmp({IcmpError::Kind::fragmentation_needed, 0}, 0);
  EXPECT_EQ(t.c.mss, 1'006 - 40);
}

TEST(FragmentationNeeded, WithAnMtuBelowAllPlateausLeavesSegmentsOf48) {
  auto t = Tcp::established().send(500).whatever();
  for (int i = 0; i < 10; ++i) t.icmp({IcmpError::Kind::fragmentation_needed, 0}, 0);
  EXPECT_EQ(t.c.mss, 48);
  EXPECT_EQ(t.whatever().c.state, tcp::State::established);
}

TEST(FragmentationNeeded, AboutTheSynLowersTheSegmentSizeAlone) {
  auto t = Tcp::syn_sent().whatever();
  t.icmp({IcmpError::Kind::fragmentation_needed, 300}, -1).silent();
  EXPECT_LE(t.c.mss, 260);
}

TEST(FragmentationNeeded, AboutNothingInFlightIsNotBelieved) {
  auto t = Tcp::established();
  t.icmp({IcmpError::Kind::fragmentation_needed, 540}, 0).dropped(Drop::icmp_untrusted);
  EXPECT_EQ(t.c.mss, 1'000);
}

}  // namespace
}  // namespace mayfly::testing
