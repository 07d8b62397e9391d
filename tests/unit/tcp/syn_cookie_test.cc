// RFC 4987 3.6: what goes into a SYN cookie comes back out of it, and nothing else does.
#include "tcp/syn_cookie.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "tcp/tcp.h"

namespace mayfly::testing {
namespace {

constexpr std::array<std::byte, 16> kKey{std::byte{1}}, kOtherKey{std::byte{2}};
constexpr tcp::Secret kSecret{1, 2}, kOtherSecret{1, 3};
constexpr std::uint32_t kTsOffset = 0xffff'ff00u;

class SynCookie : public ::testing::Test {
 protected:
  tcp::CookieFlow flow() const { return {kKey, kSecret, kTsOffset}; }

  static Segment syn(std::uint16_t mss = 1'460) {
    Segment s;
    s.seq = Seq{0xffff'ffffu};
    s.flags = wire::tcp_flag::syn;
    s.options = wire::tcp_option::mss | wire::tcp_option::window_scale |
                wire::tcp_option::sack_permitted | wire::tcp_option::timestamps;
    s.mss = mss;
    s.window_scale = 7;
    s.window = 1'000;
    s.ts.val = 77;
    return s;
  }
  /// The segment with which the peer answers a SYN-ACK.
  static Segment answer(const Segment& first, const Emission& syn_ack) {
    Segment s;
    s.seq = first.seq + 1;
    s.ack = syn_ack.seq + 1;
    s.flags = wire::tcp_flag::ack;
    s.window = 500;
    if ((syn_ack.options & wire::tcp_option::timestamps) != 0) {
      s.options = wire::tcp_option::timestamps;
      s.ts = {first.ts.val + 1, syn_ack.ts.val};
    }
    return s;
  }
  std::optional<Segment> comes_back(const Segment& first) const {
    return syn_of_cookie(answer(first, cookie_syn_ack(first, flow(), cfg, now)), flow(), cfg, now);
  }

  tcp::TcpSettings cfg;
  Instant now{1'000'000'000};
};

TEST_F(SynCookie, AnswersWithWhatAConnectionWouldSay) {
  tcp::Connection c;
  open_passive(c, syn(), Seq{}, kTsOffset, cfg, now);
  Emission plain;
  ASSERT_TRUE(next_emission(c, cfg, now, plain));
  const Emission cookie = cookie_syn_ack(syn(), flow(), cfg, now);
  EXPECT_EQ(cookie.flags, plain.flags);
  EXPECT_EQ(cookie.ack, plain.ack);
  EXPECT_EQ(cookie.options, plain.options);
  EXPECT_EQ(cookie.mss, plain.mss);
  EXPECT_EQ(cookie.window, plain.window);
  EXPECT_EQ(cookie.window_scale, plain.window_scale);
  EXPECT_EQ(cookie.ts.echo, plain.ts.echo);
}

TEST_F(SynCookie, WhoseTimestampWasBlankedOnTheWayOpensWithWindowsThatMisleadNobody) {
  cfg.receive_window = 1 << 20;
  const Segment first = syn();
  Segment ack = answer(first, cookie_syn_ack(first, flow(), cfg, now));
  ack.options = 0;
  const auto back = syn_of_cookie(ack, flow(), cfg, now);
  ASSERT_TRUE(back);
  tcp::Connection c;
  open_from_cookie(c, *back, ack, kTsOffset, cfg, now);
  const tcp::Verdict v = on_segment(c, ack, {}, cfg, now);
  EXPECT_EQ(v.events, tcp::event::established | tcp::event::timestamps_missing);
  EXPECT_EQ(c.snd_wnd, ack.window) << "as if it were not scaled";
  EXPECT_FALSE(c.has(tcp::conn_flag::sack)) << "nobody knows";
  Segment text = ack;
  text.payload_len = 3'000;
  on_segment(c, text, {}, cfg, now);
  take_text(c, 3'000, cfg, now);
  tcp::set_receive_room(c, 1 << 20, cfg);
  cfg.delayed_ack = {};
  Emission e;
  c.set(tcp::conn_flag::ack_now);
  ASSERT_TRUE(next_emission(c, cfg, now, e));
  EXPECT_TRUE(e.options & wire::tcp_option::timestamps) << "the peer expects them (RFC 7323 3.2)";
  EXPECT_LE(std::uint32_t{e.window} << 5, 1u << 20) << "scaled as the SYN-ACK said";
  EXPECT_GE(e.window, 32'000) << "not scaled";
}

TEST_F(SynCookie, OfASynWithoutTimestampsOpensUnscaled) {
  cfg.receive_window = 1 << 20;
  Segment first = syn();
  first.options &= static_cast<std::uint8_t>(~wire::tcp_option::timestamps);
  const auto back = comes_back(first);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->options, wire::tcp_option::mss);
}

TEST_F(SynCookie, KeepsTheScaleAndSackInTheTimestamp) {
  for (std::uint8_t shift = 0; shift <= 14; ++shift) {
    Segment s = syn();
    s.window_scale = shift;
    if (shift % 2 == 0) s.options &= static_cast<std::uint8_t>(~wire::tcp_option::sack_permitted);
    const auto back = comes_back(s);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->options, s.options);
    EXPECT_EQ(back->window_scale, shift);
    EXPECT_EQ(back->seq, s.seq);
  }
}

TEST_F(SynCookie, WithoutTimestampsOffersNeitherScaleNorSack) {
  Segment s = syn();
  s.options &= static_cast<std::uint8_t>(~wire::tcp_option::timestamps);
  EXPECT_EQ(cookie_syn_ack(s, flow(), cfg, now).options, wire::tcp_option::mss);
  ASSERT_TRUE(comes_back(s));
  EXPECT_EQ(comes_back(s)->options, wire::tcp_option::mss);
}

TEST_F(SynCookie, RoundsTheMssDownToOneThatItCanSay) {
  for (std::uint16_t mss = 48; mss <= 1'460; ++mss) {
    const auto back = comes_back(syn(mss));
    ASSERT_TRUE(back);
    EXPECT_LE(back->mss, mss);
    if (mss == 48 || mss == 536 || mss == 1'440 || mss == 1'460) {
      EXPECT_EQ(back->mss, mss);
    }
  }
  EXPECT_EQ(comes_back(syn(1))->mss, 48) << "the least that a connection takes";
  EXPECT_EQ(comes_back(syn(9'000))->mss, 1'460);
}

TEST_F(SynCookie, TakesAMissingMssFor536) {  // RFC 9293 MUST-15
  Segment s = syn();
  s.options &= static_cast<std::uint8_t>(~wire::tcp_option::mss);
  s.mss = 0;
  EXPECT_EQ(comes_back(s)->mss, 536);
}

TEST_F(SynCookie, IsGoodForItsLifeAndForLessThanTwiceThat) {
  const Emission e = cookie_syn_ack(syn(), flow(), cfg, now);
  const Segment ack = answer(syn(), e);
  EXPECT_TRUE(syn_of_cookie(ack, flow(), cfg, now + tcp::kCookieLife));
  EXPECT_FALSE(syn_of_cookie(ack, flow(), cfg, now + tcp::kCookieLife * 2));
}

TEST_F(SynCookie, IsForOneFlowOneIsnAndOneSecretOnly) {
  const Segment ack = answer(syn(), cookie_syn_ack(syn(), flow(), cfg, now));
  EXPECT_FALSE(syn_of_cookie(ack, {kOtherKey, kSecret, kTsOffset}, cfg, now));
  EXPECT_FALSE(syn_of_cookie(ack, {kKey, kOtherSecret, kTsOffset}, cfg, now));
  Segment other = ack;
  other.seq += 1;
  EXPECT_FALSE(syn_of_cookie(other, flow(), cfg, now));
}

TEST_F(SynCookie, IsNotFoundByGuessing) {
  constexpr std::uint64_t kSeed = 1;
  constexpr int kGuesses = 1 << 20;  // sixteen of 2^32 are good: one in 256 such tests finds one
  Prng random(kSeed);
  Segment guess = answer(syn(), cookie_syn_ack(syn(), flow(), cfg, now));
  int found = 0;
  for (int i = 0; i < kGuesses; ++i) {
    guess.ack = Seq{static_cast<std::uint32_t>(random.next())};
    found += syn_of_cookie(guess, flow(), cfg, now) ? 1 : 0;
  }
  EXPECT_EQ(found, 0) << "seed " << kSeed;
}

TEST_F(SynCookie, StampsNeitherAheadOfTheClockNorBackwards) {  // RFC 7323 5
  std::uint32_t before = 0;
  for (int ms = 0; ms < 200; ++ms, now = now + 1_ms) {
    const std::uint32_t stamp = cookie_syn_ack(syn(), flow(), cfg, now).ts.val;
    const auto behind = static_cast<std::int32_t>(now.ts_ms() + kTsOffset - stamp);
    EXPECT_GE(behind, 0);
    EXPECT_LT(behind, 32);
    if (ms > 0) {
      EXPECT_GE(static_cast<std::int32_t>(stamp - before), 0);
    }
    before = stamp;
  }
}

TEST_F(SynCookie, OpensTheConnectionThatTheSynAskedFor) {
  const Segment ack = answer(syn(), cookie_syn_ack(syn(), flow(), cfg, now));
  const auto back = syn_of_cookie(ack, flow(), cfg, now);
  ASSERT_TRUE(back);
  tcp::Connection c;
  open_from_cookie(c, *back, ack, kTsOffset, cfg, now);
  EXPECT_EQ(c.state, tcp::State::syn_received);
  const tcp::Verdict v = on_segment(c, ack, {}, cfg, now);
  EXPECT_EQ(v.drop, Drop::none);
  EXPECT_EQ(v.events & tcp::event::established, tcp::event::established);
  EXPECT_EQ(c.state, tcp::State::established);
  EXPECT_EQ(c.snd_wnd, 500u << 7);
  EXPECT_EQ(c.ts_recent, 78u);
  EXPECT_TRUE(c.has(tcp::conn_flag::sack | tcp::conn_flag::timestamps));
  EXPECT_TRUE(next_deadline(c).is_never());
}

}  // namespace
}  // namespace mayfly::testing
