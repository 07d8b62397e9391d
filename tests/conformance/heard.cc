#include "heard.h"

#include "tcp/input.h"

namespace mayfly::testing {
namespace {

using tcp::TimeWaitRules;

constexpr std::uint32_t kText = 10;
constexpr std::uint32_t kStamp = 100;  ///< TS.Recent
constexpr std::int64_t kWindow = 65'535;

/// The numbers that the combinations speak of, counted as tcp_bench.h does.
struct Numbers {
  std::int64_t rcv_nxt = 0, window = kWindow, snd_una = -1, snd_nxt = 0, snd_wnd = kWindow;
  bool timestamps = false;
};

Numbers numbers_of(const tcp::Connection& c) {
  Numbers n;
  n.timestamps = c.has(tcp::conn_flag::timestamps);
  if (c.state == tcp::State::closed) return n;
  n.snd_una = c.snd_una - (kOurIss + 1);
  n.snd_nxt = c.snd_max - (kOurIss + 1);
  n.snd_wnd = c.max_snd_wnd;
  if (c.state == tcp::State::syn_sent) return n;
  n.rcv_nxt = c.rcv_nxt - (kPeerIss + 1);
  n.window = c.rcv_adv - c.rcv_nxt;
  return n;
}

std::int64_t ack_of(Kinds kind, const Numbers& n) {
  switch (kind) {
    case on::ack_again:
    case on::data_again:
    case on::fin_again: return n.snd_una;
    case on::data_old_ack: return n.snd_una - 1;
    case on::data_ack_above: return n.snd_nxt + 1;
    case on::data_ack_below: return n.snd_una - n.snd_wnd - 1;
    default: return n.snd_nxt;
  }
}

std::int64_t seq_of(Places place, std::uint32_t length, const Numbers& n) {
  switch (place) {
    case at::long_ago: return n.rcv_nxt - 1'000;
    case at::just_before: return n.rcv_nxt - std::max(length, 1u);
    case at::across: return n.rcv_nxt - 1;
    case at::inside: return n.rcv_nxt + 1;
    case at::right: return n.rcv_nxt + n.window - 1;
    case at::beyond: return n.rcv_nxt + n.window;
    default: return n.rcv_nxt;  // left, shut
  }
}

Spoken bits_of(Kinds kind) {
  switch (kind) {
    case on::none: return {};
    case on::syn:
    case on::syn_old_stamp:
    case on::syn_unstamped: return syn().mss(1'000);
    case on::syn_ack: return syn_ack().mss(1'000);
    case on::ack:
    case on::ack_again:
    case on::ack_old_stamp: return ack();
    case on::data_urgent: return data(kText).urgent(5);
    case on::data_no_ack: return data(kText).without_ack();
    case on::fin:
    case on::fin_again: return fin();
    case on::data_fin: return data(kText).with_fin();
    case on::rst:
    case on::rst_old_stamp: return rst();
    case on::rst_ack: return {.flags = wire::tcp_flag::rst | wire::tcp_flag::ack};
    default: return data(kText);
  }
}

Spoken segment_of(Kinds kind, Places place, const Numbers& n, bool handshake) {
  constexpr Kinds kOldStamp =
      on::syn_old_stamp | on::ack_old_stamp | on::data_old_stamp | on::rst_old_stamp;
  constexpr Kinds kUnstamped = on::syn_unstamped | on::data_unstamped | on::rst;
  Spoken s = bits_of(kind);
  const bool counts = (s.flags & (wire::tcp_flag::syn | wire::tcp_flag::fin)) != 0;
  s = s.at(seq_of(place, s.len + (counts ? 1 : 0), n));
  if (s.flags & wire::tcp_flag::ack) s = s.acks(ack_of(kind, n));
  if (kind & kOldStamp) return s.stamped(kStamp - 1);
  if ((kind & kUnstamped) || !(n.timestamps || handshake)) return s.bare();
  return s.stamped(kStamp);
}

tcp::TcpSettings settings(bool timestamps) {
  tcp::TcpSettings cfg = plain();
  cfg.timestamps = timestamps;
  return cfg;
}

/// A connection in a state in which on_segment is asked.
Tcp connection_in(Situation situation) {
  const tcp::TcpSettings cfg = settings(true);
  const Spoken offer = syn().mss(1'000).stamped(kStamp);
  switch (situation) {
    case Situation::closed:
    case Situation::listen: return Tcp(cfg);
    case Situation::syn_sent: return Tcp::syn_sent(cfg).whatever();
    case Situation::syn_received: return Tcp::syn_received(cfg, offer).whatever();
    case Situation::syn_received_active: return Tcp::syn_sent(cfg).peer(offer).whatever();
    case Situation::established: return Tcp::established(cfg, offer).send(kText).whatever();
    case Situation::fin_wait_1: return Tcp::fin_wait_1(cfg, offer);
    case Situation::fin_wait_2: return Tcp::fin_wait_2(cfg, offer);
    case Situation::close_wait: return Tcp::close_wait(cfg, offer).send(kText).whatever();
    case Situation::closing: return Tcp::closing(cfg, offer);
    case Situation::last_ack: return Tcp::last_ack(cfg, offer);
    case Situation::time_wait:
    case Situation::time_wait_answered:
    case Situation::time_wait_silent: return Tcp::time_wait(cfg, offer);
    case Situation::time_wait_lenient:
    case Situation::time_wait_sequence: break;
  }
  return Tcp::time_wait(settings(false));
}

TimeWaitRules rules_of(Situation situation) {
  TimeWaitRules rules;
  if (situation == Situation::time_wait_lenient) rules.rst = TimeWaitRules::OnRst::accept;
  if (situation == Situation::time_wait_sequence) rules.reopen = TimeWaitRules::Reopen::sequence;
  if (situation == Situation::time_wait_silent) {
    rules.refuse_syn = TimeWaitRules::RefuseSyn::drop;
    rules.rst = TimeWaitRules::OnRst::ignore;
  }
  return rules;
}

/// What goes out, read from the Emissions; `challenges`: how many of them were challenges.
We said_by(const Tcp& t, std::uint16_t challenges) {
  if (t.verdict.reply == tcp::Reply::rst) {
    Emission e;
    EXPECT_TRUE(tcp::reset_for(t.last_heard, e));
    if (t.out.empty()) return We::rst;
    EXPECT_EQ(t.out.size(), 1u);
    EXPECT_EQ(t.out.front().flags, wire::tcp_flag::syn) << "an ACK and an RST";
    return We::rst_syn;
  }
  if (t.out.empty()) return t.c.has(tcp::conn_flag::ack_delayed) ? We::ack_later : We::nothing;
  EXPECT_EQ(t.out.size(), 1u);
  const Emission& e = t.out.front();
  EXPECT_EQ(e.payload_len, 0u);
  EXPECT_EQ(e.ack, t.c.rcv_nxt);
  if (e.has(wire::tcp_flag::syn)) return We::syn_ack;
  EXPECT_EQ(e.flags, wire::tcp_flag::ack);
  EXPECT_EQ(e.seq, t.c.snd_max);
  return challenges > 0 ? We::challenge : We::ack;
}

Outcome hear_closed(const Segment& s) {
  Emission e;
  return {.we = tcp::reset_for(s, e) ? We::rst : We::nothing};
}

Outcome hear_listening(const Segment& s, Tcp& t) {
  Outcome o{.before = tcp::State::listen, .after = tcp::State::listen};
  Emission e;
  switch (tcp::on_listen(s)) {
    case tcp::ListenAnswer::ignore: break;
    case tcp::ListenAnswer::reset: o.we = tcp::reset_for(s, e) ? We::rst : We::nothing; break;
    case tcp::ListenAnswer::open:
      open_passive(t.c, s, kOurIss, kTsOffset, t.cfg, t.now);
      o.we = said_by(t.drain(), 0);
      o.after = t.c.state;
      break;
  }
  return o;
}

Outcome hear_in_time_wait(const Segment& s, const tcp::Connection& c, const TimeWaitRules& rules,
                          Duration since_syn_answer) {
  Outcome o{.before = tcp::State::time_wait, .after = tcp::State::time_wait};
  const auto v = on_time_wait_segment(make_time_wait_entry(c), s, rules, since_syn_answer);
  o.drop = v.drop;
  switch (v.action) {
    case tcp::TimeWaitAction::drop: break;
    case tcp::TimeWaitAction::ack: o.we = We::ack; break;
    case tcp::TimeWaitAction::restart_and_ack: o.we = We::ack_anew; break;
    case tcp::TimeWaitAction::reopen: o.after = tcp::State::syn_received; break;
    case tcp::TimeWaitAction::kill: o.after = tcp::State::closed; break;
  }
  return o;
}

Outcome hear_connected(Tcp& t, const Spoken& said) {
  Outcome o{.before = t.c.state};
  const Seq rcv_nxt = t.c.rcv_nxt;
  const bool opening = t.c.state == tcp::State::syn_sent;
  const std::uint16_t challenges = t.c.challenges;
  t.peer(said);
  o.after = t.c.state;
  o.events = t.events;
  o.drop = t.verdict.drop;
  o.we = said_by(t, static_cast<std::uint16_t>(t.c.challenges - challenges));
  const bool held = t.c.loss->held.count > 0;
  o.text = held ? Text::held : t.text_received > 0 ? Text::taken : Text::no_text;
  o.octets =
      held
          ? static_cast<std::uint32_t>(t.c.loss->held.range[0].right - t.c.loss->held.range[0].left)
          : t.text_received;
  const std::uint32_t fin = (t.events & tcp::event::peer_fin) != 0 ? 1 : 0;
  if (!opening) {
    EXPECT_EQ(t.c.rcv_nxt, rcv_nxt + t.text_received + fin) << "RCV.NXT moves by what was taken";
  }
  return o;
}

}  // namespace

Outcome hear(Situation situation, Kinds kind, Places place, tcp::TimestampsMissing missing) {
  Tcp t = connection_in(situation);
  t.cfg.timestamps_missing = missing;
  if (place == at::shut) {
    t.c.rcv_wnd = 0;  // as after text that filled the window and that nobody has read
    t.c.rcv_adv = t.c.rcv_nxt;
  }
  const Numbers n = numbers_of(t.c);
  const bool handshake = situation <= Situation::syn_received_active;
  const Spoken said = segment_of(kind, place, n, handshake);
  tcp::branches_passed.reset();
  switch (situation) {
    case Situation::closed: return hear_closed(t.spell(said));
    case Situation::listen: return hear_listening(t.spell(said), t);
    case Situation::time_wait:
    case Situation::time_wait_lenient:
    case Situation::time_wait_sequence:
    case Situation::time_wait_answered:
    case Situation::time_wait_silent: {
      TimeWaitRules rules = rules_of(situation);
      rules.timestamps_missing = missing;
      const bool answered = situation == Situation::time_wait_answered;
      return hear_in_time_wait(t.spell(said), t.c, rules,
                               answered ? Duration::from_s(1) : Duration::max());
    }
    default: return hear_connected(t, said);
  }
}

std::uint32_t octets_expected(Text text, Places place) {
  if (text == Text::no_text) return 0;
  switch (place) {
    case at::across: return kText - 1;
    case at::right: return 1;
    default: return kText;
  }
}

}  // namespace mayfly::testing
