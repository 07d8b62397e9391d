// Two connections and a wire that loses, repeats and reorders: whatever happens, all octets arrive
// in order and both ends come to rest. Each seed is another wire, other settings and other users.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "support/recorded.h"
#include "tcp/tcp.h"
#include "tcp/time_wait.h"

namespace mayfly::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct InFlight {
  int to = 0;
  Segment segment;
  std::array<wire::SackBlock, wire::kSackBlocksMax> sacks{};
  Bytes payload;
};

/// The octet at `offset` of a side's text.
std::uint8_t octet(int side, std::uint64_t offset) {
  return static_cast<std::uint8_t>((offset * 31 + offset / 251 + (side ? 7u : 0u)) & 0xff);
}

struct End {
  Recorded c;
  tcp::TcpSettings cfg;
  std::optional<tcp::TimeWaitEntry> time_wait;
  std::uint32_t to_send = 0;                   // text the user still wants to send
  std::uint32_t received = 0;                  // octets delivered in order
  std::map<std::uint32_t, std::uint8_t> held;  // out of order, by offset
  bool closed = false, peer_fin = false, over = false;
  bool is_short = false;  // of LossRecords: it has one now and then
  std::uint16_t events = 0;
};

class Wire {
 public:
  explicit Wire(std::uint64_t seed) : prng_(seed) {
    loss_ = prng_.chance(0.3) ? 0.0 : 0.2 * fraction();
    duplicate_ = prng_.chance(0.5) ? 0.0 : 0.1 * fraction();
    jitter_us_ = prng_.chance(0.3) ? 0 : prng_.below(40'000);
    delay_us_ = 100 + prng_.below(30'000);
    for (int side = 0; side < 2; ++side) set_up(ends_[side]);
    const Seq iss0{static_cast<std::uint32_t>(prng_.next())};
    open_active(ends_[0].c, iss0, static_cast<std::uint32_t>(prng_.next()), ends_[0].cfg, now_);
    simultaneous_ = prng_.chance(0.1);
    if (simultaneous_) open_other_end();
  }

  /// Runs until both ends are over; false if that takes more than two hours.
  bool run() {
    output(0);
    if (simultaneous_) output(1);
    const Instant limit = now_ + Duration::from_s(7'200);
    while (now_ < limit && !(ends_[0].over && ends_[1].over && flying_.empty())) {
      Instant next = flying_.empty() ? Instant::never() : Instant{flying_.begin()->first};
      for (const End& end : ends_) {
        if (!end.over) next = std::min(next, next_deadline(end.c));
      }
      if (next.is_never()) return false;
      now_ = std::max(now_, next);
      step();
    }
    return ends_[0].over && ends_[1].over;
  }

  const End& end(int side) const { return ends_[side]; }
  std::uint32_t wanted(int side) const { return wanted_[side]; }
  std::string describe() const {
    return "loss " + std::to_string(loss_) + " duplicate " + std::to_string(duplicate_) +
           " jitter " + std::to_string(jitter_us_) + " us, " +
           std::string(name_of(ends_[0].c.state)) + " and " +
           std::string(name_of(ends_[1].c.state)) + ", received " +
           std::to_string(ends_[0].received) + "/" + std::to_string(wanted_[1]) + " and " +
           std::to_string(ends_[1].received) + "/" + std::to_string(wanted_[0]) + ", " +
           std::to_string(now_.us / 1'000) + " ms";
  }

 private:
  double fraction() { return static_cast<double>(prng_.below(1'000)) / 1'000.0; }

  void set_up(End& end) {
    end.cfg.retries = 60;  // the wire is bad, not dead
    end.cfg.syn_retries = end.cfg.syn_ack_retries = 60;
    end.cfg.timestamps = prng_.chance(0.6);
    end.cfg.sack = prng_.chance(0.6);
    end.cfg.window_scale = prng_.chance(0.6);
    end.cfg.nagle = prng_.chance(0.8);
    end.cfg.mss = static_cast<std::uint16_t>(prng_.chance(0.8) ? 1'460 : 88 + prng_.below(1'400));
    end.cfg.receive_window = 65'535;
    if (prng_.chance(0.25)) end.cfg.receive_window = 200'000;
    if (prng_.chance(0.25))
      end.cfg.receive_window = static_cast<std::uint32_t>(200 + prng_.below(9'000));
    if (prng_.chance(0.2)) end.cfg.delayed_ack = Duration{0};
    const int side = static_cast<int>(&end - ends_.data());
    wanted_[side] = end.to_send = static_cast<std::uint32_t>(
        prng_.chance(0.3) ? 0 : prng_.below(prng_.chance(0.5) ? 500 : 90'000));
    end.is_short = prng_.chance(0.25);
    if (end.is_short) end.c.loss = nullptr;
  }

  void open_other_end() {
    open_active(ends_[1].c, Seq{static_cast<std::uint32_t>(prng_.next())}, 77, ends_[1].cfg, now_);
  }

  void step() {
    while (!flying_.empty() && flying_.begin()->first <= now_.us) {
      const InFlight frame = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      receive(frame);
    }
    for (int side = 0; side < 2; ++side) {
      End& end = ends_[side];
      if (end.over || next_deadline(end.c) > now_) continue;
      take_events(end, on_timer(end.c, end.cfg, now_));
      output(side);
    }
  }

  void lend_or_take_back(End& end) {
    if (end.c.loss == nullptr) {
      if (prng_.chance(0.05)) lend_record(end.c, end.c.record);
    } else if (is_record_idle(end.c) && prng_.chance(0.5)) {
      take_record_back(end.c);
    }
  }

  void receive(const InFlight& frame) {
    End& end = ends_[frame.to];
    const Segment& s = frame.segment;
    if (end.time_wait) return answer_in_time_wait(frame);
    if (end.over || end.c.state == tcp::State::closed) {
      if (frame.to == 1 && !end.over && tcp::on_listen(s) == tcp::ListenAnswer::open) {
        open_passive(end.c, s, Seq{static_cast<std::uint32_t>(prng_.next())}, 99, end.cfg, now_);
        output(1);
      } else if (Emission e; tcp::reset_for(s, e)) {
        launch(frame.to, e);
      }
      return;
    }
    if (end.is_short) lend_or_take_back(end);
    tcp::Verdict v =
        on_segment(end.c, s, std::span(frame.sacks.data(), s.sack_count), end.cfg, now_);
    if (v.reply == tcp::Reply::rst) {
      if (Emission e; tcp::reset_for(s, e)) launch(frame.to, e);
    }
    if (v.text_len > 0) take(frame, v);
    v.events |= take_fin(end.c, end.cfg, now_);
    take_events(end, v.events);
    use(frame.to);
    output(frame.to);
    settle(frame.to);
  }

  void take(const InFlight& frame, const tcp::Verdict& v) {
    End& end = ends_[frame.to];
    const std::uint32_t base = end.received + v.text_gap;
    ASSERT_LE(v.text_off + v.text_len, frame.payload.size());
    if (v.text_gap == 0) {
      const auto accepted = static_cast<std::uint32_t>(
          prng_.chance(0.05) ? prng_.below(v.text_len + 1u) : v.text_len);
      for (std::uint32_t i = 0; i < accepted; ++i) deliver(frame.to, frame.payload[v.text_off + i]);
      std::uint32_t follow = take_text(end.c, accepted, end.cfg, now_);
      for (; follow > 0; --follow) {
        const auto at = end.held.find(end.received);
        ASSERT_NE(at, end.held.end()) << "an octet was said to be held that is not";
        deliver(frame.to, at->second);
      }
      end.held.erase(end.held.begin(), end.held.lower_bound(end.received));
    } else if (prng_.chance(0.95) && hold_text(end.c, frame.segment.seq + v.text_off, v.text_len)) {
      for (std::uint32_t i = 0; i < v.text_len; ++i)
        end.held[base + i] = frame.payload[v.text_off + i];
    }
  }

  void deliver(int side, std::uint8_t byte) {
    End& end = ends_[side];
    ASSERT_EQ(byte, octet(1 - side, end.received)) << "at octet " << end.received;
    ++end.received;
  }

  void take_events(End& end, std::uint16_t events) {
    end.events |= events;
    if (events & tcp::event::peer_fin) end.peer_fin = true;
  }

  /// The user: queues text in pieces, changes its room, closes when all is said.
  void use(int side) {
    End& end = ends_[side];
    if (tcp::kReceivesText.has(end.c.state)) change_room(end);
    if (end.closed || !tcp::kSendsText.has(end.c.state)) return;
    const auto piece = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(end.to_send, prng_.chance(0.3) ? end.to_send : prng_.below(3'000)));
    queue_text(end.c, piece);
    end.to_send -= piece;
    const bool said_all = end.to_send == 0;
    if (said_all && (end.peer_fin || side == 0 || prng_.chance(0.5))) {
      close(end.c, false, end.cfg, now_);
      end.closed = true;
    }
  }

  void change_room(End& end) {
    if (prng_.chance(0.1)) {
      const auto room = prng_.chance(0.3) ? 0 : prng_.below(end.cfg.receive_window + 1);
      set_receive_room(end.c, static_cast<std::uint32_t>(room), end.cfg);
    } else if (prng_.chance(0.8)) {
      set_receive_room(end.c, end.cfg.receive_window, end.cfg);
    }
  }

  void output(int side) {
    End& end = ends_[side];
    Emission e;
    int count = 0;
    while (next_emission(end.c, end.cfg, now_, e)) {
      ASSERT_LT(++count, 10'000) << "an endless output";
      launch(side, e);
    }
    // A user that was given no room yet comes back by itself some time later.
    if (!end.over && tcp::kReceivesText.has(end.c.state) && end.c.rcv_wnd == 0) {
      set_receive_room(end.c, end.cfg.receive_window, end.cfg);
    }
    settle(side);
    const bool idle = !end.over && !end.closed && next_deadline(end.c).is_never();
    if (idle && tcp::kSendsText.has(end.c.state)) go_on(side);
  }

  /// Nothing will wake this side's user again, so it goes on by itself; else both could wait for
  /// ever.
  void go_on(int side) {
    End& end = ends_[side];
    use(side);
    if (!end.closed && end.to_send == 0) {
      close(end.c, false, end.cfg, now_);
      end.closed = true;
    }
    output(side);
  }

  void settle(int side) {
    End& end = ends_[side];
    if (end.c.state == tcp::State::time_wait && !end.time_wait) {
      end.time_wait = make_time_wait_entry(end.c);
      end.over = true;
    }
    if (end.c.state == tcp::State::closed && end.events != 0) end.over = true;
  }

  void answer_in_time_wait(const InFlight& frame) {
    End& end = ends_[frame.to];
    const auto verdict = on_time_wait_segment(*end.time_wait, frame.segment, tcp::TimeWaitRules{});
    if (verdict.action == tcp::TimeWaitAction::ack ||
        verdict.action == tcp::TimeWaitAction::restart_and_ack) {
      launch(frame.to, time_wait_ack(*end.time_wait, end.c.ts_offset, now_));
    }
  }

  void launch(int from, const Emission& e) {
    if (prng_.chance(loss_)) return;
    const int copies = prng_.chance(duplicate_) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto jitter = jitter_us_ > 0 ? prng_.below(jitter_us_) : 0;
      const auto at = now_.us + static_cast<std::int64_t>(delay_us_ + jitter);
      flying_.emplace(at, spell(from, e));
    }
  }

  InFlight spell(int from, const Emission& e) {
    InFlight frame;
    frame.to = 1 - from;
    Segment& s = frame.segment;
    s.seq = e.seq;
    s.ack = e.ack;
    s.ts = e.ts;
    s.window = e.window;
    s.mss = e.mss;
    s.flags = e.flags;
    s.options = e.options;
    s.window_scale = e.window_scale;
    s.sack_count = e.sack_count;
    s.payload_len = static_cast<std::uint16_t>(e.payload_len);
    frame.sacks = e.sack;
    const auto base = static_cast<std::uint32_t>(e.seq - (ends_[from].c.iss + 1));
    for (std::uint32_t i = 0; i < e.payload_len; ++i)
      frame.payload.push_back(octet(from, base + i));
    const tcp::Connection& peer = ends_[1 - from].c;
    if (e.payload_len > 0 && tcp::kSynchronized.has(peer.state)) {
      EXPECT_LE(e.payload_len, std::max<std::uint32_t>(ends_[1 - from].cfg.mss, 48));
    }
    return frame;
  }

  Prng prng_;
  std::array<End, 2> ends_;
  std::array<std::uint32_t, 2> wanted_{};
  std::multimap<std::int64_t, InFlight> flying_;
  Instant now_{1'000'000};
  double loss_ = 0, duplicate_ = 0;
  std::uint64_t jitter_us_ = 0, delay_us_ = 0;
  bool simultaneous_ = false;
};

/// MAYFLY_SEEDS and MAYFLY_SEED choose how many wires, and from which one on.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

TEST(Transfer, AllOctetsArriveAndBothEndsComeToRestWhateverTheWireDoes) {
  const std::uint64_t first = from_environment("MAYFLY_SEED", 1);
  const std::uint64_t count = from_environment("MAYFLY_SEEDS", 1'000);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Wire wire(seed);
    const bool ended = wire.run();
    ASSERT_TRUE(ended) << "seed " << seed << ": " << wire.describe();
    ASSERT_EQ(wire.end(1).received, wire.wanted(0)) << "seed " << seed << ": " << wire.describe();
    ASSERT_EQ(wire.end(0).received, wire.wanted(1)) << "seed " << seed << ": " << wire.describe();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace mayfly::testing
