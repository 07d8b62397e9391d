// An acknowledgement with SACK has a short way and a long one. Where the short one may be taken,
// both come to the same connection, octet by octet.
#include <array>
#include <cstring>

#include "base/prng.h"
#include "support/tcp_bench.h"
#include "tcp/congestion/scoreboard.h"
#include "tcp/input.h"

namespace mayfly::testing {
namespace {

/// A connection as octets, without the place of its record, and the record.
struct Octets {
  std::array<std::byte, sizeof(tcp::Connection)> connection;
  std::array<std::byte, sizeof(tcp::LossRecord)> record;

  explicit Octets(Recorded c) {
    c.loss = nullptr;
    std::memcpy(connection.data(), static_cast<const tcp::Connection*>(&c), connection.size());
    std::memcpy(record.data(), &c.record, record.size());
  }
  bool operator==(const Octets&) const = default;
};

/// Both ways for what the peer acknowledges, on copies.
void expect_both_ways_meet(const Tcp& t, const Spoken& said) {
  const Segment s = t.spell(said);
  Recorded by_short = t.c, by_long = t.c;
  acknowledge_undisturbed(by_short, s, t.cfg, t.now);
  acknowledge_with_sack(by_long, s, {}, t.cfg, t.now, tcp::Verdict{});
  EXPECT_EQ(Octets(by_short), Octets(by_long));
}

class AckWays : public ::testing::TestWithParam<tcp::CongestionControl> {};

TEST_P(AckWays, ComeToTheSameWhereNothingIsDisturbed) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(prng.below(n)); };
    auto cfg = plain();
    cfg.sack = true;
    cfg.timestamps = below(2) == 0;
    cfg.congestion_control = GetParam();
    const Spoken offer = syn().mss(1'000).sack_ok();
    auto t = Tcp::established(cfg, cfg.timestamps ? offer.stamped(100) : offer);
    std::int64_t acked = 0;
    for (int step = 0; step < 40 && t.c.state != tcp::State::closed; ++step) {
      if (step < 30 && below(3) > 0) t.send(below(6'000));
      if (step == 30) t.close();
      t.after(Duration{below(60'000)}).whatever();
      const std::uint32_t out = t.c.snd_max - t.c.snd_una;
      if (out == 0) continue;
      const std::int64_t upto = acked + 1 + below(out);
      const Spoken said = ack().acks(upto).window(below(4) == 0 ? below(9'000) : 60'000);
      if (below(8) == 0 && upto - acked < out) {  // for once something is lost
        t.peer(ack().acks(acked).sack(static_cast<std::uint32_t>(upto),
                                      static_cast<std::uint32_t>(acked + out)));
        continue;
      }
      if (is_undisturbed(t.c)) {
        expect_both_ways_meet(t, said);
        ++compared;
      }
      t.peer(said);
      acked = upto;
    }
  }
  EXPECT_GT(compared, 2'000);
}

INSTANTIATE_TEST_SUITE_P(Controls, AckWays,
                         ::testing::Values(tcp::CongestionControl::newreno,
                                           tcp::CongestionControl::cubic));

}  // namespace
}  // namespace mayfly::testing
