// SYN floods (RFC 4987): strangers that never answer must not keep visitors out.
#include <gtest/gtest.h>

#include "siege.h"
#include "support/wire.h"
#include "tcp/syn_cookie.h"

namespace mayfly::testing {
namespace {

using Cookies = flow::SynPolicy::Cookies;

/// `each` SYNs from strangers for each of the visitors'.
void flood_with(Siege& siege, int each) {
  siege.visitor_app.on_visit = [&siege, each] {
    Attacker& attacker = *siege.attacker;
    for (int i = 0; i < each; ++i)
      attacker.sends(attacker.any_flow(),
                     Attacker::syn(static_cast<std::uint32_t>(attacker.random.next())));
  };
}

net::WireSettings lossy_link() {
  net::WireSettings link;
  link.faults = {.loss = 0.05, .reorder = 0.05, .delay = 5_ms};
  return link;
}

TEST(SynFlood, CostsVisitorsNothingWithCookies) {
  Siege siege;
  flood_with(siege, 5);
  ASSERT_TRUE(siege.visit(2'000, 200_s));
  EXPECT_EQ(siege.visitor_app.answered, 2'000u);
  EXPECT_GT(siege.stats().syn_cookies_sent.get(), 1'000u);
  EXPECT_GT(siege.stats().syn_cookies_accepted.get(), 100u);
  EXPECT_EQ(siege.drops(Drop::table_full), 0u);
}

TEST(SynFlood, CostsVisitorsLittleOverALossyLink) {
  Siege siege({.link = lossy_link()});
  flood_with(siege, 5);
  ASSERT_TRUE(siege.visit(2'000, 400_s));
  EXPECT_GE(siege.visitor_app.answered, 1'900u);
  EXPECT_GT(siege.stats().syn_cookies_accepted.get(), 100u);
}

TEST(SynFlood, NeedsNoBlockForStrangers) {
  Siege siege;
  flood_with(siege, 50);
  ASSERT_TRUE(siege.visit(200, 60_s));
  EXPECT_LE(siege.stats().half_open.get(), 64u);
  EXPECT_LT(siege.stats().connections_peak.get(), 64u + 30u);
}

TEST(SynFlood, KeepsVisitorsOutIfThereAreNoCookiesAndNoLimit) {  // what the defence is worth
  Siege siege({.syn = {.half_open = 0, .cookies = Cookies::never}});
  flood_with(siege, 50);
  siege.visit(200, 1_s);
  EXPECT_GT(siege.drops(Drop::table_full), 1'000u);
  EXPECT_LT(siege.visitor_app.answered, 100u);
}

TEST(SynFlood, IsRefusedBeyondTheLimitWithoutCookies) {
  Siege siege({.syn = {.half_open = 64, .cookies = Cookies::never}});
  flood_with(siege, 5);
  siege.visit(200, 400_s);
  EXPECT_GT(siege.drops(Drop::half_open_full), 500u);
  EXPECT_EQ(siege.drops(Drop::table_full), 0u);
  EXPECT_EQ(siege.stats().syn_cookies_sent.get(), 0u);
  EXPECT_EQ(siege.visitor_app.answered, 200u) << "whoever tries again gets in after the flood";
}

TEST(SynFlood, EndsHandshakesOfStrangersWithinSeconds) {
  Siege siege({.syn = {.half_open = 64, .cookies = Cookies::never}});
  Attacker& attacker = *siege.attacker;
  for (std::uint32_t i = 0; i < 64; ++i) attacker.sends(attacker.any_flow(), Attacker::syn(i));
  siege.simulation.run_for(4_s);
  EXPECT_GE(siege.stats().half_open_given_up.get(), 16u);
  EXPECT_LE(siege.stats().half_open.get(), 48u) << "a quarter is free again";
  EXPECT_TRUE(siege.visit(10, 10_s));
  EXPECT_EQ(siege.visitor_app.answered, 10u);
}

TEST(SynFlood, IsNotCountedAgainstVisitorsWhereAFullTimeWaitRefuses) {
  SiegePlan plan;
  plan.syn.half_open = 65'536;
  plan.time_wait = {.hold = 60_s, .capacity = 900, .on_full = flow::TimeWaitPolicy::OnFull::refuse};
  Siege siege(plan);
  for (int i = 0; i < 3'000; ++i) {
    siege.attacker->sends(siege.attacker->any_flow(), Attacker::syn(1));
    if (i % 20 == 0) siege.simulation.run_for(1_ms);
  }
  EXPECT_TRUE(siege.visit(20, 2_s));
  EXPECT_EQ(siege.visitor_app.answered, 20u);
  EXPECT_EQ(siege.drops(Drop::time_wait_full), 0u);
  EXPECT_EQ(siege.drops(Drop::table_full), 0u);
}

TEST(SynFlood, IsAnsweredWithLittleMoreThanItSends) {
  Siege siege;
  flood_with(siege, 50);
  siege.visit(200, 60_s);
  siege.simulation.run_for(300_s);  // every SYN-ACK that will ever be sent
  const Attacker& attacker = *siege.attacker;
  // 64 blocks with at most 8 SYN-ACKs each, a cookie for every other SYN.
  EXPECT_LE(attacker.frames_in, attacker.frames_out + 64 * 8);
  EXPECT_LE(attacker.bytes_in, attacker.bytes_out * 21 / 20 + 64 * 8 * 60);
}

TEST(SynFlood, LeavesCookiesOffWhenItIsOver) {
  Siege siege;
  flood_with(siege, 50);
  ASSERT_TRUE(siege.visit(100, 60_s));
  siege.visitor_app.on_visit = nullptr;
  siege.simulation.run_for(300_s);
  const std::uint64_t sent = siege.stats().syn_cookies_sent.get();
  EXPECT_GT(sent, 0u);
  EXPECT_EQ(siege.stats().half_open.get(), 0u);
  ASSERT_TRUE(siege.visit(100, 60_s));
  EXPECT_EQ(siege.stats().syn_cookies_sent.get(), sent);
}

TEST(SynFlood, OfAcksOpensNothing) {
  Siege siege;
  Attacker& attacker = *siege.attacker;
  const auto guesses = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const auto ack = static_cast<std::uint32_t>(attacker.random.next());
      attacker.sends(attacker.any_flow(), Attacker::segment(wire::tcp_flag::ack, 1, ack));
      if (i % 100 == 0) siege.simulation.run_for(10_ms);
    }
    siege.simulation.run_for(10_ms);
  };
  guesses(2'000);
  EXPECT_EQ(siege.drops(Drop::tcp_no_listener), 2'000u) << "no cookies are under way";
  for (std::uint32_t i = 0; i < 100; ++i) attacker.sends(attacker.any_flow(), Attacker::syn(i));
  siege.simulation.run_for(1_ms);
  EXPECT_GT(siege.stats().syn_cookies_sent.get(), 0u);
  guesses(20'000);
  EXPECT_EQ(siege.drops(Drop::tcp_cookie_invalid), 20'000u);
  EXPECT_EQ(siege.stats().accepted.get(), 0u);
  EXPECT_EQ(siege.stats().syn_cookies_accepted.get(), 0u);
}

Given always_cookies() {
  Given given;
  given.settings.syn.cookies = Cookies::always;
  return given;
}

TEST(SynCookies, OpenAConnectionThatWorks) {
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn().scaled(7).stamped(100)).gets(syn_ack().acks(0));
  EXPECT_EQ(wire.shard->open_connections(), 0u) << "nothing is kept";
  peer.clock = 101;
  peer.sends(ack()).sends(text("ping"));
  EXPECT_EQ(wire.app.heard, "ping");
  EXPECT_EQ(wire.stats().accepted.get(), 1u);
  wire.app_does([](ScriptConn& c) { c.send(bytes_of("pong")); });
  peer.ignores();
}

TEST(SynCookies, AreTakenFromTheFirstTextIfTheAckIsLost) {
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  peer.sends(text("ping"));
  EXPECT_EQ(wire.app.heard, "ping");
}

TEST(SynCookies, AreTakenWithTextAndFinInOneBurst) {
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  peer.puts(ack()).puts(text("ping")).sends(fin());
  EXPECT_EQ(wire.app.heard, "ping");
  EXPECT_EQ(wire.app.peers_closed, 1u);
  EXPECT_EQ(wire.stats().accepted.get(), 1u);
}

TEST(SynCookies, AreForgottenWhenTheyAreOld) {
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  wire.leap(tcp::kCookieLife);
  peer.sends(ack()).gets(rst());
  EXPECT_EQ(wire.stats().accepted.get(), 0u);
  EXPECT_EQ(wire.drops(Drop::tcp_no_listener), 1u) << "none is under way any more";
}

TEST(SynCookies, OpenNothingWhileTheServerDrains) {
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  wire.shard->drain();
  peer.sends(ack()).gets_nothing();
  EXPECT_EQ(wire.stats().accepted.get(), 0u);
  EXPECT_EQ(wire.drops(Drop::tcp_draining), 1u);
}

TEST(SynCookies, AreNotSentWhereTheOldConnectionIsInTimeWait) {  // the mistake of TLDK
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  peer.sends(ack());
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.gets(fin()).sends(fin().acks(1)).ignores();
  ASSERT_EQ(wire.shard->time_wait_entries(), 1u);
  const Seq last = peer.heard();
  const std::uint64_t sent = wire.stats().syn_cookies_sent.get();
  peer.again(peer.next() + 1'000);
  peer.sends(syn()).gets(syn_ack());
  EXPECT_EQ(wire.stats().syn_cookies_sent.get(), sent) << "a block, which keeps the old record";
  EXPECT_TRUE(after(peer.shard_iss(), last)) << "RFC 9293 MAY-2";
  peer.sends(ack()).sends(text("ping"));
  EXPECT_EQ(wire.app.heard, "ping");
  EXPECT_EQ(wire.shard->time_wait_entries(), 0u);
}

TEST(SynCookies, ThatComeLateMeetTheTimeWaitAndDoNotEndIt) {
  Wire wire(always_cookies());
  Peer peer(wire);
  peer.sends(syn()).gets(syn_ack());
  const Bytes last_ack = peer.frame(ack());
  peer.sends(ack());
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.gets(fin()).sends(fin().acks(1)).ignores();
  wire.put(last_ack);  // a duplicate that wandered about
  wire.poll();
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  EXPECT_EQ(wire.stats().accepted.get(), 1u);
}

}  // namespace
}  // namespace mayfly::testing
