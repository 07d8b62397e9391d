// A connection in any state, with any numbers that the invariants allow: then any segments, any
// time, any calls of its user.
//
// Input: the settings, the connection, then steps: 7 of 8 are those of tcp_driver.h.
#include "fuzz/target.h"
#include "fuzz/tcp_driver.h"
#include "tcp/congestion/sent_runs.h"

namespace mayfly::testing {
namespace {

using tcp::Connection;

constexpr tcp::StateSet kFinAcked = states(tcp::State::fin_wait_2, tcp::State::time_wait);
constexpr tcp::StateSet kPeerClosed = states(tcp::State::close_wait, tcp::State::closing,
                                             tcp::State::last_ack, tcp::State::time_wait);

tcp::State take_state(FuzzInput& in) {
  return in.one_of({tcp::State::syn_sent, tcp::State::syn_received, tcp::State::established,
                    tcp::State::fin_wait_1, tcp::State::fin_wait_2, tcp::State::close_wait,
                    tcp::State::closing, tcp::State::last_ack, tcp::State::time_wait});
}

/// Disjoint ranges inside (low, high].
tcp::SeqRanges take_ranges(FuzzInput& in, Seq low, Seq high) {
  tcp::SeqRanges ranges;
  for (std::uint32_t count = in.below(tcp::kRangesMax + 1); count > 0; --count) {
    const Seq left = low + in.between(1, 3'000);
    const Seq right = left + in.between(1, 3'000);
    if (after(right, high)) break;
    ranges.range[ranges.count++] = {left, right};
    low = right + 1;
  }
  return ranges;
}

void take_handshake(FuzzInput& in, Connection& c, const tcp::TcpSettings& cfg, Instant now) {
  const Seq iss{in.take<std::uint32_t>()};
  if (c.state == tcp::State::syn_sent)
    return open_active(c, iss, in.take<std::uint32_t>(), cfg, now);
  Segment syn = take_segment(in, {in.take<std::uint32_t>()}, {}, 0);
  syn.flags = wire::tcp_flag::syn;
  open_passive(c, syn, iss, in.take<std::uint32_t>(), cfg, now);
  if (in.coin()) close(c, in.coin(), cfg, now);
}

/// When what is outstanding was sent, and what of it was SACKed.
void take_sent(FuzzInput& in, Connection& c, Instant now) {
  if (c.snd_una == c.snd_max) return;
  const tcp::SeqRanges sacked = take_ranges(in, c.snd_una + 1, c.snd_max);
  if (c.loss != nullptr) {
    std::copy_n(sacked.range.begin(), sacked.count, c.loss->sacked.range.begin());
    c.loss->sacked.count = sacked.count;
  }
  Seq at = c.snd_una;
  const std::size_t most = sent_runs_max(c);
  while (at != c.snd_max && c.sent_count < most) {
    const auto left = static_cast<std::uint32_t>(c.snd_max - at);
    const bool last = c.sent_count + 1u == most;
    at += last ? left : in.between(1, left);
    const std::uint32_t first = tcp::run_clock(now - Duration{in.below(1'000'000)});
    first_run(c)[c.sent_count++] = {at, first, first | in.below(4)};
  }
  if (in.coin()) c.set(tcp::conn_flag::rto_recovery);
}

/// What is queued, sent, acknowledged.
void take_send_space(FuzzInput& in, Connection& c, Instant now) {
  c.iss = {in.take<std::uint32_t>()};
  c.snd_una = c.iss + 1 + in.below(0x20000);
  const bool closes = c.has(tcp::conn_flag::closing);
  if (kFinAcked.has(c.state)) {
    c.snd_end = c.snd_una - 1;
    c.snd_nxt = c.snd_max = c.snd_una;
  } else {
    const std::uint32_t queued = in.below(0x10000);
    c.snd_end = c.snd_una + queued;
    const std::uint32_t most = queued + (closes ? 1 : 0);
    const std::uint32_t sent = c.state == tcp::State::closing ? most : in.below(most + 1);
    c.snd_max = c.snd_una + sent;
    // With SACK what is sent again is told by the runs and the scoreboard, not by SND.NXT.
    const bool by_runs = c.has(tcp::conn_flag::sack);
    c.snd_nxt = by_runs || in.coin() ? c.snd_max : c.snd_una + in.below(sent + 1);
    if (by_runs) take_sent(in, c, now);
  }
  // What stands before SND.MAX is sent again: the recovery ends where it was when it began.
  if (c.snd_nxt != c.snd_max) c.set(tcp::conn_flag::rto_recovery);
  c.recover = c.snd_max;
  if (c.snd_una != c.snd_max) c.retransmit_at = now + Duration{in.below(5'000'000)};
  c.max_snd_wnd = in.below(1u << 20);
  c.snd_wnd = in.coin() ? c.max_snd_wnd : in.below(c.max_snd_wnd + 1);
  c.snd_wind_shift = static_cast<std::uint8_t>(in.below(15));
}

/// What arrived, in order and out of order, and the window.
void take_receive_space(FuzzInput& in, Connection& c) {
  c.rcv_nxt = {in.take<std::uint32_t>()};
  c.irs = c.rcv_nxt - 1 - in.below(0x10000);
  if (c.has(tcp::conn_flag::window_scale))
    c.rcv_wind_shift = static_cast<std::uint8_t>(in.below(15));
  const std::uint32_t most = 0xffffu << c.rcv_wind_shift;
  c.rcv_adv = c.rcv_nxt + in.below(most + 1);
  c.rcv_wnd = in.below(most + 1);
  c.last_ack_sent = c.rcv_nxt - in.below(0x100);
  c.snd_wl1 = c.rcv_nxt - in.below(0x100);
  c.snd_wl2 = c.snd_una;
  if (!tcp::kReceivesText.has(c.state) || c.loss == nullptr) return;
  c.loss->held = take_ranges(in, c.rcv_nxt, c.rcv_adv);
  if (c.loss->held.count > 0)
    c.loss->newest_held = c.loss->held.range[in.below(c.loss->held.count)];
}

void take_congestion(FuzzInput& in, Connection& c, const tcp::TcpSettings& cfg) {
  c.mss = static_cast<std::uint16_t>(in.between(tcp::kMssMin, cfg.mss));
  c.cwnd = smss(c) * in.between(1, 100);
  c.ssthresh = in.coin() ? 1u << 30 : smss(c) * in.between(2, 50);
  c.rto_us = in.between(200'000, 60'000'000);
  c.dup_acks = static_cast<std::uint8_t>(in.below(3));
  c.retries = static_cast<std::uint8_t>(in.below(cfg.retries));
}

Recorded take_connection(FuzzInput& in, const tcp::TcpSettings& cfg, Instant now) {
  Recorded c;
  c.state = take_state(in);
  if (!tcp::kSynchronized.has(c.state)) {
    take_handshake(in, c, cfg, now);
    return c;
  }
  const auto bits = in.take<std::uint8_t>();
  if ((bits & 1) != 0) c.set(tcp::conn_flag::timestamps);
  if ((bits & 2) != 0) c.set(tcp::conn_flag::sack);
  if ((bits & 4) != 0) c.set(tcp::conn_flag::window_scale);
  if ((bits & 8) != 0) c.set(tcp::conn_flag::passive);
  if ((bits & 16) != 0) c.set(tcp::conn_flag::ack_now);
  if ((bits & 64) != 0) c.loss = nullptr;  // the stack has none left
  if (!tcp::kSendsText.has(c.state)) c.set(tcp::conn_flag::closing);
  if (!tcp::kSendsText.has(c.state) && (bits & 32) != 0) c.set(tcp::conn_flag::closed_both);
  if (kPeerClosed.has(c.state)) c.set(tcp::conn_flag::peer_fin);
  c.ts_recent = in.take<std::uint32_t>();
  c.ts_recent_at = c.last_heard = now;
  take_send_space(in, c, now);
  take_receive_space(in, c);
  take_congestion(in, c, cfg);
  return c;
}

void run(FuzzInput in) {
  const tcp::TcpSettings cfg = take_tcp_settings(in);
  const Instant now{10'000'000 + std::int64_t{in.take<std::uint32_t>()}};
  TcpDriver t(take_connection(in, cfg, now), cfg, now);
  t.check();
  t.output();
  while (!in.empty() && t.c.state != tcp::State::closed && !::testing::Test::HasFailure())
    in.below(8) == 0 ? t.rare_step(in) : t.step(in);
}

const Target kTarget("connection", run);

}  // namespace
}  // namespace mayfly::testing
