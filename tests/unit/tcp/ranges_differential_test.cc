// What was received out of order, and what the peer has SACKed, against plain sets of octets: with
// random segments and blocks, over the wrap of both sequence spaces.
#include <algorithm>
#include <set>

#include "base/prng.h"
#include "support/tcp_bench.h"
#include "tcp/congestion/rack.h"
#include "tcp/congestion/recovery.h"
#include "tcp/invariants.h"
#include "tcp/seq_ranges.h"

namespace mayfly::testing {
namespace {

using Octets = std::set<std::int64_t>;  ///< numbers of octets, counted as tcp_bench.h does

template <class Ranges>
Octets octets_in(const Ranges& ranges, Seq first) {
  Octets all;
  for (std::uint8_t i = 0; i < ranges.count; ++i)
    for (Seq at = ranges.range[i].left; at != ranges.range[i].right; at += 1)
      all.insert(at - first);
  return all;
}

/// The number of separate ranges.
std::size_t ranges_in(const Octets& octets) {
  return static_cast<std::size_t>(std::count_if(
      octets.begin(), octets.end(), [&](std::int64_t n) { return !octets.contains(n - 1); }));
}

/// The first octet from `at` on that the set lacks.
std::int64_t first_missing(const Octets& octets, std::int64_t at) {
  while (octets.contains(at)) ++at;
  return at;
}

TEST(ReceivedRanges, EqualTheSetOfOctetsThatHaveArrived) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Tcp t = Tcp::established();
    Octets here;  // all that was taken or is held
    std::int64_t next = 0;
    for (int i = 0; i < 100; ++i) {
      const auto len = static_cast<std::uint32_t>(1 + prng.below(30));
      const std::int64_t from = next + static_cast<std::int64_t>(prng.below(200)) - 50;
      t.peer(data(len).at(from));
      Octets then = here;
      for (std::int64_t n = std::max(from, next); n < from + len; ++n) then.insert(n);
      const bool full = t.verdict.drop == Drop::tcp_reassembly_full;
      if (!full) here = then;
      ASSERT_EQ(full, from > next && ranges_in(then) > tcp::kRangesMax);
      next = first_missing(here, next);
      here.erase(here.begin(), here.lower_bound(next));
      ASSERT_EQ(t.text_received, static_cast<std::uint32_t>(next));
      ASSERT_EQ(t.c.rcv_nxt - (kPeerIss + 1), next);
      ASSERT_EQ(octets_in(t.c.loss->held, kPeerIss + 1), here);
      ASSERT_EQ(t.c.loss->held.count, ranges_in(here)) << "touching ranges are one";
    }
  }
}

/// A sender with 20 segments of text on their way, and the octets that its peer has SACKed.
struct Sender {
  static constexpr std::uint32_t kSent = 2'000;
  Tcp t;
  Octets sacked;
  std::int64_t una = 0;
  bool crowded = false;  ///< at one time there were more ranges than the scoreboard holds

  static Sender with_sack() {
    tcp::TcpSettings cfg = plain();
    cfg.sack = true;
    cfg.initial_window_segments = 100;
    Sender s{Tcp::established(cfg, syn().mss(100).sack_ok()), {}, 0, false};
    s.t.send(kSent).whatever();
    return s;
  }

  /// An ACK with up to three blocks, some of them old, empty, or beyond what was sent. None begins
  /// where the peer's acknowledgements stop: that octet cannot have arrived.
  void hear_ack(Prng& prng) {
    const auto step = prng.chance(0.3) ? static_cast<std::int64_t>(prng.below(150)) : 0;
    std::int64_t acked = std::min<std::int64_t>(una + step, kSent);
    while (sacked.contains(acked)) ++acked;
    Spoken said = ack().acks(acked);
    std::vector<std::pair<std::int64_t, std::int64_t>> blocks(prng.below(4));
    for (auto& [from, to] : blocks) {
      from = acked + 1 + static_cast<std::int64_t>(prng.below(kSent));
      to = from + static_cast<std::int64_t>(prng.below(150));
      said = said.sack(static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to));
    }
    una = acked;
    sacked.erase(sacked.begin(), sacked.lower_bound(una));
    for (const auto& [from, to] : blocks) note(from, to);
    t.peer(said).whatever();
  }

  /// RFC 2018 5: what lies in flight counts.
  void note(std::int64_t from, std::int64_t to) {
    if (to > static_cast<std::int64_t>(sent())) return;
    for (std::int64_t n = from; n < to; ++n) sacked.insert(n);
    crowded |= ranges_in(sacked) > tcp::kSackedMax;
  }
  std::uint32_t sent() const { return static_cast<std::uint32_t>(t.c.snd_max - (kOurIss + 1)); }
};

TEST(SackScoreboard, EqualsTheSetOfOctetsThatThePeerHasSacked) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Sender s = Sender::with_sack();
    for (int i = 0; i < 40; ++i) {
      s.hear_ack(prng);
      if (s.crowded) break;
      ++compared;
      ASSERT_EQ(octets_in(s.t.c.loss->sacked, kOurIss + 1), s.sacked);
      ASSERT_EQ(s.t.c.loss->sacked.count, ranges_in(s.sacked));
      ASSERT_EQ(s.t.c.loss->hidden, 0u);
    }
  }
  EXPECT_GT(compared, 500);
}

TEST(SackScoreboard, HidesGapsWhereThereAreMoreRangesThanItHolds) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Sender s = Sender::with_sack();
    for (int i = 0; i < 40; ++i) {
      s.hear_ack(prng);
      const Octets known = octets_in(s.t.c.loss->sacked, kOurIss + 1);
      ASSERT_LE(s.t.c.loss->hidden, known.size());
      ASSERT_EQ(broken_invariant(s.t.c), "");
    }
  }
}

TEST(SackScoreboard, NamesTheFirstHoleThatASetWouldName) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Sender s = Sender::with_sack();
    for (int i = 0; i < 6; ++i) s.hear_ack(prng);
    if (s.crowded) continue;
    tcp::go_back(s.t.c);
    const std::int64_t left = first_missing(s.sacked, s.una);
    wire::SackBlock hole;
    ASSERT_EQ(first_lost(s.t.c, hole), left < static_cast<std::int64_t>(s.sent()));
    EXPECT_EQ(hole.left - (kOurIss + 1), left);
    const auto above = s.sacked.lower_bound(left);
    EXPECT_EQ(hole.right - (kOurIss + 1),
              above == s.sacked.end() ? static_cast<std::int64_t>(s.sent()) : *above);
  }
}

}  // namespace
}  // namespace mayfly::testing
