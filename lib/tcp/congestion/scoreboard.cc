#include "tcp/congestion/scoreboard.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/branches.h"
#include "tcp/congestion/rack.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/seq_ranges.h"

namespace mayfly::tcp {
namespace {

Seq earlier_of(Seq a, Seq b) noexcept { return before(a, b) ? a : b; }

/// What an acknowledgement is measured against.
struct Before {
  Seq highest;                ///< of what had arrived (RFC 8985 5.2, RACK.fack)
  std::uint32_t echo_age_ms;  ///< how long ago the echoed timestamp was sent
  bool has_echo;
};

/// May the ACK of what was sent again be that of the original? (RFC 8985 6.2, step 2)
bool is_ambiguous(const Connection& c, const Before& was, std::uint32_t age_us) noexcept {
  return (was.has_echo && was.echo_age_ms > age_us / 1'000 + 1) || age_us < c.rack.min_rtt_us;
}

/// [left, right) has arrived for the first time.
void deliver(Connection& c, Seq left, Seq right, const Before& was, Instant now,
             Delivery& d) noexcept {
  MAYFLY_ASSERT(before(left, right));
  d.octets += size_of({left, right});
  for (const SentRun& run : sent_runs(c)) {
    if (!before(left, right)) break;
    if (at_or_before(run.end, left)) continue;
    const Seq end = earlier_of(run.end, right);
    left = end;
    const std::uint32_t age_us = run_clock(now) - run.first;
    if (!run.has(SentRun::kAgain)) {
      d.reordered |= at_or_before(end, was.highest) && !run.has(SentRun::kLost);
      d.original_after_timeout |= run.has(SentRun::kLost);
    } else if (is_ambiguous(c, was, age_us)) {
      mark(Branch::rack_ambiguous);
      continue;
    }
    if (c.loss == nullptr) continue;
    note_delivered(c.loss->rack, run.first | (run.last & SentRun::kAgain), end,
                   std::max(age_us, 1u));
  }
}

/// Delivers what of [left, right) was not SACKed before.
void deliver_news(Connection& c, Seq left, Seq right, const Before& was, Instant now,
                  Delivery& d) noexcept {
  for (const wire::SackBlock r : sacked_ranges(c)) {
    if (!before(left, right)) break;
    if (before(left, r.left)) deliver(c, left, earlier_of(r.left, right), was, now, d);
    left = later_of(left, r.right);
  }
  if (before(left, right)) deliver(c, left, right, was, now, d);
}

/// A gap that `hidden` counts was filled, as far as can be known.
void reveal(LossRecord& loss, std::uint32_t octets, Delivery& d) noexcept {
  const std::uint32_t filled = std::min(loss.hidden, octets);
  loss.hidden -= filled;
  d.octets += filled;
}

void add_range(Connection& c, wire::SackBlock block) noexcept {
  LossRecord& loss = *c.loss;
  wire::SackBlock whole;
  if (insert_range(loss.sacked, block, whole)) return;
  mark(Branch::sack_gap_hidden);
  loss.hidden += close_narrowest_gap(loss.sacked);
  const std::uint32_t was = sacked_octets(c);
  const bool inserted = insert_range(loss.sacked, block, whole);
  MAYFLY_ASSERT(inserted);
  // The block may lie in the gap that was just closed.
  const std::uint32_t in_gap = size_of(block) - (sacked_octets(c) - was);
  loss.hidden -= std::min(loss.hidden, in_gap);
}

/// RFC 2883 4: the first block, if it lies below SEG.ACK or inside the second one.
bool is_duplicate_report(const Connection& c, const Segment& s,
                         std::span<const wire::SackBlock> sacks) noexcept {
  const wire::SackBlock first = sacks[0];
  if (!before(first.left, first.right)) return false;
  if (at_or_before(first.right, s.ack)) return true;
  return sacks.size() > 1 && at_or_before(sacks[1].right, c.snd_max) &&
         at_or_after(first.left, sacks[1].left) && at_or_before(first.right, sacks[1].right);
}

/// RFC 2883 5: what is believed of a D-SACK: that it is about what was sent not long ago.
void take_duplicate_report(const Connection& c, wire::SackBlock block, Delivery& d) noexcept {
  const bool believable = at_or_before(block.right, c.snd_max) &&
                          size_of(block) <= std::max(c.max_snd_wnd, smss(c)) &&
                          at_or_after(block.left, c.snd_una - std::max(c.max_snd_wnd, 1u << 16));
  if (!believable) return mark(Branch::sack_unbelievable);
  mark(Branch::dsack_heard);
  d.duplicate = size_of(block);
  d.tail_duplicate = c.rack.tail_outstanding && block.right == c.rack.tail_end;
}

/// Takes a block that lies above the acknowledgement, if only in part.
void take_block(Connection& c, wire::SackBlock block, bool newest, const Before& was, Instant now,
                Delivery& d) noexcept {
  if (!before(block.left, block.right) || after(block.right, c.snd_max))
    return mark(Branch::sack_unbelievable);
  const std::uint32_t octets_before = d.octets;
  deliver_news(c, block.left, block.right, was, now, d);
  if (d.octets != octets_before) {
    d.sack_news = true;
    return add_range(c, block);
  }
  // RFC 2018 4: the first block contains what has just arrived.
  if (newest && c.loss->hidden > 0) {
    reveal(*c.loss, smss(c), d);
    d.sack_news = true;
  }
}

/// Takes the blocks above `ack`. `newest`: the first of them tells of what has just arrived.
void take_blocks(Connection& c, Seq ack, bool newest, std::span<const wire::SackBlock> blocks,
                 const Before& was, Instant now, Delivery& d) noexcept {
  for (const wire::SackBlock& block : blocks) {
    if (at_or_before(block.right, ack)) continue;  // old
    const bool first = newest && &block == blocks.data();
    take_block(c, {later_of(block.left, ack), block.right}, first, was, now, d);
  }
}

/// Was something SACKed at `una`, to which the peer's acknowledgements have come? It would have
/// acknowledged that.
bool is_range_at(const RangeSet<kSackedMax>& sacked, Seq una) noexcept {
  return sacked.count > 0 && sacked.range[0].left == una;
}

/// RFC 2018 8: a peer that has thrown away what it SACKed may have thrown away all of it. What it
/// still has, it says again.
void forget_reneged(Connection& c, Seq una) noexcept {
  if (c.loss->hidden > 0 || !is_range_at(c.loss->sacked, una)) return;
  mark(Branch::sack_reneged);
  c.loss->sacked.count = 0;
}

/// Finds what was hidden at the new SND.UNA and below it.
void find_hidden(Connection& c, Seq una, Delivery& d) noexcept {
  LossRecord& loss = *c.loss;
  if (is_range_at(loss.sacked, una)) {
    mark(Branch::sack_gap_found);
    wire::SackBlock& first = loss.sacked.range[0];
    const std::uint32_t gap = std::min(smss(c), size_of(first));
    loss.hidden -= std::min(loss.hidden, gap);
    first.left += gap;
    if (first.left == first.right) trim_before(loss.sacked, first.right);
  }
  const std::uint32_t known = sacked_octets(c);
  if (loss.hidden > known) reveal(loss, loss.hidden - known, d);
}

}  // namespace

std::uint32_t sacked_octets(const Connection& c) noexcept {
  std::uint32_t octets = 0;
  for (const wire::SackBlock r : sacked_ranges(c)) octets += size_of(r);
  return octets;
}

Delivery take_delivery(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
                       Instant now) noexcept {
  MAYFLY_ASSERT(at_or_after(s.ack, c.snd_una) && at_or_before(s.ack, c.snd_max));
  Delivery d;
  if (sacks.empty() && is_undisturbed(c)) [[likely]] {
    d.octets = static_cast<std::uint32_t>(s.ack - c.snd_una);
    forget_sent(c, s.ack);
    return d;
  }
  // What was delivered before the scoreboard was empty tells nothing of what was sent since.
  const std::span<const wire::SackBlock> sacked = sacked_ranges(c);
  if (c.loss != nullptr && sacked.empty() && !c.has(kRepairs)) c.loss->rack.rtt_us = 0;
  Before was{};
  was.highest = sacked.empty() ? c.snd_una : sacked.back().right;
  was.has_echo = c.has(conn_flag::timestamps) && s.carries(wire::tcp_option::timestamps);
  if (was.has_echo) was.echo_age_ms = now.ts_ms() + c.ts_offset - s.ts.echo;
  if (after(s.ack, c.snd_una)) deliver_news(c, c.snd_una, s.ack, was, now, d);
  if (c.loss != nullptr) {
    trim_before(c.loss->sacked, s.ack);
    forget_reneged(c, s.ack);
  }
  if (!sacks.empty() && is_duplicate_report(c, s, sacks)) {
    take_duplicate_report(c, sacks[0], d);
    sacks = sacks.subspan(1);
  }
  if (c.loss != nullptr) {
    take_blocks(c, s.ack, d.duplicate == 0, sacks, was, now, d);
    find_hidden(c, s.ack, d);
  }
  forget_sent(c, s.ack);
  return d;
}

}  // namespace mayfly::tcp
