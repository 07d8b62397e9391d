// The user's calls (RFC 9293 3.10.2 to 3.10.5), and ICMP errors (RFC 5927, RFC 1191).
#include <algorithm>
#include <array>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/recovery.h"
#include "tcp/input.h"
#include "tcp/rtt.h"

namespace mayfly::tcp {
namespace {

constexpr std::uint32_t kQueuedMax = (1u << 30) + 1;  // queue_text's limit, and the SYN
constexpr std::uint16_t kHeaderBytes = 40;            // IPv4 and TCP without options

/// RFC 1191 7.1: common MTUs, for routers that do not report theirs.
constexpr std::array<std::uint16_t, 8> kPlateaus = {17'914, 8'166, 4'352, 2'002,
                                                    1'492,  1'006, 508,   296};

std::uint16_t plateau_below(std::uint16_t mtu) noexcept {
  const auto next =
      std::find_if(kPlateaus.begin(), kPlateaus.end(), [&](auto p) { return p < mtu; });
  return next != kPlateaus.end() ? *next : std::uint16_t{68};
}

/// Makes segments smaller from now on and sends again at once what was too large. This is not a
/// sign of congestion, so cwnd stays (RFC 1191 6.4).
void lower_mss(Connection& c, std::uint16_t mtu) noexcept {
  const auto current = static_cast<std::uint16_t>(std::min(c.mss + kHeaderBytes, 0xffff));
  if (mtu == 0) {
    mark(Branch::icmp_mtu_unsaid);
    mtu = plateau_below(current);
  }
  if (mtu >= current) return mark(Branch::icmp_mtu_no_less);
  mark(Branch::icmp_mtu);
  c.mss = static_cast<std::uint16_t>(std::max<int>(mtu - kHeaderBytes, kMssMin));
  MAYFLY_ASSERT(c.mss + kHeaderBytes <= current);
  if (!kSynchronized.has(c.state) || c.has(conn_flag::persist)) return;
  go_back(c);
}

}  // namespace

void end_connection(Connection& c) noexcept {
  c.state = State::closed;
  c.retransmit_at = c.ack_at = c.life_at = Instant::never();
  c.clear(conn_flag::tail_timer | conn_flag::reorder_timer | conn_flag::tail_probe |
          conn_flag::ack_now | conn_flag::ack_delayed | conn_flag::probe_now | conn_flag::persist |
          conn_flag::fin_held);
}

void enter_time_wait(Connection& c) noexcept {
  MAYFLY_ASSERT(fin_acked(c) && c.has(conn_flag::peer_fin));
  c.state = State::time_wait;
  stop_retransmit_timer(c);
  c.clear(conn_flag::tail_probe);
  c.life_at = Instant::never();
}

void enter_fin_wait_2(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(fin_acked(c) && !c.has(conn_flag::peer_fin));
  c.state = State::fin_wait_2;
  if (!c.has(conn_flag::closed_both)) return;
  c.last_sent = now;
  if (cfg.fin_wait_2_hold.us == 0) return;
  mark(Branch::fin_wait_2_bounded);
  c.life_at = now + cfg.fin_wait_2_hold;
}

void queue_text(Connection& c, std::uint32_t bytes) noexcept {
  MAYFLY_ASSERT(!c.has(conn_flag::closing));
  MAYFLY_ASSERT(static_cast<std::uint32_t>(c.snd_end - c.snd_una) + bytes <= kQueuedMax);
  c.snd_end += bytes;
}

void close(Connection& c, bool and_receive, const TcpSettings& cfg, Instant now) noexcept {
  switch (c.state) {
    case State::closed:
    case State::listen:
    case State::time_wait: return mark(Branch::close_nothing);
    case State::syn_sent:  // RFC 9293 3.10.4
      mark(Branch::close_syn_sent);
      return end_connection(c);
    case State::established:
      mark(Branch::close_established);
      c.state = State::fin_wait_1;
      break;
    case State::close_wait:
      mark(Branch::close_close_wait);
      c.state = State::last_ack;
      break;
    default: mark(Branch::close_queued); break;  // SYN_RECEIVED; the others have closed before
  }
  c.set(conn_flag::closing);
  if (!and_receive || c.has(conn_flag::closed_both)) return;
  c.set(conn_flag::closed_both);
  if (c.state != State::fin_wait_2) return;
  mark(Branch::close_both_late);
  enter_fin_wait_2(c, cfg, now);
}

bool abort(Connection& c, Emission& rst) noexcept {
  constexpr StateSet kSendsReset = states(State::syn_received, State::established,
                                          State::fin_wait_1, State::fin_wait_2, State::close_wait);
  const bool tell = kSendsReset.has(c.state);
  mark(tell ? Branch::abort_tells : Branch::abort_silent);
  if (tell) {
    rst = Emission{};
    rst.seq = acceptable_seq(c);  // RFC 9293 3.10.5: <SEQ=SND.NXT><CTL=RST>
    rst.flags = wire::tcp_flag::rst;
  }
  end_connection(c);
  return tell;
}

void set_receive_room(Connection& c, std::uint32_t bytes, const TcpSettings& cfg) noexcept {
  MAYFLY_ASSERT(bytes <= 1u << 30);  // RFC 7323 2.3
  c.rcv_wnd = bytes;
  if (!kReceivesText.has(c.state)) return;
  // RFC 9293 3.8.6.2.2: an update must be worth a segment; while the peer has room to go on, two.
  const std::int32_t gain = (c.rcv_nxt + std::min(bytes, 0xffffu << c.rcv_wind_shift)) - c.rcv_adv;
  const bool shut = c.rcv_adv - c.rcv_nxt < std::int32_t{cfg.mss};
  const std::uint32_t worth = std::min(cfg.receive_window / 2, (shut ? 1u : 2u) * cfg.mss);
  if (gain < static_cast<std::int32_t>(worth)) return;
  mark(Branch::room_worth_telling);
  owe_ack(c);
}

Verdict on_icmp_error(Connection& c, const IcmpError& error, Seq quoted, const TcpSettings&,
                      Instant) noexcept {
  Verdict v;
  // RFC 5927 4.1: only about a segment that is in flight.
  if (before(quoted, c.snd_una) || !before(quoted, c.snd_max)) {
    v.drop = Drop::icmp_untrusted;
    mark(Branch::icmp_not_in_flight);
    return v;
  }
  const bool handshake = !kSynchronized.has(c.state);
  switch (error.kind) {
    case IcmpError::Kind::soft:  // MUST-56: never ends it
      mark(Branch::icmp_soft);
      return v;
    case IcmpError::Kind::hard:
      // RFC 5927 5.2: in synchronized states hard errors are soft.
      if (!handshake) {
        mark(Branch::icmp_hard_soft);
        return v;
      }
      mark(Branch::icmp_hard);
      end_connection(c);
      v.events = event::unreachable;
      break;
    case IcmpError::Kind::fragmentation_needed: lower_mss(c, error.mtu); break;
  }
  return v;
}

}  // namespace mayfly::tcp
