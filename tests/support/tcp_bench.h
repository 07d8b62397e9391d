// A vocabulary for tests of one connection: the test plays the peer, second by second.
//
//   auto t = Tcp::established();
//   t.peer(data(10)).silent();            // the ACK is delayed ...
//   t.after(40ms).us(ack().acks(10));     // ... by at most 40 ms
//
// Numbers count octets of text: at(0) is the first one after the SYN, for both sides.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <experimental/source_location>  // the standard one is unknown to clang 14
#include <optional>
#include <vector>

#include "support/recorded.h"
#include "tcp/tcp.h"

namespace mayfly::tcp {

/// Makes a failed expectation print the state's name.
inline void PrintTo(State state, std::ostream* out) { *out << name_of(state); }

}  // namespace mayfly::tcp

namespace mayfly::wire {

inline void PrintTo(Drop drop, std::ostream* out) { *out << name_of(drop); }

}  // namespace mayfly::wire

namespace mayfly::testing {

inline constexpr Seq kOurIss{0xffff'ff00u};  // both spaces wrap early in every test
inline constexpr Seq kPeerIss{0xffff'fff0u};
inline constexpr std::uint32_t kTsOffset = 0xffff'f000u;

/// A segment as a test speaks of it: what the peer says, or what is expected of us. What is not
/// said is right for the peer (at RCV.NXT, acknowledging all), and not looked at for us.
struct Spoken {
  std::uint8_t flags = 0;
  std::uint32_t len = 0;
  std::optional<std::int64_t> seq_at, ack_at;
  std::optional<std::uint32_t> window_field;
  std::optional<wire::Timestamps> ts;
  std::optional<std::uint16_t> mss_value;
  std::optional<std::uint8_t> scale;
  bool without_timestamps = false, sack_allowed = false, pushed = false, ce = false;
  std::uint16_t urgent_pointer = 0;
  std::vector<wire::SackBlock> sacks;

  Spoken at(std::int64_t n) const {
    auto s = *this;
    s.seq_at = n;
    return s;
  }
  Spoken acks(std::int64_t n) const {
    auto s = *this;
    s.flags |= wire::tcp_flag::ack;
    s.ack_at = n;
    return s;
  }
  Spoken window(std::uint32_t n) const {
    auto s = *this;
    s.window_field = n;
    return s;
  }
  Spoken stamped(std::uint32_t val, std::uint32_t echo = 0) const {
    auto s = *this;
    s.ts = wire::Timestamps{val, echo};
    return s;
  }
  Spoken bare() const {
    auto s = *this;
    s.without_timestamps = true;
    return s;
  }
  Spoken mss(std::uint16_t n) const {
    auto s = *this;
    s.mss_value = n;
    return s;
  }
  Spoken scaled(std::uint8_t n) const {
    auto s = *this;
    s.scale = n;
    return s;
  }
  Spoken sack_ok() const {
    auto s = *this;
    s.sack_allowed = true;
    return s;
  }
  /// Also has these flags.
  Spoken flagged(std::uint8_t more) const {
    auto s = *this;
    s.flags |= more;
    return s;
  }
  /// A router has marked it: congestion experienced.
  Spoken marked() const {
    auto s = *this;
    s.ce = true;
    return s;
  }
  Spoken urgent(std::uint16_t n) const {
    auto s = *this;
    s.flags |= wire::tcp_flag::urg;
    s.urgent_pointer = n;
    return s;
  }
  Spoken with_fin() const {
    auto s = *this;
    s.flags |= wire::tcp_flag::fin;
    return s;
  }
  Spoken without_ack() const {
    auto s = *this;
    s.flags &= static_cast<std::uint8_t>(~wire::tcp_flag::ack);
    return s;
  }
  /// Our PSH bit must be set.
  Spoken push() const {
    auto s = *this;
    s.pushed = true;
    return s;
  }
  /// [from, to) of the other side's text has arrived.
  Spoken sack(std::uint32_t from, std::uint32_t to) const {
    auto s = *this;
    s.sacks.push_back({Seq{from}, Seq{to}});
    return s;
  }
};

inline Spoken ack() { return {.flags = wire::tcp_flag::ack}; }
inline Spoken data(std::uint32_t len) { return {.flags = wire::tcp_flag::ack, .len = len}; }
inline Spoken fin() { return {.flags = wire::tcp_flag::ack | wire::tcp_flag::fin}; }
inline Spoken rst() { return {.flags = wire::tcp_flag::rst}; }
inline Spoken syn() { return {.flags = wire::tcp_flag::syn, .seq_at = -1}; }
inline Spoken syn_ack() {
  return {.flags = wire::tcp_flag::syn | wire::tcp_flag::ack, .seq_at = -1};
}

/// Settings without options, so that tests see one thing at a time.
inline tcp::TcpSettings plain() {
  tcp::TcpSettings cfg;
  cfg.timestamps = cfg.window_scale = cfg.sack = false;
  cfg.mss = 1'000;
  cfg.congestion_control = tcp::CongestionControl::newreno;  // its numbers are round
  return cfg;
}

class Tcp {
 public:
  using Where = std::experimental::source_location;

  explicit Tcp(const tcp::TcpSettings& settings) : cfg(settings) {}

  // -- where a test begins --
  static Tcp syn_sent(const tcp::TcpSettings& cfg = plain());
  /// The peer's SYN says `offer`.
  static Tcp syn_received(const tcp::TcpSettings& cfg = plain(),
                          const Spoken& offer = syn().mss(1'000));
  static Tcp established(const tcp::TcpSettings& cfg = plain(),
                         const Spoken& offer = syn().mss(1'000));
  static Tcp fin_wait_1(const tcp::TcpSettings& cfg = plain(),
                        const Spoken& offer = syn().mss(1'000));
  static Tcp fin_wait_2(const tcp::TcpSettings& cfg = plain(),
                        const Spoken& offer = syn().mss(1'000));
  static Tcp close_wait(const tcp::TcpSettings& cfg = plain(),
                        const Spoken& offer = syn().mss(1'000));
  static Tcp closing(const tcp::TcpSettings& cfg = plain(), const Spoken& offer = syn().mss(1'000));
  static Tcp last_ack(const tcp::TcpSettings& cfg = plain(),
                      const Spoken& offer = syn().mss(1'000));
  static Tcp time_wait(const tcp::TcpSettings& cfg = plain(),
                       const Spoken& offer = syn().mss(1'000));
  static Tcp in_state(tcp::State state, const tcp::TcpSettings& cfg = plain(),
                      const Spoken& offer = syn().mss(1'000));

  /// The segment that `said` stands for.
  Segment spell(const Spoken& said) const;

  // -- what happens --
  Tcp& peer(const Spoken& said);
  Tcp& after(Duration d);
  Tcp& send(std::uint32_t bytes) {
    queue_text(c, bytes);
    return drain();
  }
  Tcp& close() {
    tcp::close(c, false, cfg, now);
    return drain();
  }
  Tcp& close_both() {
    c.clear(tcp::conn_flag::drops_text);
    tcp::close(c, true, cfg, now);
    return drain();
  }
  Tcp& close_and_drop() {
    c.set(tcp::conn_flag::drops_text);
    tcp::close(c, true, cfg, now);
    return drain();
  }
  Tcp& room(std::uint32_t bytes) {
    set_receive_room(c, bytes, cfg);
    return drain();
  }
  Tcp& icmp(const tcp::IcmpError& error, std::int64_t quoted_at);
  /// Other settings arrive: `change(cfg)`.
  template <class F>
  Tcp& follows(F&& change) {
    change(cfg);
    follow_settings(c, cfg, now);
    return drain();
  }
  /// The user takes at most so much of each segment from now on.
  Tcp& takes(std::uint32_t bytes) {
    accept_max = bytes;
    return *this;
  }

  // -- what is expected --
  Tcp& us(const Spoken& expected, Where where = Where::current());
  Tcp& silent(Where where = Where::current());
  Tcp& in(tcp::State state, Where where = Where::current());
  Tcp& gone(Where where = Where::current()) { return in(tcp::State::closed, where); }
  Tcp& saw(std::uint16_t events, Where where = Where::current());
  Tcp& dropped(Drop reason, Where where = Where::current());
  /// The answer outside the connection to the last segment is RST.
  Tcp& reset_sent(Where where = Where::current());
  /// Forgets what we said so far.
  Tcp& whatever() {
    out.clear();
    return *this;
  }

  /// Octets of text we sent since the last time this was asked; forgets them.
  std::uint32_t text_sent();

  Tcp& drain();

  tcp::TcpSettings cfg;
  Instant now{1'000'000};
  Recorded c;
  std::deque<Emission> out;
  tcp::Verdict verdict;
  std::uint16_t events = 0;  ///< of the last call of peer or after
  std::uint32_t text_received = 0;
  std::uint32_t accept_max = ~0u;
  Segment last_heard;
};

inline Tcp& Tcp::drain() {
  Emission e;
  while (next_emission(c, cfg, now, e)) {
    if (out.size() > 1'000) {
      ADD_FAILURE() << "an endless output";
      break;
    }
    out.push_back(e);
  }
  return *this;
}

inline Segment Tcp::spell(const Spoken& said) const {
  Segment s;
  s.flags = said.flags;
  const bool opening = c.state == tcp::State::closed || c.state == tcp::State::syn_sent;
  const Seq next = opening ? kPeerIss + 1 : c.rcv_nxt;
  s.seq = said.seq_at ? kPeerIss + static_cast<std::uint32_t>(1 + *said.seq_at) : next;
  if (said.flags & wire::tcp_flag::ack) {
    s.ack = said.ack_at ? kOurIss + static_cast<std::uint32_t>(1 + *said.ack_at) : c.snd_max;
  }
  s.window = static_cast<std::uint16_t>(said.window_field.value_or(65'535));
  s.payload_len = static_cast<std::uint16_t>(said.len);
  s.urgent = said.urgent_pointer;
  if (said.mss_value) {
    s.options |= wire::tcp_option::mss;
    s.mss = *said.mss_value;
  }
  if (said.scale) {
    s.options |= wire::tcp_option::window_scale;
    s.window_scale = *said.scale;
  }
  if (said.sack_allowed) s.options |= wire::tcp_option::sack_permitted;
  if (said.ce) s.options |= wire::tcp_option::ecn_mark;
  if (said.ts) {
    s.options |= wire::tcp_option::timestamps;
    s.ts = *said.ts;
  }
  if (!said.ts && c.has(tcp::conn_flag::timestamps) && !said.without_timestamps) {
    s.options |= wire::tcp_option::timestamps;
    s.ts = {c.ts_recent, now.ts_ms() + c.ts_offset};
  }
  return s;
}

inline Tcp& Tcp::peer(const Spoken& said) {
  const Segment s = last_heard = spell(said);
  std::vector<wire::SackBlock> blocks;
  for (const wire::SackBlock b : said.sacks) {
    blocks.push_back({kOurIss + 1 + b.left.raw, kOurIss + 1 + b.right.raw});
  }
  verdict = on_segment(c, s, blocks, cfg, now);
  events = verdict.events;
  if (verdict.text_len > 0 && verdict.text_gap == 0) {
    const std::uint32_t accepted = std::min<std::uint32_t>(verdict.text_len, accept_max);
    text_received += accepted + take_text(c, accepted, cfg, now);
  } else if (verdict.text_len > 0) {
    if (!hold_text(c, s.seq + verdict.text_off, verdict.text_len))
      verdict.drop = Drop::tcp_reassembly_full;
  }
  events |= take_fin(c, cfg, now);
  return drain();
}

inline Tcp& Tcp::after(Duration d) {
  events = 0;
  const Instant end = now + d;
  while (next_deadline(c) <= end) {
    now = std::max(now, next_deadline(c));
    events |= on_timer(c, cfg, now);
    drain();
  }
  now = end;
  return *this;
}

inline Tcp& Tcp::icmp(const tcp::IcmpError& error, std::int64_t quoted_at) {
  verdict = on_icmp_error(c, error, kOurIss + static_cast<std::uint32_t>(1 + quoted_at), cfg, now);
  events = verdict.events;
  return drain();
}

inline Tcp& Tcp::us(const Spoken& expected, Where where) {
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "us");
  if (out.empty()) {
    ADD_FAILURE() << "we said nothing";
    return *this;
  }
  const Emission e = out.front();
  out.pop_front();
  EXPECT_EQ(int{e.flags} & ~int{wire::tcp_flag::psh}, int{expected.flags});
  EXPECT_EQ(e.payload_len, expected.len);
  if (expected.pushed) {
    EXPECT_TRUE(e.has(wire::tcp_flag::psh));
  }
  if (expected.seq_at) {
    EXPECT_EQ(e.seq - (c.iss + 1), *expected.seq_at);
  }
  if (expected.ack_at) {
    EXPECT_EQ(e.ack - (c.irs + 1), *expected.ack_at);
  }
  if (expected.window_field) {
    EXPECT_EQ(e.window, *expected.window_field);
  }
  if (expected.mss_value) {
    EXPECT_EQ(e.mss, *expected.mss_value);
  }
  if (expected.scale) {
    EXPECT_TRUE(e.options & wire::tcp_option::window_scale);
    EXPECT_EQ(e.window_scale, *expected.scale);
  }
  if (expected.sack_allowed) {
    EXPECT_TRUE(e.options & wire::tcp_option::sack_permitted);
  }
  if (expected.ts) {
    EXPECT_TRUE(e.options & wire::tcp_option::timestamps);
    EXPECT_EQ(e.ts.val, expected.ts->val);
    EXPECT_EQ(e.ts.echo, expected.ts->echo);
  }
  if (expected.without_timestamps) {
    EXPECT_FALSE(e.options & wire::tcp_option::timestamps);
  }
  if (!expected.sacks.empty()) {
    EXPECT_EQ(e.sack_count, expected.sacks.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(e.sack_count, expected.sacks.size()); ++i) {
      EXPECT_EQ(static_cast<std::uint32_t>(e.sack[i].left - (c.irs + 1)),
                expected.sacks[i].left.raw);
      EXPECT_EQ(static_cast<std::uint32_t>(e.sack[i].right - (c.irs + 1)),
                expected.sacks[i].right.raw);
    }
  }
  return *this;
}

inline Tcp& Tcp::silent(Where where) {
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "silent");
  EXPECT_EQ(out.size(), 0u);
  out.clear();
  return *this;
}

inline Tcp& Tcp::in(tcp::State state, Where where) {
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "in");
  EXPECT_EQ(c.state, state);
  return *this;
}

inline Tcp& Tcp::saw(std::uint16_t expected, Where where) {
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "saw");
  EXPECT_EQ(events & expected, expected);
  return *this;
}

inline Tcp& Tcp::dropped(Drop reason, Where where) {
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "dropped");
  EXPECT_EQ(verdict.drop, reason);
  return *this;
}

inline Tcp& Tcp::reset_sent(Where where) {
  const ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()),
                                     "reset_sent");
  EXPECT_EQ(verdict.reply, tcp::Reply::rst);
  Emission e;
  EXPECT_TRUE(tcp::reset_for(last_heard, e));
  return *this;
}

inline std::uint32_t Tcp::text_sent() {
  std::uint32_t octets = 0;
  for (const Emission& e : out) octets += e.payload_len;
  out.clear();
  return octets;
}

inline Tcp Tcp::syn_sent(const tcp::TcpSettings& cfg) {
  Tcp t(cfg);
  open_active(t.c, kOurIss, kTsOffset, t.cfg, t.now);
  return t.drain();
}

inline Tcp Tcp::syn_received(const tcp::TcpSettings& cfg, const Spoken& offer) {
  Tcp t(cfg);
  open_passive(t.c, t.spell(offer), kOurIss, kTsOffset, t.cfg, t.now);
  return t.drain();
}

inline Tcp Tcp::established(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return syn_received(cfg, offer).whatever().after(Duration::from_ms(10)).peer(ack()).whatever();
}
inline Tcp Tcp::fin_wait_1(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return established(cfg, offer).close().whatever();
}
inline Tcp Tcp::fin_wait_2(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return fin_wait_1(cfg, offer).peer(ack()).whatever();
}
inline Tcp Tcp::close_wait(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return established(cfg, offer).peer(fin()).whatever();
}
inline Tcp Tcp::closing(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return fin_wait_1(cfg, offer).peer(fin().acks(0)).whatever();
}
inline Tcp Tcp::last_ack(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return close_wait(cfg, offer).close().whatever();
}
inline Tcp Tcp::time_wait(const tcp::TcpSettings& cfg, const Spoken& offer) {
  return fin_wait_2(cfg, offer).peer(fin()).whatever();
}

inline Tcp Tcp::in_state(tcp::State state, const tcp::TcpSettings& cfg, const Spoken& offer) {
  switch (state) {
    case tcp::State::syn_sent: return syn_sent(cfg).whatever();
    case tcp::State::syn_received: return syn_received(cfg, offer).whatever();
    case tcp::State::established: return established(cfg, offer);
    case tcp::State::fin_wait_1: return fin_wait_1(cfg, offer);
    case tcp::State::fin_wait_2: return fin_wait_2(cfg, offer);
    case tcp::State::close_wait: return close_wait(cfg, offer);
    case tcp::State::closing: return closing(cfg, offer);
    case tcp::State::last_ack: return last_ack(cfg, offer);
    case tcp::State::time_wait: return time_wait(cfg, offer);
    default: return Tcp(cfg);
  }
}

}  // namespace mayfly::testing
