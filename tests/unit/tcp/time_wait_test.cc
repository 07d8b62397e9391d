// TIME_WAIT: RFC 9293 3.10.7.4, RFC 6191 2 row by row, RFC 1337 F1.
#include "tcp/time_wait.h"

#include "support/tcp_bench.h"

namespace mayfly::tcp {

inline void PrintTo(TimeWaitAction action, std::ostream* out) {
  static constexpr const char* kNames[] = {"drop", "ack", "restart_and_ack", "reopen", "kill"};
  *out << kNames[static_cast<int>(action)];
}

}  // namespace mayfly::tcp

namespace mayfly::testing {

namespace {

using enum tcp::TimeWaitAction;
using Reopen = tcp::TimeWaitRules::Reopen;

constexpr std::uint32_t kLastStamp = 0xffff'fff8u;
constexpr Seq kRcvNxt{10}, kSndNxt{5'000};

tcp::TimeWaitEntry entry(bool timestamps) {
  tcp::TimeWaitEntry e{};
  e.rcv_nxt = kRcvNxt;
  e.snd_nxt = kSndNxt;
  e.ts_recent = timestamps ? kLastStamp : 0;
  e.window = 1'000;
  e.flags = timestamps ? tcp::TimeWaitEntry::kTimestamps : 0;
  return e;
}

Segment segment(std::uint8_t flags, std::int32_t ahead,
                std::optional<std::int32_t> stamp_ahead = {}) {
  Segment s;
  s.flags = flags;
  s.seq = kRcvNxt + static_cast<std::uint32_t>(ahead);
  if (flags & wire::tcp_flag::ack) s.ack = kSndNxt;
  if (stamp_ahead) {
    s.options = wire::tcp_option::timestamps;
    s.ts.val = kLastStamp + static_cast<std::uint32_t>(*stamp_ahead);
  }
  return s;
}

struct SynRow {
  const char* what;
  bool had_timestamps;
  std::optional<std::int32_t> stamp_ahead;
  std::int32_t seq_ahead;
  tcp::TimeWaitAction by_rfc6191, by_sequence;
};

const SynRow kSynRows[] = {
    {"newer timestamp, newer sequence", true, 1, 1, reopen, reopen},
    {"newer timestamp, older sequence", true, 1, -100, reopen, ack},
    {"newer timestamp beyond the wrap", true, 50, -100, reopen, ack},
    {"equal timestamp, newer sequence", true, 0, 0, reopen, reopen},
    {"equal timestamp, the FIN's own sequence", true, 0, -1, ack, ack},
    {"equal timestamp, older sequence", true, 0, -100, ack, ack},
    {"older timestamp, newer sequence", true, -1, 100, ack, reopen},
    {"older timestamp, older sequence", true, -1, -100, ack, ack},
    {"no timestamp where there were some, newer sequence", true, {}, 100, reopen, reopen},
    {"no timestamp where there were some, older sequence", true, {}, -100, ack, ack},
    {"timestamp where there was none, newer sequence", false, 1, 100, reopen, reopen},
    {"timestamp where there was none, older sequence", false, 1, -100, reopen, ack},
    {"no timestamps, newer sequence", false, {}, 0, reopen, reopen},
    {"no timestamps, older sequence", false, {}, -1, ack, ack},
};

TEST(TimeWaitSyn, FollowsTheTableOfRfc6191UnderEachPolicy) {
  for (const SynRow& row : kSynRows) {
    const auto s = segment(wire::tcp_flag::syn, row.seq_ahead, row.stamp_ahead);
    const auto decide = [&](Reopen how) {
      tcp::TimeWaitRules rules;
      rules.reopen = how;
      return on_time_wait_segment(entry(row.had_timestamps), s, rules);
    };
    EXPECT_EQ(decide(Reopen::rfc6191).action, row.by_rfc6191) << row.what;
    EXPECT_EQ(decide(Reopen::sequence).action, row.by_sequence) << row.what;
    EXPECT_EQ(decide(Reopen::off).action, ack) << row.what;
    EXPECT_EQ(decide(Reopen::off).drop, Drop::time_wait_syn) << row.what;
    const auto v = decide(Reopen::rfc6191);
    EXPECT_EQ(v.refuses_syn, v.action == ack) << row.what;
    const bool stamp_decided = row.stamp_ahead && (!row.had_timestamps || *row.stamp_ahead > 0);
    EXPECT_EQ(v.by_timestamp, v.action == reopen && stamp_decided) << row.what;
  }
}

TEST(TimeWaitSyn, ThatOpensNothingIsDroppedInSilenceWhereThePolicySaysSo) {  // RFC 6191 2
  tcp::TimeWaitRules rules;
  rules.refuse_syn = tcp::TimeWaitRules::RefuseSyn::drop;
  for (const SynRow& row : kSynRows) {
    const auto s = segment(wire::tcp_flag::syn, row.seq_ahead, row.stamp_ahead);
    const auto v = on_time_wait_segment(entry(row.had_timestamps), s, rules);
    EXPECT_EQ(v.action, row.by_rfc6191 == reopen ? reopen : drop) << row.what;
    EXPECT_EQ(v.drop, row.by_rfc6191 == reopen ? Drop::none : Drop::time_wait_syn) << row.what;
  }
}

TEST(TimeWaitSyn, WithAckOpensNothing) {
  const auto s = segment(wire::tcp_flag::syn | wire::tcp_flag::ack, 100, 100);
  EXPECT_EQ(on_time_wait_segment(entry(true), s, {}).action, ack);
  EXPECT_FALSE(on_time_wait_segment(entry(true), s, {}).refuses_syn) << "no newcomer sends it";
}

TEST(TimeWaitRst, IsIgnoredByDefault) {
  for (const int ahead : {-5, 0, 5}) {
    const auto v = on_time_wait_segment(entry(false), segment(wire::tcp_flag::rst, ahead), {});
    EXPECT_EQ(v.action, drop);
    EXPECT_EQ(v.drop, Drop::time_wait_rst);
  }
}

TEST(TimeWaitRst, EndsTheHoldWhereThePolicyAcceptsItButOnlyAtTheLeftEdge) {
  tcp::TimeWaitRules rules;
  rules.rst = tcp::TimeWaitRules::OnRst::accept;
  const auto decide = [&](int ahead) {
    return on_time_wait_segment(entry(false), segment(wire::tcp_flag::rst, ahead), rules).action;
  };
  EXPECT_EQ(decide(0), kill);
  EXPECT_EQ(decide(1), ack);
  EXPECT_EQ(decide(999), ack);
  EXPECT_EQ(decide(1'000), drop);
  EXPECT_EQ(decide(-1), drop);
}

TEST(TimeWaitRst, EndsTheHoldIfItCanBeANewcomersAnswerToTheAckOfItsSyn) {
  tcp::TimeWaitRules rules;
  rules.rst = tcp::TimeWaitRules::OnRst::challenged;
  const auto decide = [&](int ahead, Duration since, std::uint8_t flags = wire::tcp_flag::rst) {
    return on_time_wait_segment(entry(true), segment(flags, ahead), rules, since).action;
  };
  EXPECT_EQ(decide(0, 0_s), kill);
  EXPECT_EQ(decide(0, 2_s), kill);
  EXPECT_EQ(decide(0, 0_s, wire::tcp_flag::rst | wire::tcp_flag::ack), kill) << "as lwIP sends it";
  EXPECT_EQ(decide(0, 2'001_ms), drop) << "too late";
  EXPECT_EQ(decide(0, Duration::max()), drop) << "no SYN was answered";
  for (const int ahead : {-1, 1, 999, 1'000}) EXPECT_EQ(decide(ahead, 0_s), drop) << ahead;
}

TEST(TimeWaitRst, AfterASynIsIgnoredWhereThePolicyIgnoresAll) {  // RFC 1337 F1
  tcp::TimeWaitRules rules;
  rules.rst = tcp::TimeWaitRules::OnRst::ignore;
  const auto rst = segment(wire::tcp_flag::rst, 0);
  EXPECT_EQ(on_time_wait_segment(entry(true), rst, rules, 0_s).action, drop);
}

TEST(TimeWaitSegment, RetransmittedFinRestartsTheHold) {
  EXPECT_EQ(
      on_time_wait_segment(entry(false), segment(wire::tcp_flag::fin | wire::tcp_flag::ack, -1), {})
          .action,
      restart_and_ack);
  auto with_text = segment(wire::tcp_flag::fin | wire::tcp_flag::ack, -101);
  with_text.payload_len = 100;
  EXPECT_EQ(on_time_wait_segment(entry(false), with_text, {}).action, restart_and_ack);
}

TEST(TimeWaitSegment, AnotherFinDoesNotRestartTheHold) {
  for (const int ahead : {-2, 0, 1}) {
    const auto s = segment(wire::tcp_flag::fin | wire::tcp_flag::ack, ahead);
    EXPECT_EQ(on_time_wait_segment(entry(false), s, {}).action, ack) << ahead;
  }
  const auto stale = segment(wire::tcp_flag::fin | wire::tcp_flag::ack, -1, -1);
  EXPECT_EQ(on_time_wait_segment(entry(true), stale, {}).drop, Drop::tcp_paws);
}

TEST(TimeWaitSegment, OldTextIsAcked) {
  auto s = segment(wire::tcp_flag::ack, -50);
  s.payload_len = 10;
  EXPECT_EQ(on_time_wait_segment(entry(false), s, {}).action, ack);
}

TEST(TimeWaitSegment, BareAckInItsPlaceIsNotAnswered) {
  EXPECT_EQ(on_time_wait_segment(entry(false), segment(wire::tcp_flag::ack, 0), {}).action, drop);
}

TEST(TimeWaitSegment, WhoseTimestampsWereBlankedIsAnsweredLikeOthers) {
  const auto fin_again = segment(wire::tcp_flag::fin | wire::tcp_flag::ack, -1);
  EXPECT_EQ(on_time_wait_segment(entry(true), fin_again, {}).action, restart_and_ack);
  auto text = segment(wire::tcp_flag::ack, -50);
  text.payload_len = 10;
  EXPECT_EQ(on_time_wait_segment(entry(true), text, {}).action, ack);
}

TEST(TimeWaitSegment, DropsSayWhy) {
  EXPECT_EQ(on_time_wait_segment(entry(false), segment(wire::tcp_flag::fin, -1), {}).drop,
            Drop::tcp_ack_missing);
  tcp::TimeWaitRules strict;
  strict.timestamps_missing = tcp::TimestampsMissing::drop;
  EXPECT_EQ(on_time_wait_segment(entry(true), segment(wire::tcp_flag::ack, 0), strict).drop,
            Drop::tcp_no_timestamp);
  auto s = segment(wire::tcp_flag::ack, 0);
  s.ack = kSndNxt + 1;
  EXPECT_EQ(on_time_wait_segment(entry(false), s, {}).drop, Drop::tcp_ack_unacceptable);
}

TEST(TimeWaitSegment, IsOfALaterIncarnationIfTheOldOneCannotHaveSentIt) {
  const tcp::TimeWaitEntry old = entry(true);
  const auto is_later = [&](std::uint8_t flags, std::int32_t ahead, std::int32_t ack_ahead,
                            std::uint16_t text = 0) {
    Segment s = segment(flags, ahead);
    s.ack = kSndNxt + static_cast<std::uint32_t>(ack_ahead);
    s.payload_len = text;
    return is_of_later_incarnation(old, s);
  };
  constexpr std::uint8_t kAck = wire::tcp_flag::ack, kFin = wire::tcp_flag::fin | kAck;
  EXPECT_FALSE(is_later(kFin, -1, 0)) << "the last FIN again";
  EXPECT_FALSE(is_later(kAck, 0, 0));
  EXPECT_FALSE(is_later(kAck, -8, -20, 7)) << "old text";
  EXPECT_TRUE(is_later(kAck, 0, 0, 1)) << "text after the FIN";
  EXPECT_TRUE(is_later(kFin, 0, 0));
  EXPECT_TRUE(is_later(kAck, -50, 1)) << "it acknowledges what was never sent";
  EXPECT_FALSE(is_later(wire::tcp_flag::rst, 0, 90)) << "an RST without ACK has no such number";
  EXPECT_TRUE(is_later(wire::tcp_flag::rst, 1, 0));
}

TEST(TimeWaitEntry, KeepsWhatTheAckNeeds) {
  auto cfg = plain();
  cfg.timestamps = cfg.window_scale = true;
  cfg.receive_window = 1 << 20;
  auto t = Tcp::established(cfg, syn().scaled(2).stamped(70)).close().whatever().peer(data(0));
  t.peer(fin().stamped(80)).in(tcp::State::time_wait);
  const Emission last = t.out.back();
  const tcp::TimeWaitEntry e = make_time_wait_entry(t.c);
  const Emission again = time_wait_ack(e, t.c.ts_offset, t.now);
  EXPECT_EQ(again.seq, last.seq);
  EXPECT_EQ(again.ack, last.ack);
  EXPECT_EQ(again.flags, last.flags);
  EXPECT_EQ(again.window, last.window);
  EXPECT_EQ(again.ts.val, last.ts.val);
  EXPECT_EQ(again.ts.echo, last.ts.echo);
}

TEST(TimeWaitEntry, IsFreedByAnRstWithExactlySndNxtWhereItIsHandedOver) {
  const Emission e = hand_over_reset(entry(true));
  EXPECT_EQ(e.flags, wire::tcp_flag::rst);
  EXPECT_EQ(e.seq, kSndNxt);
  EXPECT_EQ(e.options, 0);
}

TEST(TimeWaitEntry, MakesANewIncarnationBeginAfterTheOldOne) {
  const auto e = entry(false);
  EXPECT_EQ(iss_after(e, kSndNxt + 1'000), kSndNxt + 1'000);
  EXPECT_TRUE(after(iss_after(e, kSndNxt - 1'000), kSndNxt));
  const Seq half_the_space_away = kSndNxt + (1u << 31);
  EXPECT_TRUE(after(iss_after(e, half_the_space_away), kSndNxt));
}

// RFC 5961 5.2: an ACK more than MAX.SND.WND below SND.UNA is not acceptable, and no window is
// larger than 65,535 << 14 (RFC 7323 2.3).
TEST(TimeWaitEntry, ThatAResetHasEndedMakesTheNewOneBeginBeyondTheReachOfOldSegments) {
  constexpr std::uint32_t kWindowMax = 65'535u << 14;
  auto e = entry(false);
  e.flags |= tcp::TimeWaitEntry::kEnded;
  for (const std::uint32_t ahead :
       {0u, 1u, kWindowMax, 1u << 30, (1u << 30) + 1, 0x7fff'ffffu, 1u << 31, 0xffff'ffffu}) {
    const Seq generated = kSndNxt + ahead;
    const Seq iss = iss_after(e, generated);
    EXPECT_TRUE(after(iss - kWindowMax, kSndNxt)) << ahead;
    EXPECT_TRUE(after(iss, kSndNxt)) << ahead << ", RFC 9293 MAY-2";
  }
}

// Newcomers may follow each other faster than old segments die, and the clock of the ISN says
// nearly the same each time.
TEST(TimeWaitEntry, KeepsNewcomersThatFollowEachOtherBeyondTheReachOfAllBeforeThem) {
  constexpr std::int64_t kWindow = 10'000'000, kText = 1'000'000;
  auto e = entry(false);
  std::vector<Seq> begins{kSndNxt - kText};
  for (std::uint32_t k = 1; k <= 20; ++k) {
    const bool by_reset = k % 5 != 0;  // one in five is let in by its numbers
    e.flags = by_reset ? tcp::TimeWaitEntry::kEnded : 0;
    const Seq iss = iss_after(e, begins[0] + 1'000 * k);
    for (const Seq earlier : begins) {
      if (!by_reset && earlier == begins.back()) continue;  // RFC 9293 MAY-2
      EXPECT_GT(std::abs(std::int64_t{iss - earlier}), kWindow + kText) << k;
    }
    begins.push_back(iss);
    e.snd_nxt = iss + kText;
  }
}

}  // namespace
}  // namespace mayfly::testing
