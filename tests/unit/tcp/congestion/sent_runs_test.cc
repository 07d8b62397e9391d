// Send times in a few runs, beside a list that remembers every octet.
#include "tcp/congestion/sent_runs.h"

#include <map>

#include "base/prng.h"
#include "support/tcp_bench.h"
#include "tcp/invariants.h"

namespace mayfly::testing {
namespace {

Recorded sending() {
  Recorded c;
  c.state = tcp::State::established;
  c.mss = 100;
  c.srtt_us = 80'000;
  c.cwnd = 1'000;
  c.rto_us = 200'000;
  c.set(tcp::conn_flag::sack);
  c.snd_una = c.snd_nxt = c.snd_max = c.snd_end = Seq{0xffff'ff00u};
  return c;
}
void send(tcp::Connection& c, std::uint32_t octets, Instant now) {
  note_sent(c, c.snd_max, c.snd_max + octets, now);
  c.snd_nxt = c.snd_end = c.snd_max = c.snd_max + octets;
}

TEST(SentRuns, ABurstIsOneRun) {
  auto c = sending();
  for (int i = 0; i < 10; ++i) send(c, 100, Instant{1'000});
  ASSERT_EQ(c.sent_count, 1);
  EXPECT_EQ(sent_runs(c)[0].end, c.snd_max);
}

TEST(SentRuns, ARunLastsForAnEighthOfARoundTrip) {
  auto c = sending();
  send(c, 100, Instant{0});
  send(c, 100, Instant{10'000});
  send(c, 100, Instant{10'004});
  ASSERT_EQ(c.sent_count, 2);
  EXPECT_EQ(sent_runs(c)[0].first, 0u);
  EXPECT_EQ(sent_runs(c)[0].last_us(), 10'000u);
}

TEST(SentRuns, ARetransmissionSplitsARun) {
  auto c = sending();
  send(c, 1'000, Instant{0});
  note_sent(c, c.snd_una + 300, c.snd_una + 400, Instant{5'000});
  ASSERT_EQ(c.sent_count, 3);
  EXPECT_EQ(sent_runs(c)[0].end, c.snd_una + 300);
  EXPECT_TRUE(sent_runs(c)[1].has(tcp::SentRun::kAgain));
  EXPECT_EQ(sent_runs(c)[1].last_us(), 5'000u);
  EXPECT_EQ(sent_runs(c)[2].end, c.snd_max);
  EXPECT_EQ(sent_runs(c)[2].last_us(), 0u);
}

TEST(SentRuns, OfATimeOutAreLostUntilTheyAreSentAgain) {
  auto c = sending();
  send(c, 1'000, Instant{0});
  tcp::declare_lost(c);
  note_sent(c, c.snd_una, c.snd_una + 100, Instant{5'000});
  ASSERT_EQ(c.sent_count, 2);
  EXPECT_FALSE(sent_runs(c)[0].has(tcp::SentRun::kLost));
  EXPECT_TRUE(sent_runs(c)[1].has(tcp::SentRun::kLost));
}

TEST(SentRuns, OfATimeOutStayLostWhereTheyDoNotSuffice) {
  auto c = sending();
  Instant now{0};
  for (int i = 0; i < 8; ++i) send(c, 100, now = now + Duration{1'000'000});
  for (std::uint32_t at : {600u, 400u, 200u, 0u})  // every other one, so that no neighbours agree
    note_sent(c, c.snd_una + at, c.snd_una + at + 100, now = now + Duration{1'000'000});
  ASSERT_EQ(c.sent_count, tcp::kSentRunsMax);
  tcp::declare_lost(c);
  note_sent(c, c.snd_una, c.snd_una + 50, now + Duration{1'000});
  ASSERT_EQ(c.sent_count, tcp::kSentRunsMax);
  EXPECT_EQ(sent_runs(c)[0].end, c.snd_una + 50);
  EXPECT_FALSE(sent_runs(c)[0].has(tcp::SentRun::kLost));
  for (std::uint8_t i = 1; i < c.sent_count; ++i)
    EXPECT_TRUE(sent_runs(c)[i].has(tcp::SentRun::kLost)) << int{i};
}

TEST(SentRuns, AreForgottenWithWhatIsAcknowledged) {
  auto c = sending();
  send(c, 100, Instant{0});
  send(c, 100, Instant{50'000});
  tcp::forget_sent(c, c.snd_una + 150);
  ASSERT_EQ(c.sent_count, 1);
  EXPECT_EQ(sent_runs(c)[0].end, c.snd_max);
}

TEST(SentRuns, NeverMakeASegmentOlderThanItIs) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    auto c = sending();
    const Seq begin = c.snd_una;
    std::map<std::int32_t, std::uint32_t> sent_at;  // by octet / 100
    Instant now{0};
    for (int i = 0; i < 60; ++i) {
      now = now + Duration{static_cast<std::int64_t>(4 * prng.below(20'000))};
      const auto all = static_cast<std::uint32_t>(c.snd_max - begin) / 100;
      if (all > 1 && prng.chance(0.4)) {
        const auto at = static_cast<std::uint32_t>(prng.below(all));
        note_sent(c, begin + at * 100, begin + (at + 1) * 100, now);
        sent_at[static_cast<std::int32_t>(at)] = tcp::run_clock(now);
      } else {
        send(c, 100, now);
        sent_at[static_cast<std::int32_t>(all)] = tcp::run_clock(now);
      }
      ASSERT_EQ(broken_invariant(c), "");
      Seq left = begin;
      for (std::uint8_t r = 0; r < c.sent_count; ++r) {
        for (; before(left, sent_runs(c)[r].end); left += 100) {
          const std::uint32_t truth = sent_at[(left - begin) / 100];
          ASSERT_FALSE(tcp::is_earlier(sent_runs(c)[r].last_us(), truth));
          ASSERT_FALSE(tcp::is_earlier(truth, sent_runs(c)[r].first));
        }
      }
    }
  }
}

TEST(SentRuns, EndTheirWorkWithinOneInstantWhateverAPeerClaims) {
  auto cfg = plain();
  cfg.sack = true;
  auto t = Tcp::established(cfg, syn().mss(1'000).sack_ok()).send(60'000).whatever();
  for (std::uint32_t i = 1; i < 60; ++i)  // no time passes
    t.peer(ack().acks(0).sack(i * 1'000, i * 1'000 + 500).sack(30'000, 31'000));
  EXPECT_LT(t.out.size(), 200u);
}

}  // namespace
}  // namespace mayfly::testing
