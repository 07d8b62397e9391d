// A TimeWaits alone, its policy, its secret and a clock.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "flow/time_waits.h"

namespace mayfly::testing {

class TimeWaitsTest : public ::testing::Test {
 protected:
  using TimeWaitPolicy = flow::TimeWaitPolicy;
  using TimeWaits = flow::TimeWaits;
  static constexpr Instant kStart = Instant{} + 1_s;

  static FlowKey4 key(std::uint32_t n) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0101}, static_cast<std::uint16_t>(1'024 + n));
  }
  /// As the policy says, with memory for `capacity` entries.
  void hold_by(const TimeWaitPolicy& policy, std::uint32_t capacity = 8) {
    policy_ = policy;
    auto memory = flow::TimeWaitMemory::create(capacity, HugePages::never);
    ASSERT_TRUE(memory);
    held_ = std::make_unique<TimeWaits>(std::move(*memory), secret_, policy_, stats_, kStart);
  }
  static TimeWaitPolicy policy(Duration hold = 2_s) {
    TimeWaitPolicy p;
    p.hold = hold;
    p.capacity = 8;
    return p;
  }
  /// A connection that has exchanged both FINs; its numbers are 1000 (ours) and 5000 (the peer's).
  static tcp::Connection closed(bool timestamps = false) {
    tcp::Connection c;
    c.state = tcp::State::time_wait;
    c.snd_nxt = c.snd_una = c.snd_max = Seq{1'000};
    c.rcv_nxt = Seq{5'000};
    c.rcv_wnd = 65'535;
    c.ts_recent = 700;
    c.rto_us = 200'000;
    if (timestamps) c.set(tcp::conn_flag::timestamps);
    return c;
  }
  bool enter(std::uint32_t n, bool timestamps = false) {
    return held_->enter(key(n), secret_.hash(key(n)), closed(timestamps), now_);
  }
  std::uint32_t find(std::uint32_t n) const { return held_->find(key(n), secret_.hash(key(n))); }
  TimeWaits::Answer on(std::uint32_t n, const Segment& s) {
    return held_->on_segment(find(n), secret_.hash(key(n)), s, listening_, now_);
  }
  void after(Duration span) {
    for (const Instant end = now_ + span; now_ < end;) {
      now_ = std::min(end, now_ + 10_ms);
      held_->poll(now_);
    }
  }
  static Segment segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack = 1'000) {
    Segment s{};
    s.flags = flags;
    s.seq = Seq{seq};
    s.ack = Seq{ack};
    return s;
  }
  static Segment syn(std::uint32_t seq) { return segment(wire::tcp_flag::syn, seq, 0); }
  static Segment fin_again() { return segment(wire::tcp_flag::fin | wire::tcp_flag::ack, 4'999); }

  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  flow::ShardStats stats_;
  TimeWaitPolicy policy_;
  std::unique_ptr<TimeWaits> held_;
  bool listening_ = true;
  Instant now_ = kStart;
};

}  // namespace mayfly::testing
