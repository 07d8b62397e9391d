// Every rule of TIME_WAIT alone: RFC 6191 2 for SYNs, RFC 1337 F1 and RFC 5961 3.2 for RSTs, RFC
// 9293 3.10.7.4 for the rest. Under each policy, and wherever sequence and timestamp spaces wrap.
#include <gtest/gtest.h>

#include "time_wait_rows.h"

namespace mayfly::testing {
namespace {

using tcp::TimeWaitEntry;
using tcp::TimeWaitRules;

using enum tcp::TimeWaitAction;
using Reopen = TimeWaitRules::Reopen;
using OnRst = TimeWaitRules::OnRst;
using RefuseSyn = TimeWaitRules::RefuseSyn;

/// Where the two spaces stand when TIME_WAIT begins.
struct Place {
  std::uint32_t rcv_nxt, last_stamp;
};
constexpr Place kPlaces[] = {
    {0, 0}, {1, 1}, {0xffff'ffff, 0xffff'ffff}, {0x8000'0000, 0x7fff'ffff}, {0x1234'5678, 0}};
constexpr Seq kSndNxt{0xffff'fff0};
constexpr std::uint16_t kWindow = 1'000;

TimeWaitEntry entry_at(const Place& place, bool had_timestamps) {
  TimeWaitEntry e{};
  e.rcv_nxt = Seq{place.rcv_nxt};
  e.snd_nxt = kSndNxt;
  e.ts_recent = had_timestamps ? place.last_stamp : 0;
  e.window = kWindow;
  e.flags = had_timestamps ? TimeWaitEntry::kTimestamps : 0;
  return e;
}

Segment segment(const TimeWaitEntry& e, std::uint8_t flags, std::int32_t seq_ahead,
                std::optional<std::int32_t> stamp_ahead = {}) {
  Segment s;
  s.flags = flags;
  s.seq = e.rcv_nxt + static_cast<std::uint32_t>(seq_ahead);
  if (s.has(wire::tcp_flag::ack)) s.ack = e.snd_nxt;
  if (stamp_ahead) {
    s.options = wire::tcp_option::timestamps;
    s.ts.val = e.ts_recent + static_cast<std::uint32_t>(*stamp_ahead);
  }
  return s;
}

/// Calls `check(place, rules)` at every place under all rules.
template <class F>
void everywhere(F&& check) {
  for (const Place& place : kPlaces) {
    for (const Reopen reopen : kReopens) {
      for (const RefuseSyn refuse : kRefuseSyns) {
        for (const OnRst rst : kOnRsts) {
          TimeWaitRules rules;
          rules.reopen = reopen;
          rules.refuse_syn = refuse;
          rules.rst = rst;
          SCOPED_TRACE(::testing::Message()
                       << "RCV.NXT " << place.rcv_nxt << ", TSval " << place.last_stamp
                       << ", reopen " << ::testing::PrintToString(reopen) << ", refuse_syn "
                       << ::testing::PrintToString(refuse) << ", rst "
                       << ::testing::PrintToString(rst));
          check(place, rules);
        }
      }
    }
  }
}

tcp::TimeWaitAction action_of(Then then, RefuseSyn refuse) {
  if (then == Then::accept) return reopen;
  return refuse == RefuseSyn::ack ? ack : drop;
}

class Rfc6191 : public ::testing::TestWithParam<SynRow> {};

TEST_P(Rfc6191, HoldsForThisSynUnderEveryPolicy) {
  const SynRow& row = GetParam();
  everywhere([&](const Place& place, const TimeWaitRules& rules) {
    const TimeWaitEntry e = entry_at(place, row.had_timestamps);
    const Segment syn = segment(e, wire::tcp_flag::syn, row.seq_ahead, row.stamp_ahead);
    const tcp::TimeWaitVerdict v = on_time_wait_segment(e, syn, rules);
    const Then then = row.then(rules.reopen);
    EXPECT_EQ(v.action, action_of(then, rules.refuse_syn));
    EXPECT_EQ(v.drop, then == Then::accept ? Drop::none : Drop::time_wait_syn);
    EXPECT_NE(v.action, restart_and_ack) << "a SYN never holds TIME_WAIT anew";
  });
}

TEST_P(Rfc6191, SaysOfThisSynWhatItWasAcceptedFor) {
  const SynRow& row = GetParam();
  const bool stamp_alone = row.stamp_ahead && (!row.had_timestamps || *row.stamp_ahead > 0);
  everywhere([&](const Place& place, const TimeWaitRules& rules) {
    const TimeWaitEntry e = entry_at(place, row.had_timestamps);
    const Segment syn = segment(e, wire::tcp_flag::syn, row.seq_ahead, row.stamp_ahead);
    const tcp::TimeWaitVerdict v = on_time_wait_segment(e, syn, rules);
    const bool accepted = v.action == reopen;
    EXPECT_EQ(v.by_timestamp, accepted && stamp_alone && rules.reopen == Reopen::rfc6191);
  });
}

TEST_P(Rfc6191, IsNotForASynAckWhichOpensNothing) {
  const SynRow& row = GetParam();
  everywhere([&](const Place& place, const TimeWaitRules& rules) {
    const TimeWaitEntry e = entry_at(place, row.had_timestamps);
    const Segment s =
        segment(e, wire::tcp_flag::syn | wire::tcp_flag::ack, row.seq_ahead, row.stamp_ahead);
    EXPECT_EQ(on_time_wait_segment(e, s, rules).action, ack);
  });
}

std::string name_of_row(const ::testing::TestParamInfo<SynRow>& info) {
  std::string name = info.param.had_timestamps ? "HadTimestamps_" : "HadNone_";
  for (const char* c = info.param.what; *c != 0; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c)) != 0) name += *c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(Section2, Rfc6191, ::testing::ValuesIn(kSynRows), name_of_row);

TEST(Rfc6191, NewIsnIsAboveEverySequenceNumberOfTheOldOne) {  // RFC 9293 MAY-2 (a)
  const TimeWaitEntry e = entry_at(kPlaces[0], false);
  EXPECT_EQ(iss_after(e, kSndNxt - 1), kSndNxt + 1);
  EXPECT_EQ(iss_after(e, kSndNxt), kSndNxt + 1);
  EXPECT_EQ(iss_after(e, kSndNxt + 1), kSndNxt + 1);
  EXPECT_EQ(iss_after(e, kSndNxt + 100), kSndNxt + 100) << "and beyond the wrap";
}

// -- RST --

struct RstRow {
  const char* what;
  std::int32_t seq_ahead;
  tcp::TimeWaitAction by_ignore, by_accept;
  tcp::TimeWaitAction after_syn;  ///< by `challenged`, if a SYN was answered at most 2 s ago
};
// clang-format off
constexpr RstRow kRstRows[] = {
    // RFC 1337 F1 | RFC 9293 3.10.7.4 with RFC 5961 3.2 | RFC 9293 3.10.7.3, first
    {"at RCV.NXT",                     0,           drop, kill, kill},
    {"one after it, in the window",    1,           drop, ack,  drop},
    {"the window's last",              kWindow - 1, drop, ack,  drop},
    {"one after the window",           kWindow,     drop, drop, drop},
    {"one before RCV.NXT",             -1,          drop, drop, drop},
    {"half the space away",            kOpposite,   drop, drop, drop},
};
// clang-format on

TEST(Rfc1337, RstEndsTimeWaitOnlyWhereThePolicyAcceptsItAndOnlyAtRcvNxt) {
  for (const RstRow& row : kRstRows) {
    SCOPED_TRACE(row.what);
    everywhere([&](const Place& place, const TimeWaitRules& rules) {
      const TimeWaitEntry e = entry_at(place, false);
      const auto v = on_time_wait_segment(e, segment(e, wire::tcp_flag::rst, row.seq_ahead), rules);
      EXPECT_EQ(v.action, rules.rst == OnRst::accept ? row.by_accept : row.by_ignore);
      EXPECT_EQ(v.drop == Drop::none, v.action == kill) << "what is not taken is counted";
    });
  }
}

TEST(Rfc1337, RstThatMayAnswerTheAckOfASynEndsTimeWaitWhereThePolicyIsChallenged) {
  constexpr std::uint8_t kKinds[] = {wire::tcp_flag::rst,
                                     wire::tcp_flag::rst | wire::tcp_flag::ack};
  for (const RstRow& row : kRstRows) {
    SCOPED_TRACE(row.what);
    everywhere([&](const Place& place, const TimeWaitRules& rules) {
      const TimeWaitEntry e = entry_at(place, false);
      const auto action = [&](std::uint8_t flags, Duration since) {
        return on_time_wait_segment(e, segment(e, flags, row.seq_ahead), rules, since).action;
      };
      const bool challenged = rules.rst == OnRst::challenged;
      const auto otherwise = rules.rst == OnRst::accept ? row.by_accept : row.by_ignore;
      for (const std::uint8_t flags : kKinds) {
        for (const Duration since : {0_s, 1_s, 2_s})
          EXPECT_EQ(action(flags, since), challenged ? row.after_syn : otherwise);
        for (const Duration since : {2'001_ms, 60_s})
          EXPECT_EQ(action(flags, since), otherwise) << "it is nobody's answer";
      }
    });
  }
}

// -- everything else: does it hold TIME_WAIT anew? --

struct OldRow {
  const char* what;
  std::uint8_t flags;
  std::uint16_t text;
  std::int32_t seq_ahead;
  std::int32_t stamp_ahead;
  tcp::TimeWaitAction then;  ///< whatever the policy
};
constexpr std::uint8_t kAck = wire::tcp_flag::ack, kFin = wire::tcp_flag::fin | wire::tcp_flag::ack;
// clang-format off
constexpr OldRow kOldRows[] = {
    // what                                   flags          text SEQ   TSval then
    {"the FIN again",                         kFin,          0,   -1,   0,    restart_and_ack},
    {"the FIN again, sent later",             kFin,          0,   -1,   1,    restart_and_ack},
    {"the FIN again, with its text",          kFin,          100, -101, 0,    restart_and_ack},
    {"the FIN again, from before the last",   kFin,          0,   -1,   -1,   ack},
    {"another FIN",                           kFin,          0,   0,    0,    ack},
    {"a FIN that ends before RCV.NXT",        kFin,          10,  -20,  0,    ack},
    {"a FIN without ACK",                     wire::tcp_flag::fin, 0,   -1,   0,    drop},
    {"old text",                              kAck,          10,  -50,  0,    ack},
    {"text after the FIN",                    kAck,          10,  0,    0,    ack},
    {"an ACK where it belongs",               kAck,          0,   0,    0,    drop},
    {"an old ACK",                            kAck,          0,   -1,   0,    ack},
    {"neither ACK nor SYN nor RST",           0,             0,   0,    0,    drop},
};
// clang-format on

TEST(Rfc9293, OnlyARetransmittedFinHoldsTimeWaitAnewWhateverThePolicy) {  // 3.10.7.4
  for (const OldRow& row : kOldRows) {
    SCOPED_TRACE(row.what);
    everywhere([&](const Place& place, const TimeWaitRules& rules) {
      const TimeWaitEntry e = entry_at(place, true);
      Segment s = segment(e, row.flags, row.seq_ahead, row.stamp_ahead);
      s.payload_len = row.text;
      EXPECT_EQ(on_time_wait_segment(e, s, rules).action, row.then);
    });
  }
}

TEST(Rfc9293, AnAckOfWhatWasNeverSentIsAnsweredAndHoldsNothingAnew) {
  everywhere([&](const Place& place, const TimeWaitRules& rules) {
    const TimeWaitEntry e = entry_at(place, false);
    Segment s = segment(e, kFin, -1);
    s.ack = e.snd_nxt + 1;
    EXPECT_EQ(on_time_wait_segment(e, s, rules).action, ack);
  });
}

}  // namespace
}  // namespace mayfly::testing
