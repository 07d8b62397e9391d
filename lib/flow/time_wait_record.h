// What is kept of a connection in TIME_WAIT: its four-tuple, when its hold began and what the
// protocol has to remember. Half a cache line.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "tcp/time_wait.h"
#include "wire/flow_key.h"

namespace mayfly::flow {

struct TimeWaitRecord {
  /// As in FlowKey4: of IPv6 the fingerprint (FlowSecret::name).
  std::uint32_t local_ip, remote_ip;
  std::uint16_t local_port, remote_port;
  /// When the present hold began, or the trial of a new incarnation: ms of the clock, rounded up,
  /// modulo 2^kTimeBits, which no hold lasts.
  std::uint32_t since_ms : 20;
  /// When a SYN was answered after that: the high bits, the low ones are entry.note.
  std::uint32_t answered_high : 6;
  std::uint32_t is_ipv6 : 1;
  /// The class of its hold, below kClasses, or one of the two below.
  std::uint32_t kind : 5;
  tcp::TimeWaitEntry entry;

  static constexpr std::uint32_t kTimeBits = 20, kTimeMask = (1U << kTimeBits) - 1;
  /// What begins within the present millisecond is noted as the next one; with a process before it,
  /// whose clock was another, as the one after that.
  static constexpr std::uint32_t kAheadMs = 2;
  static constexpr std::uint32_t kClasses = 30, kOnTrial = 30, kDead = 31, kKindMask = 31;
  /// A SYN's answer is noted to this precision, rounded down, for the longest hold there is.
  static constexpr std::int64_t kAnswerTickMs = 40, kAnswerTicks = 1 << 14;

  FlowKey4 key() const noexcept { return {local_ip, remote_ip, local_port, remote_port, is_ipv6}; }
  /// True if it is the entry of this four-tuple, or of the IPv6 one with this name.
  bool is_for(const FlowKey4& k) const noexcept {
    return remote_ip == k.remote_ip && remote_port == k.remote_port && local_port == k.local_port &&
           local_ip == k.local_ip && is_ipv6 == k.zero;
  }
  /// since_ms of a hold that begins now, in its low bits.
  static std::uint32_t time_of(Instant now) noexcept {
    return static_cast<std::uint32_t>((now.us + 999) / 1'000);
  }
  /// The present hold, or the trial, begins.
  void begin(Instant now) noexcept { since_ms = time_of(now) & kTimeMask; }
  /// How long ago that was, in whole milliseconds: never more than in truth, and below 17 minutes.
  Duration age(Instant now) const noexcept {
    const std::uint32_t ms = (now.ts_ms() - since_ms) & kTimeMask;
    return Duration::from_ms(ms > kTimeMask - kAheadMs ? 0 : ms);
  }
  /// A SYN is answered with an ACK now.
  void note_syn_answer(Instant now) noexcept {
    const std::int64_t ticks = std::min(age(now).ms() / kAnswerTickMs, kAnswerTicks - 1);
    entry.note = static_cast<std::uint8_t>(ticks);
    answered_high = static_cast<std::uint32_t>(ticks >> 8) & 0x3f;
    entry.flags |= tcp::TimeWaitEntry::kSynAnswered;
  }
  void forget_syn_answer() noexcept {
    entry.flags &= static_cast<std::uint8_t>(~tcp::TimeWaitEntry::kSynAnswered);
  }
  /// How long ago that was, up to 40 ms more than in truth; max() if no SYN was answered.
  Duration since_syn_answer(Instant now) const noexcept {
    const std::int64_t ticks = std::int64_t{answered_high} << 8 | entry.note;
    return entry.has_answered_syn() ? age(now) - Duration::from_ms(ticks * kAnswerTickMs)
                                    : Duration::max();
  }
};
static_assert(sizeof(TimeWaitRecord) == 32);

}  // namespace mayfly::flow
