// What holds for every Connection between two calls of tcp.h, whatever its peer has sent.
#pragma once

#include <string>

#include "tcp/congestion.h"
#include "tcp/input.h"
#include "tcp/seq_ranges.h"

namespace mayfly::testing {
namespace detail {

inline constexpr std::int32_t kFlightMax = (1 << 30) + 1;  // queue_text's 2^30, and the FIN

/// RFC 9293 3.3.1, figure 3: the send space in its order.
inline std::string broken_send_space(const Connection& c) {
  if (after(c.snd_una, c.snd_nxt)) return "SND.UNA is after SND.NXT";
  if (after(c.snd_nxt, c.snd_max)) return "SND.NXT is after all that was sent";
  if (after(c.snd_max, c.snd_end + 1)) return "more was sent than was queued";
  if (fin_sent(c) && !c.has(conn_flag::closing)) return "a FIN was sent that nobody asked for";
  if (c.snd_end - c.snd_una > kFlightMax) return "more is queued than may be";
  if (c.snd_wnd > c.max_snd_wnd) return "SND.WND is above MAX.SND.WND";
  if (!kSynchronized.has(c.state) && c.snd_una != c.iss) return "SND.UNA moved in the handshake";
  return {};
}

/// RFC 9293 3.3.1, figure 4: the receive space in its order.
inline std::string broken_receive_space(const Connection& c) {
  if (c.snd_wind_shift > 14 || c.rcv_wind_shift > 14) return "a window shift is above 14";
  if (before(c.rcv_adv, c.rcv_nxt)) return "RCV.NXT is beyond what was offered";
  if (c.rcv_adv - c.rcv_nxt > 1 << 30) return "the window is above 1 GiB";
  if (after(c.last_ack_sent, c.rcv_nxt)) return "more was acknowledged than received";
  if (c.has(conn_flag::fin_held) && before(c.fin_at, c.rcv_nxt)) return "the FIN held has passed";
  return {};
}

/// Disjoint, not touching, rising, and inside [low, high].
inline bool is_in_order(const SeqRanges& ranges, Seq low, Seq high) {
  if (ranges.count > kRangesMax) return false;
  for (std::uint8_t i = 0; i < ranges.count; ++i) {
    const SackBlock r = ranges.range[i];
    if (!before(r.left, r.right) || before(r.left, low) || after(r.right, high)) return false;
    low = r.right + 1;
  }
  return true;
}

/// RFC 9293 3.3.2: what each state says about the two FINs.
inline std::string broken_state(const Connection& c) {
  constexpr StateSet peer_has_closed =
      states(State::close_wait, State::closing, State::last_ack, State::time_wait);
  constexpr StateSet we_have_closed = states(State::fin_wait_1, State::fin_wait_2, State::closing,
                                             State::last_ack, State::time_wait);
  constexpr StateSet all_acked = states(State::fin_wait_2, State::time_wait);
  const bool synchronized = kSynchronized.has(c.state);
  if (peer_has_closed.has(c.state) != c.has(conn_flag::peer_fin)) return "the peer's FIN";
  if (synchronized && we_have_closed.has(c.state) != c.has(conn_flag::closing)) return "our CLOSE";
  if (synchronized && all_acked.has(c.state) != fin_acked(c)) return "the ACK of our FIN";
  if (c.state == State::closing && !fin_sent(c)) return "CLOSING without a FIN sent";
  if (c.has(conn_flag::fin_held) && !kReceivesText.has(c.state)) return "a FIN held for nobody";
  return {};
}

inline std::string broken_recovery(const Connection& c) {
  const bool fast = c.has(conn_flag::recovery);
  if (fast && c.has(conn_flag::rto_recovery)) return "two recoveries at once";
  if (c.has(conn_flag::sack_recovery) && !fast) return "SACK leads no recovery";
  if (c.mss < kMssMin) return "the MSS is below the least";
  if (kSynchronized.has(c.state) && c.cwnd == 0) return "cwnd is 0";
  if (c.rto_us == 0) return "RTO is 0";
  return {};
}

inline std::string broken_timers(const Connection& c) {
  if (c.has(conn_flag::ack_delayed) == c.ack_at.is_never()) return "a delayed ACK and its timer";
  if (c.has(conn_flag::persist) && c.retransmit_at.is_never()) return "persist without its timer";
  const bool waits = c.state == State::time_wait;
  if (waits && !(c.retransmit_at.is_never() && c.life_at.is_never())) return "a timer in TIME_WAIT";
  return {};
}

}  // namespace detail

/// What is wrong with it, in words; empty = nothing.
inline std::string broken_invariant(const Connection& c) {
  if (c.state == State::closed) {
    const bool quiet = c.retransmit_at.is_never() && c.ack_at.is_never() && c.life_at.is_never();
    return quiet ? "" : "CLOSED with a deadline";
  }
  const bool received = c.state != State::syn_sent;
  if (received && !detail::is_in_order(c.held, c.rcv_nxt + 1, c.rcv_adv)) return "ranges held";
  if (!detail::is_in_order(c.sacked, c.snd_una, c.snd_max)) return "ranges SACKed";
  std::string broken = detail::broken_send_space(c);
  if (broken.empty() && received) broken = detail::broken_receive_space(c);
  if (broken.empty()) broken = detail::broken_state(c);
  if (broken.empty()) broken = detail::broken_recovery(c);
  if (broken.empty()) broken = detail::broken_timers(c);
  return broken;
}

/// Once next_emission has nothing more: what waits to be sent or acknowledged has a timer, or the
/// connection could stand still for ever.
inline bool may_stand_still(const Connection& c) {
  if (c.state == State::closed || c.state == State::time_wait) return false;
  const bool outstanding = c.snd_una != c.snd_max;
  const bool unsent =
      before(c.snd_nxt, c.snd_end) || (c.snd_nxt == c.snd_end && c.has(conn_flag::closing));
  return (outstanding || unsent) && c.retransmit_at.is_never();
}

}  // namespace mayfly::testing
