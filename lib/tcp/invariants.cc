// What is true of every Connection. Not part of the protocol: the simulator and the tests use it.
#include "tcp/invariants.h"

#include <fmt/format.h>

#include <algorithm>

#include "tcp/congestion/recovery.h"
#include "tcp/input.h"

namespace mayfly::tcp {
namespace {

constexpr std::int32_t kFlightMax = (1 << 30) + 1;  // queue_text's 2^30, and the FIN

/// RFC 9293 3.3.1, figure 3: the send space in its order.
std::string broken_send_space(const Connection& c) {
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
std::string broken_receive_space(const Connection& c) {
  if (c.snd_wind_shift > 14 || c.rcv_wind_shift > 14) return "a window shift is above 14";
  if (before(c.rcv_adv, c.rcv_nxt)) return "RCV.NXT is beyond what was offered";
  if (c.rcv_adv - c.rcv_nxt > 1 << 30) return "the window is above 1 GiB";
  if (after(c.last_ack_sent, c.rcv_nxt)) return "more was acknowledged than received";
  if (c.has(conn_flag::fin_held) && before(c.fin_at, c.rcv_nxt)) return "the FIN held has passed";
  return {};
}

/// Disjoint, not touching, rising, and inside [low, high].
template <std::size_t N>
bool is_in_order(const RangeSet<N>& ranges, Seq low, Seq high) {
  if (ranges.count > N) return false;
  for (std::uint8_t i = 0; i < ranges.count; ++i) {
    const wire::SackBlock r = ranges.range[i];
    if (!before(r.left, r.right) || before(r.left, low) || after(r.right, high)) return false;
    low = r.right + 1;
  }
  return true;
}

/// RFC 9293 3.3.2: what each state implies for the two FINs.
std::string broken_state(const Connection& c) {
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

std::string broken_recovery(const Connection& c) {
  const bool fast = c.has(conn_flag::recovery);
  if (fast && c.has(conn_flag::rto_recovery)) return "two recoveries at once";
  if (c.has(conn_flag::sack_recovery) && !fast) return "SACK leads no recovery";
  if (c.has(conn_flag::sack_recovery) && c.loss == nullptr) return "SACK leads, without a record";
  if (c.mss < kMssMin) return "the MSS is below the least";
  if (kSynchronized.has(c.state) && c.cwnd == 0) return "cwnd is 0";
  if (c.rto_us == 0) return "RTO is 0";
  if (c.loss != nullptr && c.loss->hidden > sacked_octets(c))
    return "more is hidden in ranges than they hold";
  return {};
}

/// The runs cover what is outstanding: text and FIN of a connection with SACK.
std::string broken_runs(const Connection& c) {
  if (c.sent_count > sent_runs_max(c)) return "too many runs";
  if (!kSynchronized.has(c.state) || !c.has(conn_flag::sack)) return {};
  Seq at = c.snd_una;
  for (const SentRun& run : sent_runs(c)) {
    if (!before(at, run.end)) return "a run without octets";
    at = run.end;
  }
  return at == c.snd_max ? "" : "the runs do not cover what is outstanding";
}

std::string broken_timers(const Connection& c) {
  if (c.has(conn_flag::ack_delayed) == c.ack_at.is_never()) return "a delayed ACK and its timer";
  if (c.has(conn_flag::persist) && c.retransmit_at.is_never()) return "persist without its timer";
  const bool early = c.has(conn_flag::tail_timer | conn_flag::reorder_timer);
  if (early && (c.retransmit_at.is_never() || c.has(conn_flag::persist)))
    return "two timers in one";
  const bool waits = c.state == State::time_wait;
  if (waits && !(c.retransmit_at.is_never() && c.life_at.is_never())) return "a timer in TIME_WAIT";
  return {};
}

// [from, SND.MAX) was sent. RFC 5681 4.1 and RFC 3042: never more under way than cwnd and two
// segments of limited transmit; one octet may probe. A tail loss probe goes out whatever cwnd says
// (RFC 8985 7.3), and so does a FIN by itself, which fills nobody's queue; cwnd may have been
// reduced to less than was under way. Where the runs do not suffice, what was lost may count as
// under way once the last segment has made one of two (sent_runs.h): then nothing is known.
std::string broken_window(const Connection& c, Seq from, Seq window_edge) {
  const std::uint32_t flight = flight_size(c);
  const bool is_probe = c.rack.tail_outstanding && c.rack.tail_end == c.snd_max;
  const bool is_fin_alone = fin_sent(c) && c.snd_max == from + 1;
  const bool is_known = c.sent_count < sent_runs_max(c);
  if (is_known && !is_probe && !is_fin_alone && flight > c.cwnd + 2 * smss(c) + 1)
    return fmt::format("{} octets under way, cwnd is {}", flight, c.cwnd);
  if (after(c.snd_max, window_edge + 1)) return "sent beyond the peer's window";
  return {};
}

}  // namespace

std::string broken_invariant(const Connection& c) {
  if (c.state == State::closed) {
    const bool quiet = c.retransmit_at.is_never() && c.ack_at.is_never() && c.life_at.is_never();
    return quiet ? "" : "CLOSED with a deadline";
  }
  const bool received = c.state != State::syn_sent;
  if (received && c.loss != nullptr && !is_in_order(c.loss->held, c.rcv_nxt + 1, c.rcv_adv))
    return "ranges held";
  if (c.loss != nullptr && !is_in_order(c.loss->sacked, c.snd_una, c.snd_max))
    return "ranges SACKed";
  std::string broken = broken_send_space(c);
  if (broken.empty() && received) broken = broken_receive_space(c);
  if (broken.empty()) broken = broken_state(c);
  if (broken.empty()) broken = broken_recovery(c);
  if (broken.empty()) broken = broken_runs(c);
  if (broken.empty()) broken = broken_timers(c);
  return broken;
}

bool may_stand_still(const Connection& c) {
  if (c.state == State::closed || c.state == State::time_wait) return false;
  const bool outstanding = c.snd_una != c.snd_max;
  const bool unsent =
      before(c.snd_nxt, c.snd_end) || (c.snd_nxt == c.snd_end && c.has(conn_flag::closing));
  return (outstanding || unsent) && c.retransmit_at.is_never();
}

// RFC 6298 (2.4), (2.5) and (5.7); RFC 5681 3.1: the loss window is the least.
std::string broken_bounds(const Connection& c, const TcpSettings& settings) {
  constexpr std::int64_t kAfterLostSynUs = 3'000'000;
  if (c.state == State::closed) return {};
  if (c.rto_us < settings.rto_min.us || c.rto_us > std::max(settings.rto_max.us, kAfterLostSynUs))
    return fmt::format("an RTO of {} us", c.rto_us);
  if (kSynchronized.has(c.state) && c.cwnd < smss(c))
    return fmt::format("a cwnd of {} octets", c.cwnd);
  return {};
}

std::string broken_progress(ConnectionShadow& shadow, const Connection& c,
                            const TcpSettings& settings, Instant now, bool every_step) {
  const ConnectionShadow was = shadow;
  shadow.snd_una = c.snd_una;
  shadow.snd_max = c.snd_max;
  shadow.rcv_nxt = c.rcv_nxt;
  shadow.rcv_adv = c.rcv_adv;
  shadow.retransmit_at = c.retransmit_at;
  const Seq edge = c.snd_una + c.snd_wnd;
  shadow.known = kSynchronized.has(c.state);
  shadow.window_edge = was.known ? later_of(was.window_edge, edge) : edge;
  if (!was.known || !shadow.known) return {};
  if (before(c.snd_una, was.snd_una)) return "SND.UNA went back";
  if (before(c.snd_max, was.snd_max)) return "SND.MAX went back";
  if (before(c.rcv_nxt, was.rcv_nxt)) return "RCV.NXT went back";
  if (before(c.rcv_adv, was.rcv_adv)) return "the window's right edge went back";
  if (!every_step) return {};
  const bool armed = c.retransmit_at != was.retransmit_at && !c.retransmit_at.is_never();
  const bool early = c.has(conn_flag::tail_timer | conn_flag::reorder_timer);
  if (armed && !early && c.retransmit_at < now + settings.rto_min) return "an RTO below its floor";
  return after(c.snd_max, was.snd_max) ? broken_window(c, was.snd_max, shadow.window_edge) : "";
}

}  // namespace mayfly::tcp
