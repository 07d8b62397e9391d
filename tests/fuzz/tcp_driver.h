// A Connection under a fuzzer's hands: segments, time, the user's calls, in any order. After each
// the invariants must hold, and what the connection says must follow from its state.
#pragma once

#include <algorithm>
#include <array>

#include "fuzz/segments.h"
#include "support/recorded.h"
#include "tcp/input.h"
#include "tcp/invariants.h"
#include "tcp/tcp.h"
#include "tcp/time_wait.h"

namespace mayfly::testing {

/// Settings within the limits of the configuration.
inline tcp::TcpSettings take_tcp_settings(FuzzInput& in) {
  tcp::TcpSettings cfg;
  const auto bits = in.take<std::uint8_t>();
  cfg.timestamps = (bits & 1) != 0;
  cfg.window_scale = (bits & 2) != 0;
  cfg.sack = (bits & 4) != 0;
  cfg.nagle = (bits & 8) != 0;
  cfg.keep_alive.enabled = (bits & 16) != 0;
  cfg.keep_alive.idle = 10_s;
  if ((bits & 32) != 0) cfg.delayed_ack = {};
  if ((bits & 64) != 0) cfg.challenge_ack_interval = {};
  cfg.mss = static_cast<std::uint16_t>(in.between(88, 1'460));
  cfg.receive_window = in.one_of<std::uint32_t>({1'460, 8'192, 65'535, 262'144, 1u << 30});
  cfg.initial_window_segments = static_cast<std::uint8_t>(in.between(1, 100));
  cfg.retries = static_cast<std::uint8_t>(in.between(1, 30));
  cfg.syn_retries = cfg.syn_ack_retries = static_cast<std::uint8_t>(in.below(21));
  return cfg;
}

class TcpDriver {
 public:
  TcpDriver(const Recorded& start, const tcp::TcpSettings& settings, Instant at)
      : c(start), cfg(settings), now(at) {}

  /// One thing happens; then everything that the connection has to say is sent.
  void step(FuzzInput& in) {
    switch (in.below(8)) {
      default: segment(in); break;  // every second step
      case 0: time_passes(in); break;
      case 1: queue(in); break;
      case 2: close(c, in.coin(), cfg, now); break;
      case 3: set_receive_room(c, in.below(std::min(2 * cfg.receive_window, 1u << 30)), cfg); break;
    }
    check();
    if (!in.coin()) output();
  }
  void rare_step(FuzzInput& in) {
    if (in.coin()) {
      icmp_error(in);
    } else {
      Emission rst;
      const Seq next = acceptable_seq(c);
      if (abort(c, rst)) {
        EXPECT_EQ(rst.seq, next);  // RFC 5961 3.2: or a peer only challenges it
      }
    }
    check();
  }

  void output();
  void check() {
    const std::string broken = broken_invariant(c);
    ASSERT_EQ(broken, "") << name_of(c.state);
  }

  Recorded c;
  tcp::TcpSettings cfg;
  Instant now;

 private:
  void segment(FuzzInput& in);
  void take(const Segment& s, const tcp::Verdict& v, FuzzInput& in);
  void check_emission(const Emission& e, const tcp::Connection& before);
  void icmp_error(FuzzInput& in) {
    const tcp::IcmpError error{.kind = tcp::IcmpError::Kind(in.below(3)),
                               .mtu = in.take<std::uint16_t>()};
    const Seq quoted{take_near(in, c.snd_una.raw)};
    const bool synchronized = tcp::kSynchronized.has(c.state);
    on_icmp_error(c, error, quoted, cfg, now);
    // RFC 9293 MUST-56, RFC 5927 5.2.
    if (synchronized) {
      EXPECT_NE(c.state, tcp::State::closed);
    }
  }
  void time_passes(FuzzInput& in) {
    const Instant due = next_deadline(c);
    now = now + Duration{in.take<std::uint32_t>() % 4'000'000};
    if (in.coin() && !due.is_never()) now = std::max(now, due);
    on_timer(c, cfg, now);
  }
  void queue(FuzzInput& in) {
    if (tcp::kSendsText.has(c.state) && !c.has(tcp::conn_flag::closing) &&
        c.snd_end - c.snd_una < 1 << 20)
      queue_text(c, in.below(0x10000));
  }
};

inline void TcpDriver::segment(FuzzInput& in) {
  Segment s = take_segment(in, c.rcv_nxt, c.snd_max, c.ts_recent);
  std::array<wire::SackBlock, 3> sacks;
  const std::uint32_t count = in.below(4);
  for (std::uint32_t i = 0; i < count; ++i) {
    sacks[i].left = {take_near(in, c.snd_una.raw)};
    sacks[i].right = {take_near(in, c.snd_max.raw)};
  }
  const tcp::State was = c.state;
  if (was == tcp::State::closed) return;
  const tcp::Verdict v = on_segment(c, s, std::span(sacks).first(count), cfg, now);
  constexpr std::uint16_t ends = tcp::event::reset | tcp::event::refused | tcp::event::timed_out |
                                 tcp::event::unreachable | tcp::event::closed;
  EXPECT_EQ(c.state == tcp::State::closed, (v.events & ends) != 0) << "an end and its event";
  EXPECT_EQ(c.state == tcp::State::time_wait && was != tcp::State::time_wait,
            (v.events & tcp::event::time_wait) != 0);
  if (s.has(wire::tcp_flag::rst)) {
    EXPECT_EQ(v.reply, tcp::Reply::none) << "an RST is never answered";
  }
  take(s, v, in);
}

/// What the stack does with the text: takes some of it, holds what came out of order, or not.
inline void TcpDriver::take(const Segment& s, const tcp::Verdict& v, FuzzInput& in) {
  if (v.text_len > 0) {
    EXPECT_LE(v.text_off + v.text_len, s.payload_len);
    EXPECT_LE(static_cast<std::int64_t>(v.text_gap) + v.text_len, c.rcv_adv - c.rcv_nxt);
    if (v.text_gap == 0) {
      const std::uint32_t accepted = in.coin() ? v.text_len : in.below(v.text_len + 1u);
      take_text(c, accepted, cfg, now);
    } else if (in.coin()) {
      hold_text(c, c.rcv_nxt + v.text_gap, v.text_len);
    }
  }
  const std::uint16_t events = take_fin(c, cfg, now);
  if ((events & tcp::event::time_wait) != 0) {
    EXPECT_EQ(c.state, tcp::State::time_wait);
  }
  if (c.state == tcp::State::time_wait) {
    EXPECT_EQ(make_time_wait_entry(c).snd_nxt, c.snd_una);
  }
}

inline void TcpDriver::output() {
  // A window of text in the smallest segments, and as many again.
  const auto queued = static_cast<std::uint32_t>(c.snd_end - c.snd_una);
  const std::uint32_t most = 100 + 4 * queued / (smss(c) - 28);
  Emission e;
  tcp::Connection before = c;
  for (std::uint32_t n = 0; next_emission(c, cfg, now, e); before = c) {
    ASSERT_LT(n++, most) << "output without end in " << name_of(c.state);
    check_emission(e, before);
    check();
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_FALSE(may_stand_still(c)) << name_of(c.state);
}

inline void TcpDriver::check_emission(const Emission& e, const tcp::Connection& before) {
  EXPECT_LE(tcp_header_size(e), wire::kTcpHeaderSizeMax);
  EXPECT_FALSE(e.has(wire::tcp_flag::rst));
  if (e.has(wire::tcp_flag::syn)) {
    EXPECT_EQ(e.seq, c.iss);
    EXPECT_EQ(e.payload_len, 0u);
    return;
  }
  EXPECT_TRUE(e.has(wire::tcp_flag::ack));
  EXPECT_EQ(e.ack, c.rcv_nxt);
  EXPECT_TRUE(at_or_after(e.seq, before.snd_una - 1)) << "before SND.UNA, but for keep-alive";
  const Seq text_end = e.seq + e.payload_len;
  EXPECT_TRUE(e.payload_len == 0 || at_or_before(text_end, c.snd_end)) << "text never queued";
  if (e.has(wire::tcp_flag::fin)) {
    EXPECT_EQ(text_end, c.snd_end) << "a FIN out of its place";
  }
  // RFC 6691: options take from the room of the text, not from that of the frame.
  EXPECT_LE(e.payload_len + tcp_header_size(e) - 20, c.mss);
  // RFC 9293 SHLD-14: the right edge never moves left, but for what the scale cannot tell.
  EXPECT_TRUE(at_or_after(c.rcv_adv, before.rcv_adv));
  const Seq edge = e.ack + (std::uint32_t{e.window} << c.rcv_wind_shift);
  EXPECT_LT(c.rcv_adv - edge, 1 << c.rcv_wind_shift);
}

}  // namespace mayfly::testing
