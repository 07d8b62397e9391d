// The compact TimeWaitEntry against the full Connection left in State::time_wait: any segment gets
// the same answer from both, except where the entry differs by design. Each such rule is stated.
#include <string>

#include "base/prng.h"
#include "support/tcp_bench.h"
#include "tcp/time_wait.h"

namespace mayfly::testing {
namespace {

constexpr std::uint32_t kStamp = 0xffff'fff0u;  ///< TS.Recent; the space wraps soon

/// How often each rule was needed: a rule that no segment meets would prove nothing.
struct Met {
  int alike = 0, without_ack = 0, ack_too_old = 0, in_window = 0, rst = 0;
};

struct Both {
  Tcp block;
  tcp::TimeWaitEntry entry;

  /// The rst policy and reopen = off are what the block does, which knows no policy.
  static tcp::TimeWaitRules rules() {
    tcp::TimeWaitRules p;
    p.rst = tcp::TimeWaitRules::OnRst::accept;
    p.reopen = tcp::TimeWaitRules::Reopen::off;
    return p;
  }
};

Both draw(Prng& prng) {
  tcp::TcpSettings cfg = plain();
  cfg.timestamps = prng.chance(0.5);
  cfg.window_scale = prng.chance(0.3);
  cfg.challenge_ack_interval = Duration{0};
  Spoken offer = syn().mss(1'000).stamped(kStamp);
  if (prng.chance(0.5)) offer = offer.scaled(2);
  Tcp t = Tcp::established(cfg, offer);
  if (prng.chance(0.5)) t.peer(data(static_cast<std::uint32_t>(1 + prng.below(500))));
  if (prng.chance(0.5)) t.send(static_cast<std::uint32_t>(1 + prng.below(500))).peer(ack());
  t.close();
  t = prng.chance(0.3) ? t.peer(fin().acks(t.c.snd_una - (kOurIss + 1))).peer(ack())
                       : t.peer(ack()).peer(fin());
  t.whatever().in(tcp::State::time_wait);
  const tcp::TimeWaitEntry entry = make_time_wait_entry(t.c);
  return {std::move(t), entry};
}

Spoken draw_segment(Prng& prng, const Tcp& t) {
  const auto near = [&](int n) { return static_cast<int>(prng.below(2u * n + 1)) - n; };
  Spoken s = data(prng.chance(0.5) ? 0 : static_cast<std::uint32_t>(prng.below(4)));
  if (prng.chance(0.4)) s = s.with_fin();
  if (prng.chance(0.15)) s.flags = wire::tcp_flag::rst | (s.flags & wire::tcp_flag::ack);
  if (prng.chance(0.15)) s.flags = wire::tcp_flag::syn | (s.flags & wire::tcp_flag::ack);
  const std::int64_t rcv_nxt = t.c.rcv_nxt - (kPeerIss + 1), snd_nxt = t.c.snd_max - (kOurIss + 1);
  s = s.at(rcv_nxt + near(prng.chance(0.2) ? 200'000 : 4));
  if (s.flags & wire::tcp_flag::ack) s = s.acks(snd_nxt + near(prng.chance(0.2) ? 200'000 : 2));
  if (prng.chance(0.1)) s = s.without_ack();
  const bool stamped = t.c.has(tcp::conn_flag::timestamps) ? prng.chance(0.9) : prng.chance(0.1);
  return stamped ? s.stamped(t.c.ts_recent + static_cast<std::uint32_t>(near(1))) : s.bare();
}

bool is_in_window(const tcp::Connection& c, const Segment& s) {
  const std::int32_t window = c.rcv_adv - c.rcv_nxt, start = s.seq - c.rcv_nxt;
  if (s.length() == 0) return start == 0 || (start > 0 && start < window);
  return start < window && s.end() - c.rcv_nxt > 0;
}

/// The entry's answer to a segment without RST and SYN must be this; `block_acks` is the block's.
bool entry_should_ack(const tcp::Connection& c, const Segment& s, bool block_acks, Drop block_drop,
                      Met& met) {
  if (block_drop == Drop::tcp_no_timestamp || block_drop == Drop::tcp_paws) {
    ++met.alike;
    return block_acks;
  }
  // Rule 1: without an ACK bit the entry says nothing, wherever the segment lies: less to reflect.
  if (!s.has(wire::tcp_flag::ack)) {
    ++met.without_ack;
    return false;
  }
  const bool bare_in_place = s.seq == c.rcv_nxt && s.length() == 0;
  // Rule 2: the entry does not know MAX.SND.WND, so an ACK far below is no reason for an answer.
  if (before(s.ack, c.snd_una - c.max_snd_wnd) && bare_in_place) {
    ++met.ack_too_old;
    return false;
  }
  // Rule 3: in the window, but not at RCV.NXT or not empty, the block ignores what comes after the
  // peer's FIN; the entry tells such a peer where it stands (RFC 9293 3.10.7.4, first).
  if (is_in_window(c, s) && !bare_in_place) {
    ++met.in_window;
    return true;
  }
  ++met.alike;
  return block_acks;
}

void expect_same_ack(const Emission& block, const Emission& entry) {
  EXPECT_EQ(entry.seq, block.seq);
  EXPECT_EQ(entry.ack, block.ack);
  EXPECT_EQ(entry.flags, block.flags);
  EXPECT_EQ(entry.window, block.window);
  EXPECT_EQ(entry.options, block.options);
  EXPECT_EQ(entry.ts.val, block.ts.val);
  EXPECT_EQ(entry.ts.echo, block.ts.echo);
}

void compare(const Both& both, const Spoken& said, Met& met) {
  Tcp t = both.block;
  const tcp::Connection c = t.c;
  t.peer(said);
  const Segment& s = t.last_heard;
  const tcp::TimeWaitVerdict v = on_time_wait_segment(both.entry, s, Both::rules());
  const bool entry_acks =
      v.action == tcp::TimeWaitAction::ack || v.action == tcp::TimeWaitAction::restart_and_ack;
  SCOPED_TRACE("entry: " + std::string(name_of(v.drop)) +
               ", block: " + std::string(name_of(t.verdict.drop)));
  const bool block_acks = !t.out.empty();
  if (s.has(wire::tcp_flag::rst)) {  // RFC 5961 3.2: the same by both
    ++met.rst;
    EXPECT_EQ(v.action == tcp::TimeWaitAction::kill, t.c.state == tcp::State::closed);
    EXPECT_EQ(entry_acks, block_acks);
    EXPECT_EQ(v.drop, t.verdict.drop);
  } else if (s.has(wire::tcp_flag::syn)) {  // RFC 5961 4.2: a challenge, whatever else it says
    EXPECT_TRUE(entry_acks && block_acks);
  } else {
    EXPECT_EQ(entry_acks, entry_should_ack(c, s, block_acks, t.verdict.drop, met));
    EXPECT_EQ(
        v.action == tcp::TimeWaitAction::restart_and_ack,
        entry_acks && v.drop == Drop::none && s.has(wire::tcp_flag::fin) && s.end() == c.rcv_nxt);
  }
  if (entry_acks && block_acks)
    expect_same_ack(t.out.front(), time_wait_ack(both.entry, c.ts_offset, t.now));
}

TEST(TimeWaitEntry, AnswersAsTheFullConnectionDoes) {
  Met met;
  for (std::uint64_t seed = 0; seed < 1'000 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng prng(seed);
    const Both both = draw(prng);
    for (int i = 0; i < 50 && !::testing::Test::HasFailure(); ++i)
      compare(both, draw_segment(prng, both.block), met);
  }
  EXPECT_GT(met.alike, 1'000);
  EXPECT_GT(met.without_ack, 1'000);
  EXPECT_GT(met.ack_too_old, 10);
  EXPECT_GT(met.in_window, 1'000);
  EXPECT_GT(met.rst, 1'000);
}

}  // namespace
}  // namespace mayfly::testing
