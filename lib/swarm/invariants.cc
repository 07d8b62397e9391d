#include "swarm/invariants.h"

#include <fmt/format.h>

#include <algorithm>

#include "tcp/congestion.h"
#include "tcp/input.h"

namespace mayfly {
namespace {

/// Ranges rise, are disjoint, and lie in [from, to].
bool in_order(const SeqRanges& ranges, Seq from, Seq to) {
  for (std::uint8_t i = 0; i < ranges.count; ++i) {
    const SackBlock r = ranges.range[i];
    if (before(r.left, from) || !before(r.left, r.right) || after(r.right, to)) return false;
    from = r.right + 1;  // ranges that touch are one
  }
  return true;
}

// RFC 9293 3.3.1: SND.UNA =< SND.NXT, and nothing beyond what the user has queued, the FIN counted.
std::string broken_sending(const Connection& c) {
  if (after(c.snd_una, c.snd_nxt) || after(c.snd_nxt, c.snd_max))
    return fmt::format("SND.UNA, SND.NXT, SND.MAX out of order: {} {} {}", c.snd_una.raw,
                       c.snd_nxt.raw, c.snd_max.raw);
  const Seq last = c.snd_end + (c.has(conn_flag::closing) ? 1u : 0u);
  if (kSynchronized.has(c.state) && after(c.snd_max, last))
    return "more was sent than the user has queued";
  if (!in_order(c.sacked, c.snd_una, c.snd_max)) return "the scoreboard is out of order";
  if (c.flags & conn_flag::rtt_timing && !before(c.rtt_seq, c.snd_max))
    return "what is timed was never sent";
  return {};
}

// RFC 9293 3.3.1: the receive window; 3.8.6.2.2: it never shrinks below what was advertised.
std::string broken_receiving(const Connection& c) {
  if (after(c.rcv_nxt, c.rcv_adv)) return "RCV.NXT is beyond the window";
  if (!in_order(c.held, c.rcv_nxt, c.rcv_adv)) return "what is held out of order is out of order";
  if (c.held.count > 0 && c.held.range[0].left == c.rcv_nxt)
    return "what is held is in order and was not delivered";
  if (c.has(conn_flag::fin_held) && before(c.fin_at, c.rcv_nxt)) return "a FIN was passed over";
  return {};
}

// RFC 6298 (2.4), (2.5); RFC 5681 3.1: the loss window is the least.
std::string broken_timing(const Connection& c, const TcpSettings& settings) {
  if (c.rto_us < settings.rto_min.us || c.rto_us > std::max(settings.rto_max.us, std::int64_t{3'000'000}))
    return fmt::format("RTO of {} us", c.rto_us);
  if (kSynchronized.has(c.state) && c.cwnd < smss(c))
    return fmt::format("cwnd of {} octets", c.cwnd);
  if (kFinQueued.has(c.state) && fin_sent(c) && !fin_acked(c) && c.retransmit_at.is_never())
    return "a FIN is under way and no timer runs for it";
  if (kSynchronized.has(c.state) && c.state != State::time_wait && c.snd_una != c.snd_max &&
      c.retransmit_at.is_never())
    return "something is unacknowledged and no timer runs for it";
  return {};
}

// RFC 5681 4.1 and RFC 3042: never more under way than cwnd and two segments of limited transmit;
// one octet or the FIN may probe.
std::string broken_window(const ConnectionShadow& before_now, const Connection& c) {
  if (!after(c.snd_max, before_now.snd_max)) return {};
  const std::uint32_t flight = flight_size(c);
  if (flight > c.cwnd + 2 * smss(c) + 1)
    return fmt::format("{} octets under way, cwnd is {}", flight, c.cwnd);
  if (after(c.snd_max, before_now.window_edge + 1)) return "sent beyond the peer's window";
  return {};
}

}  // namespace

std::string broken_invariant(const Connection& c, const TcpSettings& settings) {
  if (c.state == State::closed || c.state == State::listen) return {};
  if (std::string broken = broken_sending(c); !broken.empty()) return broken;
  if (c.state != State::syn_sent)
    if (std::string broken = broken_receiving(c); !broken.empty()) return broken;
  return broken_timing(c, settings);
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
  if (armed && c.retransmit_at < now + settings.rto_min) return "an RTO below its floor";
  ConnectionShadow with_edge = was;
  with_edge.window_edge = shadow.window_edge;
  return broken_window(with_edge, c);
}

}  // namespace mayfly
