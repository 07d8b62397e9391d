// TIME_WAIT: any entry, any segment, any rules. Whatever the decision is, RFC 1337, RFC 6191 and
// RFC 9293 3.10.7.4 say what it can be.
//
// Input: the entry, the policy, then the segments.
#include "tcp/time_wait.h"

#include "fuzz/segments.h"
#include "fuzz/target.h"

namespace mayfly::testing {
namespace {

using tcp::TimeWaitEntry;
using tcp::TimeWaitRules;

using enum tcp::TimeWaitAction;

TimeWaitEntry take_entry(FuzzInput& in) {
  TimeWaitEntry entry{};
  entry.rcv_nxt = {in.take<std::uint32_t>()};
  entry.snd_nxt = {in.take<std::uint32_t>()};
  entry.ts_recent = in.take<std::uint32_t>();
  entry.window = in.take<std::uint16_t>();
  const std::uint32_t shift = in.below(15);
  entry.flags = static_cast<std::uint8_t>(shift << TimeWaitEntry::kShiftAt);
  if (in.coin()) entry.flags |= TimeWaitEntry::kTimestamps;
  if (entry.had_timestamps() && in.coin()) entry.flags |= TimeWaitEntry::kVanished;
  if (in.coin()) entry.flags |= TimeWaitEntry::kEnded;
  return entry;
}

void expect_rst_rules(const TimeWaitEntry& entry, const Segment& s, const TimeWaitRules& rules,
                      Duration since, const tcp::TimeWaitVerdict& v) {
  using OnRst = TimeWaitRules::OnRst;
  const bool is_late = rules.rst == OnRst::challenged && since > tcp::kSynAnswerCounts;
  if (rules.rst == OnRst::ignore || is_late) {
    EXPECT_EQ(v.action, drop);  // RFC 1337 3, fix F1
  } else if (v.action == kill) {
    EXPECT_EQ(s.seq, entry.rcv_nxt);  // RFC 5961 3.2
  } else {
    EXPECT_TRUE(v.action == drop || v.drop == Drop::tcp_rst_challenged);
  }
}

void expect_reopen_rules(const TimeWaitEntry& entry, const Segment& s, const TimeWaitRules& rules,
                         const tcp::TimeWaitVerdict& v) {
  EXPECT_TRUE(s.has(wire::tcp_flag::syn) && !s.has(wire::tcp_flag::ack) &&
              !s.has(wire::tcp_flag::rst));
  EXPECT_NE(rules.reopen, TimeWaitRules::Reopen::off);
  if (v.by_timestamp) {  // RFC 6191 2: a newer one, or the first one
    EXPECT_EQ(rules.reopen, TimeWaitRules::Reopen::rfc6191);
    EXPECT_TRUE(s.carries(wire::tcp_option::timestamps));
    EXPECT_FALSE(entry.timestamps_vanished()) << "PAWS would not keep old segments out";
    EXPECT_TRUE(!entry.had_timestamps() ||
                static_cast<std::int32_t>(s.ts.val - entry.ts_recent) > 0);
  } else {
    EXPECT_TRUE(at_or_after(s.seq, entry.rcv_nxt));
  }
}

/// `since`: how long ago a SYN was answered.
void expect_rules(const TimeWaitEntry& entry, const Segment& s, const TimeWaitRules& rules,
                  Duration since) {
  const tcp::TimeWaitVerdict v = on_time_wait_segment(entry, s, rules, since);
  EXPECT_EQ(v.drop != Drop::none, v.action == drop || v.action == ack) << "a reason to count";
  if (s.has(wire::tcp_flag::rst)) return expect_rst_rules(entry, s, rules, since, v);
  EXPECT_NE(v.action, kill) << "only an RST ends TIME_WAIT";
  if (v.refuses_syn) {
    EXPECT_EQ(v.action, rules.refuse_syn == TimeWaitRules::RefuseSyn::ack ? ack : drop);
  }
  if (v.action == reopen) return expect_reopen_rules(entry, s, rules, v);
  // RFC 9293 3.10.7.4: the peer's FIN again, and nothing else, holds TIME_WAIT anew.
  if (v.action == restart_and_ack) {
    EXPECT_TRUE(s.has(wire::tcp_flag::fin) && s.has(wire::tcp_flag::ack) &&
                !s.has(wire::tcp_flag::syn));
    EXPECT_EQ(s.end(), entry.rcv_nxt);
  }
}

/// The same four numbers at the other end.
TimeWaitEntry mirrored(const TimeWaitEntry& entry) {
  TimeWaitEntry other = entry;
  std::swap(other.rcv_nxt, other.snd_nxt);
  return other;
}

Segment as_received(const Emission& e) {
  Segment s{.seq = e.seq, .ack = e.ack, .ts = e.ts, .window = e.window};
  s.flags = e.flags;
  s.options = e.options;
  return s;
}

/// Both ends in TIME_WAIT: the ACK of one is not answered by the other, or they would never end
/// (RFC 1337 2.2).
void expect_no_loop(const TimeWaitEntry& entry, const TimeWaitRules& rules, FuzzInput& in) {
  const Instant now{in.take<std::uint32_t>() * std::int64_t{1'000}};
  TimeWaitEntry peer = mirrored(entry);
  const Emission answer = time_wait_ack(entry, 0, now);
  EXPECT_EQ(answer.seq, entry.snd_nxt);
  EXPECT_EQ(answer.ack, entry.rcv_nxt);
  EXPECT_EQ(answer.flags, wire::tcp_flag::ack);
  peer.ts_recent = answer.ts.val;
  EXPECT_EQ(on_time_wait_segment(peer, as_received(answer), rules).action, drop);
}

void run(FuzzInput in) {
  const TimeWaitEntry entry = take_entry(in);
  TimeWaitRules rules;
  rules.reopen = TimeWaitRules::Reopen(in.below(3));
  rules.rst = TimeWaitRules::OnRst(in.below(3));
  rules.refuse_syn = TimeWaitRules::RefuseSyn(in.below(2));
  rules.timestamps_missing = tcp::TimestampsMissing(in.below(2));
  expect_no_loop(entry, rules, in);
  // RFC 9293 MAY-2: above every sequence number of the old incarnation.
  const Seq iss = iss_after(entry, {in.take<std::uint32_t>()});
  EXPECT_TRUE(after(iss, entry.snd_nxt));
  const Duration since{in.take<std::uint32_t>()};
  while (!in.empty())
    expect_rules(entry, take_segment(in, entry.rcv_nxt, entry.snd_nxt, entry.ts_recent), rules,
                 since);
}

const Target kTarget("time_wait", run);

}  // namespace
}  // namespace mayfly::testing
