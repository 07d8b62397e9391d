// The decision about a segment in TIME_WAIT, in the order of RFC 9293 3.10.7.4.
#include "tcp/time_wait.h"

#include <algorithm>

#include "tcp/branches.h"

namespace mayfly::tcp {
namespace {

using enum TimeWaitAction;

/// How far from the old numbers a newcomer's begin. No window is as large (RFC 7323 2.3), neither
/// the peer's, in which our old segments would have to lie, nor ours, by which an old ACK may be
/// behind SND.UNA. It is the golden section of the sequence space: where newcomers follow each
/// other on a four-tuple, the numbers of k incarnations ago are 2^32 / (2.3 k) away at least, less
/// what was sent since.
constexpr std::uint32_t kNewcomerStep = 1'640'531'527;
static_assert(kNewcomerStep > (1u << 30) && kNewcomerStep < (1u << 31));
/// More than the clock of RFC 6528 counts during the longest hold.
constexpr std::uint32_t kClockSpan = 1u << 28;

/// `verdict`, reached by `branch`.
TimeWaitVerdict by(Branch branch, TimeWaitVerdict verdict) noexcept {
  mark(branch);
  return verdict;
}

/// RFC 6191 2: the table, row by row. "After the last seen" is at or after RCV.NXT, which is one
/// past the FIN.
TimeWaitVerdict on_syn(const TimeWaitEntry& entry, const Segment& s,
                       const TimeWaitRules& rules) noexcept {
  const bool newer_sequence = at_or_after(s.seq, entry.rcv_nxt);
  const auto refused = [&](Branch branch) { return by(branch, refuse_syn(rules)); };
  switch (rules.reopen) {
    case TimeWaitRules::Reopen::off: return refused(Branch::tw_syn_never);
    case TimeWaitRules::Reopen::sequence:  // RFC 9293 MAY-2 (a) without timestamps
      if (!newer_sequence) return refused(Branch::tw_syn_by_sequence_old);
      return by(Branch::tw_syn_by_sequence, {reopen, Drop::none, false});
    case TimeWaitRules::Reopen::rfc6191: break;
  }
  const bool offers = s.carries(wire::tcp_option::timestamps);
  if (!entry.had_timestamps()) {
    if (offers) return by(Branch::tw_syn_first_stamp, {reopen, Drop::none, true});
    if (!newer_sequence) return refused(Branch::tw_syn_plain_old);
    return by(Branch::tw_syn_plain_new, {reopen, Drop::none, false});
  }
  // The table trusts PAWS to keep old segments out of the new connection. Where something on the
  // way blanks the timestamps, only the sequence number says that a SYN is new.
  if (entry.timestamps_vanished()) {
    if (!newer_sequence) return refused(Branch::tw_syn_stamps_vanished_old);
    return by(Branch::tw_syn_stamps_vanished, {reopen, Drop::none, false});
  }
  const auto age = static_cast<std::int32_t>(s.ts.val - entry.ts_recent);
  if (offers && age > 0) return by(Branch::tw_syn_new_stamp, {reopen, Drop::none, true});
  if ((!offers || age == 0) && newer_sequence)
    return by(Branch::tw_syn_new_sequence, {reopen, Drop::none, false});
  return refused(Branch::tw_syn_old);
}

/// RFC 9293 3.10.7.3, first: <SEQ=SEG.ACK><CTL=RST> is what a peer in SYN_SENT answers to the ACK
/// that its SYN got here. (Some stacks set ACK too.)
bool answers_the_ack_of_a_syn(const TimeWaitEntry& entry, const Segment& s, Duration since) {
  return s.seq == entry.rcv_nxt && since <= kSynAnswerCounts;
}

/// RFC 1337 3, fix F1: an RST does not end TIME_WAIT, unless the policy wants it so (RFC
/// 9293 3.10.7.4).
TimeWaitVerdict on_rst(const TimeWaitEntry& entry, const Segment& s, const TimeWaitRules& rules,
                       Duration since_syn_answer) noexcept {
  using OnRst = TimeWaitRules::OnRst;
  if (rules.rst == OnRst::challenged && answers_the_ack_of_a_syn(entry, s, since_syn_answer))
    return by(Branch::tw_rst_answers, {kill, Drop::none});
  if (rules.rst != OnRst::accept) return by(Branch::tw_rst_ignored, {drop, Drop::time_wait_rst});
  if (s.seq == entry.rcv_nxt) return by(Branch::tw_rst_taken, {kill, Drop::none, false});
  const std::int32_t ahead = s.seq - entry.rcv_nxt;
  const bool inside = ahead > 0 && static_cast<std::uint32_t>(ahead) < entry.window_bytes();
  // RFC 5961 3.2
  if (inside) return by(Branch::tw_rst_inside, {ack, Drop::tcp_rst_challenged, false});
  return by(Branch::tw_rst_outside, {drop, Drop::tcp_rst_out_of_window, false});
}

}  // namespace

TimeWaitVerdict refuse_syn(const TimeWaitRules& rules) noexcept {
  const TimeWaitVerdict refused{.drop = Drop::time_wait_syn, .refuses_syn = true};
  // RFC 6191 2: "silently drop the incoming SYN segment"
  if (rules.refuse_syn == TimeWaitRules::RefuseSyn::drop)
    return by(Branch::tw_syn_silence, refused);
  TimeWaitVerdict challenged = refused;  // RFC 9293 3.10.7.4, fourth; RFC 5961 4.2
  challenged.action = ack;
  return by(Branch::tw_syn_acked, challenged);
}

TimeWaitVerdict on_time_wait_segment(const TimeWaitEntry& entry, const Segment& s,
                                     const TimeWaitRules& rules,
                                     Duration since_syn_answer) noexcept {
  if (s.has(wire::tcp_flag::rst)) return on_rst(entry, s, rules, since_syn_answer);
  if (s.has(wire::tcp_flag::syn)) {
    // A SYN-ACK cannot open anything: a late duplicate, answered as any SYN is (RFC 5961 4.2).
    if (s.has(wire::tcp_flag::ack))
      return by(Branch::tw_syn_ack, {ack, Drop::time_wait_syn, false});
    return on_syn(entry, s, rules);
  }
  if (entry.had_timestamps()) {
    const bool has_stamp = s.carries(wire::tcp_option::timestamps);
    if (!has_stamp && rules.timestamps_missing == TimestampsMissing::drop)
      return by(Branch::tw_stamp_missing, {drop, Drop::tcp_no_timestamp, false});
    const auto age = static_cast<std::int32_t>(s.ts.val - entry.ts_recent);
    // RFC 7323 5.3 R1
    if (has_stamp && age < 0 && !entry.timestamps_vanished())
      return by(Branch::tw_stamp_old, {ack, Drop::tcp_paws, false});
  }
  if (!s.has(wire::tcp_flag::ack))
    return by(Branch::tw_ack_missing, {drop, Drop::tcp_ack_missing, false});
  if (after(s.ack, entry.snd_nxt))
    return by(Branch::tw_ack_too_much, {ack, Drop::tcp_ack_unacceptable, false});
  // RFC 9293 3.10.7.4: "the only thing that can arrive in this state is a retransmission of the
  // remote FIN".
  if (s.has(wire::tcp_flag::fin) && s.end() == entry.rcv_nxt)
    return by(Branch::tw_fin_again, {restart_and_ack, Drop::none, false});
  // A bare ACK where it belongs calls for nothing; an answer to it could start an ACK loop (RFC
  // 1337 2.2).
  if (s.seq == entry.rcv_nxt && s.length() == 0)
    return by(Branch::tw_ack_in_place, {drop, Drop::time_wait_segment, false});
  return by(Branch::tw_segment_old, {ack, Drop::time_wait_segment, false});
}

bool is_of_later_incarnation(const TimeWaitEntry& entry, const Segment& s) noexcept {
  if (s.has(wire::tcp_flag::rst)) return after(s.seq, entry.rcv_nxt);
  return (s.has(wire::tcp_flag::ack) && after(s.ack, entry.snd_nxt)) ||
         after(s.end(), entry.rcv_nxt);
}

TimeWaitEntry make_time_wait_entry(const Connection& c) noexcept {
  const auto open = static_cast<std::uint32_t>(c.rcv_adv - c.rcv_nxt) >> c.rcv_wind_shift;
  const std::uint8_t timestamps = c.has(conn_flag::timestamps) ? TimeWaitEntry::kTimestamps : 0;
  const std::uint8_t vanished = c.has(conn_flag::paws_off) ? TimeWaitEntry::kVanished : 0;
  return {.rcv_nxt = c.rcv_nxt,
          .snd_nxt = c.snd_max,
          .ts_recent = c.ts_recent,
          .window = static_cast<std::uint16_t>(std::min(open, 0xffffu)),
          .flags = static_cast<std::uint8_t>((c.rcv_wind_shift << TimeWaitEntry::kShiftAt) |
                                             timestamps | vanished),
          .note = 0};
}

Emission time_wait_ack(const TimeWaitEntry& entry, std::uint32_t ts_offset, Instant now) noexcept {
  Emission e;
  e.seq = entry.snd_nxt;
  e.ack = entry.rcv_nxt;
  e.window = entry.window;
  e.flags = wire::tcp_flag::ack;
  if (entry.had_timestamps()) {
    e.options = wire::tcp_option::timestamps;
    e.ts = {now.ts_ms() + ts_offset, entry.ts_recent};
  }
  return e;
}

Seq iss_after(const TimeWaitEntry& entry, Seq generated) noexcept {
  if (entry.has_ended()) return entry.snd_nxt + kNewcomerStep;
  // Where newcomers have come before, snd_nxt is far from the clock of RFC 6528, and what that says
  // may be the number of an incarnation before them.
  const auto ahead = static_cast<std::uint32_t>(generated - entry.snd_nxt);
  return ahead > 0 && ahead < kClockSpan ? generated : entry.snd_nxt + 1;
}

Emission hand_over_reset(const TimeWaitEntry& entry) noexcept {
  Emission e;
  e.seq = entry.snd_nxt;
  e.flags = wire::tcp_flag::rst;
  return e;
}

}  // namespace mayfly::tcp
