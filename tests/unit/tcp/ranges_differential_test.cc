// What was received out of order, and what the peer has SACKed, against plain sets of octets: with
// random segments and blocks, over the wrap of both sequence spaces.
#include <algorithm>
#include <set>

#include "base/prng.h"
#include "support/tcp_bench.h"
#include "tcp/congestion/recovery.h"
#include "tcp/seq_ranges.h"

namespace mayfly::testing {
namespace {

using Octets = std::set<std::int64_t>;  ///< numbers of octets, counted as tcp_bench.h does

Octets octets_in(const tcp::SeqRanges& ranges, Seq first) {
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
      ASSERT_EQ(octets_in(t.c.held, kPeerIss + 1), here);
      ASSERT_EQ(t.c.held.count, ranges_in(here)) << "touching ranges are one";
    }
  }
}

/// A sender with 20 segments of text on their way, and the octets that its peer has SACKed.
struct Sender {
  static constexpr std::uint32_t kSent = 2'000;
  Tcp t;
  Octets sacked;
  std::int64_t una = 0;

  static Sender with_sack() {
    tcp::TcpSettings cfg = plain();
    cfg.sack = true;
    cfg.initial_window_segments = 100;
    Sender s{Tcp::established(cfg, syn().mss(100).sack_ok()), {}, 0};
    s.t.send(kSent).whatever();
    return s;
  }

  /// An ACK with up to three blocks, some of them old, empty, or beyond what was sent. The blocks
  /// are noted before the ACK makes room.
  void hear_ack(Prng& prng) {
    const auto step = prng.chance(0.3) ? static_cast<std::int64_t>(prng.below(150)) : 0;
    const std::int64_t acked = std::min<std::int64_t>(una + step, kSent);
    Spoken said = ack().acks(acked);
    for (std::uint64_t blocks = prng.below(4); blocks > 0; --blocks) {
      const auto from = static_cast<std::uint32_t>(prng.below(kSent));
      const auto to = from + static_cast<std::uint32_t>(prng.below(150));
      said = said.sack(from, to);
      note(from, to);
    }
    una = acked;
    sacked.erase(sacked.begin(), sacked.lower_bound(una));
    t.peer(said).whatever();
  }

  /// RFC 2018 5: what lies in flight counts. A block for which there is no room is forgotten.
  void note(std::int64_t from, std::int64_t to) {
    if (to > kSent) return;
    Octets then = sacked;
    for (std::int64_t n = std::max(from, una); n < to; ++n) then.insert(n);
    if (ranges_in(then) <= tcp::kRangesMax) sacked = then;
  }
};

TEST(SackScoreboard, EqualsTheSetOfOctetsThatThePeerHasSacked) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Sender s = Sender::with_sack();
    for (int i = 0; i < 40; ++i) {
      s.hear_ack(prng);
      ASSERT_EQ(octets_in(s.t.c.sacked, kOurIss + 1), s.sacked);
      ASSERT_EQ(s.t.c.sacked.count, ranges_in(s.sacked));
    }
  }
}

TEST(SackScoreboard, NamesTheFirstHoleThatASetWouldName) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Prng prng(seed);
    Sender s = Sender::with_sack();
    for (int i = 0; i < 20; ++i) s.hear_ack(prng);
    const auto looked_from = static_cast<std::int64_t>(prng.below(Sender::kSent));
    s.t.c.retransmit_next = kOurIss + 1 + static_cast<std::uint32_t>(looked_from);
    const std::int64_t left = first_missing(s.sacked, std::max(s.una, looked_from));
    const auto above = s.sacked.lower_bound(left);
    wire::SackBlock hole;
    ASSERT_EQ(next_hole(s.t.c, false, hole), above != s.sacked.end());
    if (above == s.sacked.end()) continue;
    EXPECT_EQ(hole.left - (kOurIss + 1), left);
    EXPECT_EQ(hole.right - (kOurIss + 1), *above);
  }
}

}  // namespace
}  // namespace mayfly::testing
