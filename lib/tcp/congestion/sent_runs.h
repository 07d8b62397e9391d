// When what is outstanding was sent last, in a few runs (doc/decisions/0010-send-times.md): short
// answers are one run, a bulk transfer has about eight slices of a round trip. Where they do not
// suffice, neighbours become one run whose times are an interval; those who ask take the end of it
// that makes a loss come later, never earlier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "tcp/connection.h"

namespace mayfly::tcp {

/// `t` as a SentRun counts it.
constexpr std::uint32_t run_clock(Instant t) noexcept {
  return static_cast<std::uint32_t>(t.us) & ~SentRun::kFlags;
}
/// Half of what two times may be apart.
constexpr std::uint32_t kOldestUs = 1U << 30;
/// Is `a` an earlier time than `b`? They are less than 35 minutes apart.
constexpr bool is_earlier(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) < 0;
}

/// The runs, in order. Their number is c.sent_count.
inline SentRun* first_run(Connection& c) noexcept {
  return c.loss == nullptr ? c.sent_few.data() : c.loss->sent.data();
}
inline std::span<SentRun> sent_runs(Connection& c) noexcept { return {first_run(c), c.sent_count}; }
inline std::span<const SentRun> sent_runs(const Connection& c) noexcept {
  return {c.loss == nullptr ? c.sent_few.data() : c.loss->sent.data(), c.sent_count};
}
/// The most of them that there is room for.
inline std::size_t sent_runs_max(const Connection& c) noexcept {
  return c.loss == nullptr ? kSentRunsFew : kSentRunsMax;
}

/// [from, to) is being sent: text or FIN, new or again. snd_max is still what it was before.
void note_sent(Connection& c, Seq from, Seq to, Instant now) noexcept;

/// Forgets everything before `una`.
void forget_sent(Connection& c, Seq una) noexcept;

/// A time-out: all that is outstanding counts as lost (RFC 8985 6.3) until it is sent again.
void declare_lost(Connection& c) noexcept;
/// Times of longer ago than kOldestUs count as that long ago from now on, so that they can be
/// compared with those to come. To be called in less time than kOldestUs, as long as something is
/// outstanding.
void limit_ages(Connection& c, Instant now) noexcept;
/// The time-out was spurious (RFC 5682): what was not sent again is in flight as before.
void declare_in_flight(Connection& c) noexcept;

}  // namespace mayfly::tcp
