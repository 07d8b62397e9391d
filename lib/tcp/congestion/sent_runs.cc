#include "tcp/congestion/sent_runs.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

/// Runs under construction: a retransmission in the middle of one adds two.
struct Draft {
  std::array<SentRun, kSentRunsMax + 2> run;
  std::uint8_t count = 0;

  void add(SentRun added) noexcept {
    if (count > 0 && run[count - 1].first == added.first && run[count - 1].last == added.last) {
      run[count - 1].end = added.end;
      return;
    }
    MAYFLY_ASSERT(count < run.size());
    run[count++] = added;
  }
};

bool is_sacked(const Connection& c, Seq begin, Seq end) noexcept {
  const std::span sacked = sacked_ranges(c);
  return std::any_of(sacked.begin(), sacked.end(), [&](wire::SackBlock r) {
    return at_or_after(begin, r.left) && at_or_before(end, r.right);
  });
}

/// What two neighbours have in common: the interval of both times. A segment of which it is not
/// known whether it was sent again counts as sent again, but not as lost.
SentRun merged(const SentRun& a, const SentRun& b) noexcept {
  const std::uint32_t again = (a.last | b.last) & SentRun::kAgain;
  const std::uint32_t lost = a.last & b.last & SentRun::kLost;
  const std::uint32_t last = is_earlier(a.last_us(), b.last_us()) ? b.last_us() : a.last_us();
  return {b.end, is_earlier(a.first, b.first) ? a.first : b.first, last | again | lost};
}

/// What is forgotten if two neighbours become one run: how far apart their times are, before that
/// what was sent again, and before all else what is lost. Were that forgotten, it would take one
/// more time-out for each segment.
std::uint64_t cost_of_merging(const SentRun& a, const SentRun& b) noexcept {
  const std::uint32_t apart =
      is_earlier(a.first, b.last_us()) ? b.last_us() - a.first : a.last_us() - b.first;
  const std::uint64_t unlike = (a.last ^ b.last) & SentRun::kFlags;
  static_assert(SentRun::kLost > SentRun::kAgain);
  return unlike << 32 | apart;
}

/// Makes one run of the two neighbours that lose least by it. Times of what was SACKed are no loss.
void merge_two(const Connection& c, Draft& draft) noexcept {
  const auto begin_of = [&](std::uint8_t i) { return i == 0 ? c.snd_una : draft.run[i - 1].end; };
  const auto over = [&](std::uint8_t i) { return is_sacked(c, begin_of(i), draft.run[i].end); };
  std::uint8_t best = 0;
  std::uint64_t best_cost = ~std::uint64_t{0};
  for (std::uint8_t i = 0; i + 1 < draft.count; ++i) {
    const SentRun &a = draft.run[i], &b = draft.run[i + 1];
    const std::uint64_t cost = over(i) || over(i + 1) ? 0 : cost_of_merging(a, b);
    if (cost >= best_cost) continue;
    best = i;
    best_cost = cost;
  }
  SentRun& a = draft.run[best];
  const SentRun b = draft.run[best + 1];
  if (over(best)) {
    a = b;
  } else if (over(best + 1)) {
    a.end = b.end;
  } else {
    a = merged(a, b);
  }
  std::move(draft.run.begin() + best + 2, draft.run.begin() + draft.count,
            draft.run.begin() + best + 1);
  --draft.count;
}

void store(Connection& c, Draft& draft) noexcept {
  while (draft.count > sent_runs_max(c)) merge_two(c, draft);
  std::copy_n(draft.run.begin(), draft.count, first_run(c));
  c.sent_count = draft.count;
}

/// May the last run, sent just before, take what is sent at `t` too? In a recovery each burst has a
/// time of its own, since it tells whether what was sent again before it is lost again.
bool takes(const Connection& c, const SentRun& last, std::uint32_t t) noexcept {
  if ((last.last & SentRun::kFlags) != 0) return false;
  if (last.last_us() == t) return true;
  return !c.has(kRepairs) && !c.rack.tail_outstanding && t - last.first <= c.srtt_us / 8;
}

void note_new(Connection& c, Seq to, std::uint32_t t) noexcept {
  SentRun* const runs = first_run(c);
  if (c.sent_count > 0) {
    SentRun& last = runs[c.sent_count - 1];
    if (takes(c, last, t)) {
      last.end = to;
      last.last = t;
      return;
    }
  }
  if (c.sent_count < sent_runs_max(c)) [[likely]] {
    runs[c.sent_count++] = {to, t, t};
    return;
  }
  Draft draft;
  std::copy_n(runs, c.sent_count, draft.run.begin());
  draft.count = c.sent_count;
  draft.add({to, t, t});
  store(c, draft);
}

void note_again(Connection& c, Seq from, Seq to, std::uint32_t t) noexcept {
  Draft draft;
  const std::span<const SentRun> sent = sent_runs(c);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (!before(i == 0 ? c.snd_una : sent[i - 1].end, from)) break;
    SentRun head = sent[i];
    if (after(head.end, from)) head.end = from;
    draft.add(head);
  }
  draft.add({to, t, t | SentRun::kAgain});
  for (const SentRun& run : sent)
    if (after(run.end, to)) draft.add(run);
  store(c, draft);
}

}  // namespace

void note_sent(Connection& c, Seq from, Seq to, Instant now) noexcept {
  MAYFLY_ASSERT(before(from, to) && at_or_before(from, c.snd_max));
  if (from == c.snd_max) [[likely]]
    return note_new(c, to, run_clock(now));
  note_again(c, from, to, run_clock(now));
}

void forget_sent(Connection& c, Seq una) noexcept {
  MAYFLY_ASSERT(c.sent_count <= sent_runs_max(c));
  SentRun* const runs = first_run(c);
  std::uint8_t gone = 0;
  while (gone < c.sent_count && at_or_before(runs[gone].end, una)) ++gone;
  if (gone == 0) return;
  std::move(runs + gone, runs + c.sent_count, runs);
  c.sent_count = static_cast<std::uint8_t>(c.sent_count - gone);
}

void declare_lost(Connection& c) noexcept {
  for (SentRun& run : sent_runs(c)) run.last |= SentRun::kLost;
}

void limit_ages(Connection& c, Instant now) noexcept {
  const std::uint32_t clock = run_clock(now);
  const auto limit = [clock](std::uint32_t& at) {
    const std::uint32_t flags = at & SentRun::kFlags;
    if (clock - (at & ~SentRun::kFlags) > kOldestUs) at = (clock - kOldestUs) | flags;
  };
  for (SentRun& run : sent_runs(c)) {
    limit(run.first);
    limit(run.last);
  }
  if (c.loss == nullptr) return;
  limit(c.loss->rack.xmit_ts);
  limit(c.loss->rack.checked_at);
}

void declare_in_flight(Connection& c) noexcept {
  for (SentRun& run : sent_runs(c)) run.last &= ~SentRun::kLost;
}

}  // namespace mayfly::tcp
