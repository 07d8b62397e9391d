#include "flow/time_waits.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mayfly::flow {

namespace {

constexpr std::uint32_t kHostStamps = 16'384;  // a power of two
constexpr std::uint32_t kSynAnswers = 20'000;  // a second

}  // namespace

std::vector<MemoryItem> TimeWaitMemory::plan(std::uint32_t capacity) {
  const std::size_t bytes = TimeWaitTable::bytes_needed(capacity);
  return {{"TIME_WAIT entries", capacity, bytes / std::max(capacity, 1u), bytes},
          memory_item("timestamps of hosts", kHostStamps, sizeof(HostStamp))};
}

Result<TimeWaitMemory> TimeWaitMemory::create(std::uint32_t capacity, HugePages pages,
                                              Instant start) {
  auto table = TimeWaitTable::create(capacity, pages, start);
  if (!table) return table.error();
  auto stamps = Region::map(kHostStamps * sizeof(HostStamp), pages);
  if (!stamps) return Error{"no memory for the timestamps of hosts: " + stamps.error().what};
  return TimeWaitMemory{std::move(*table), std::move(*stamps)};
}

TimeWaits::TimeWaits(TimeWaitMemory memory, const FlowSecret& secret, const TimeWaitPolicy& policy,
                     ShardStats& stats, Instant now)
    : policy_(&policy),
      table_(std::move(memory.table)),
      secret_(secret),
      stats_(stats),
      syn_answer_limit_(kSynAnswers, secret.bits()),
      balances_(policy.balance),
      stamps_memory_(std::move(memory.stamps)),
      host_stamps_(stamps_memory_.as<HostStamp>().first(kHostStamps)) {
  set_hold(policy.hold);
  balance_.begin(policy, now);
}

void TimeWaits::follow(const TimeWaitPolicy& policy, Instant now) noexcept {
  policy_ = &policy;
  if (policy.balance && !balances_) {
    balance_.begin(policy, now);
    balanced_opened_ = stats_.time_wait_opened.get();
  }
  balances_ = policy.balance;
  set_hold(policy.balance ? std::min(balance_.hold(), policy.hold) : policy.hold);
  swept_hold_ = hold_;
  shorten_next_ = 0;  // the prefixes may have changed too: all entries are checked once
}

std::uint32_t TimeWaits::limit() const noexcept {
  return std::min(policy_->capacity, table_.capacity());
}

void TimeWaits::set_hold(Duration hold) noexcept {
  hold_ = hold;
  stats_.time_wait_hold_us.set(static_cast<std::uint64_t>(hold.us));
}

// RFC 9293 3.6.1, MUST-13: 2MSL; by nearness, NetBSD's choice of MSL.
Duration TimeWaits::hold_for(const FlowKey4& key) const noexcept {
  for (const NearPrefix& near : policy_->nearness)
    if (near.covers(key.remote())) return std::min(near.hold, hold_);
  return hold_;
}

Duration TimeWaits::hold_for(const tcp::Connection& c, const FlowKey4& key, Instant now) noexcept {
  if (!policy_->recycle || !c.has(tcp::conn_flag::timestamps) || c.has(tcp::conn_flag::paws_off))
    return hold_for(key);
  // Linux's tcp_tw_recycle: 3.5 x RTO, and one timestamp stands for all ports of the host.
  host_stamps_.remember(key, c.ts_recent, now);
  return std::min(Duration{std::int64_t{c.rto_us} * 7 / 2}, hold_for(key));
}

bool TimeWaits::enter(const FlowKey4& key, std::uint32_t hash, const tcp::Connection& c,
                      Instant now) noexcept {
  const Duration hold = hold_for(c, key, now);
  std::uint32_t index = kNoIndex;
  if (hold.us > 0 && make_room(now)) index = table_.insert(key, hash, make_time_wait_entry(c));
  if (index == kNoIndex) {
    stats_.time_wait_skipped.add();
    return false;
  }
  table_.hold(index, hold, now);
  stats_.time_wait_opened.add();
  count_entries();
  stats_.time_wait_peak.raise_to(held());
  return true;
}

// Evicts the oldest entry if the table is full and the policy allows it. False: no room.
bool TimeWaits::make_room(Instant now) noexcept {
  if (table_.used() < limit()) return true;
  if (policy_->on_full != TimeWaitPolicy::OnFull::evict_oldest) return false;
  const std::uint32_t oldest = table_.earliest();
  if (oldest == kNoIndex) return false;
  if (!table_[oldest].entry.has_ended()) stats_.evicted_at(table_[oldest].age(now));
  erase(oldest, secret_.hash(table_[oldest].key()));
  MAYFLY_ASSERT(table_.used() < table_.capacity());
  return true;
}

bool TimeWaits::would_overfill(std::uint32_t open) const noexcept {
  return policy_->on_full == TimeWaitPolicy::OnFull::refuse && hold_.us > 0 &&
         table_.used() + open >= limit();
}

bool TimeWaits::is_recycled_away(const FlowKey4& key, const Segment& syn,
                                 Instant now) const noexcept {
  if (!policy_->recycle) return false;
  std::optional<std::uint32_t> stamp;  // without one it counts as old, in Linux since 3.16
  if (syn.carries(wire::tcp_option::timestamps)) stamp = syn.ts.val;
  return host_stamps_.is_old(key, stamp, now);
}

TimeWaits::Answer TimeWaits::on_segment(std::uint32_t index, const FlowKey4& key, const Segment& s,
                                        bool is_listening, Instant now) noexcept {
  const TimeWaitRecord& record = table_[index];
  MAYFLY_ASSERT(record.is_for(key));
  if (s.has(wire::tcp_flag::syn) && s.has(wire::tcp_flag::fin))
    return {.drop = Drop::tcp_flags_invalid};
  if (record.entry.has_ended()) return on_what_has_ended(s, is_listening);
  const tcp::TimeWaitVerdict v =
      on_time_wait_segment(record.entry, s, policy_->rules, record.since_syn_answer(now));
  if (v.refuses_syn) return refuse(index, v, is_listening, now);
  switch (v.action) {
    case tcp::TimeWaitAction::drop: return {.drop = v.drop};
    case tcp::TimeWaitAction::kill: end_by_reset(index, key); return {.drop = v.drop};
    case tcp::TimeWaitAction::restart_and_ack:
      stats_.time_wait_fin_again.add();
      table_.hold(index, hold_for(key), now);
      return {.drop = v.drop, .acknowledges = true};
    case tcp::TimeWaitAction::ack:
      // RFC 1337 H2: two ends that disagree must not answer each other endlessly.
      return {.drop = v.drop, .acknowledges = old_ack_limit_.allow(now)};
    case tcp::TimeWaitAction::reopen:
      if (!is_listening) return refuse(index, refuse_syn(policy_->rules), false, now);
      return {.drop = v.drop, .reopens = true, .by_timestamp = v.by_timestamp};
  }
  return {};
}

// The peer's RST counts only if it can be a newcomer's, who comes again to somebody that listens.
TimeWaits::Answer TimeWaits::refuse(std::uint32_t index, const tcp::TimeWaitVerdict& v,
                                    bool is_listening, Instant now) noexcept {
  if (v.action != tcp::TimeWaitAction::ack) return {.drop = v.drop};
  if (!syn_answer_limit_.allow(now)) {
    stats_.challenges_limited.add();
    return {.drop = v.drop};
  }
  stats_.time_wait_syn_answered.add();
  if (is_listening) table_[index].note_syn_answer(now);
  return {.drop = v.drop, .acknowledges = true};
}

// The next SYN opens a new incarnation, whatever it carries; the numbers that are left keep old
// segments out of it. If it turns out to be an old duplicate, the entry is restored as any other.
TimeWaits::Answer TimeWaits::on_what_has_ended(const Segment& s, bool is_listening) const noexcept {
  const bool opens = is_listening && s.has(wire::tcp_flag::syn) && !s.has(wire::tcp_flag::ack) &&
                     !s.has(wire::tcp_flag::rst);
  return {.reopens = opens, .has_ended = !opens};
}

// OnRst::accept is what other stacks do: nothing is left.
void TimeWaits::end_by_reset(std::uint32_t index, const FlowKey4& key) noexcept {
  stats_.time_wait_killed.add();
  if (policy_->rules.rst != tcp::TimeWaitRules::OnRst::challenged)
    return erase(index, secret_.hash(key));
  stats_.time_wait_killed_after_syn.add();
  table_[index].entry.flags |= tcp::TimeWaitEntry::kEnded;
  ++ended_;
  count_entries();
}

Emission TimeWaits::acknowledgement(std::uint32_t index, const FlowKey4& key,
                                    Instant now) const noexcept {
  return time_wait_ack(table_[index].entry, secret_.timestamp_offset(key), now);
}

Seq TimeWaits::iss_after(std::uint32_t index, Seq generated) const noexcept {
  return tcp::iss_after(table_[index].entry, generated);
}

void TimeWaits::begin_trial(std::uint32_t index, bool by_timestamp) noexcept {
  MAYFLY_ASSERT(table_.is_held(index));
  table_.suspend(index);
  table_[index].forget_syn_answer();
  if (table_[index].entry.has_ended()) return;  // it does not end once more
  (by_timestamp ? stats_.time_wait_reopened_timestamp : stats_.time_wait_reopened_sequence).add();
}

void TimeWaits::note_rival(std::uint32_t index, Instant now) noexcept {
  MAYFLY_ASSERT(!table_.is_held(index));
  table_[index].note_syn_answer(now);
}

void TimeWaits::forget(std::uint32_t index, std::uint32_t hash) noexcept {
  MAYFLY_ASSERT(!table_.is_held(index));
  erase(index, hash);
}

void TimeWaits::restore(std::uint32_t index, std::uint32_t hash, bool by_reset,
                        Instant now) noexcept {
  MAYFLY_ASSERT(!table_.is_held(index));
  const FlowKey4 key = table_[index].key();
  const bool by_newcomer = by_reset &&
                           table_[index].since_syn_answer(now) <= tcp::kSynAnswerCounts &&
                           policy_->rules.rst != tcp::TimeWaitRules::OnRst::ignore;
  const Duration hold = hold_for(key);
  if (hold.us == 0) return erase(index, hash);  // the policy has changed meanwhile
  if (table_[index].entry.has_ended()) --ended_;
  table_.hold(index, hold, now);
  stats_.time_wait_restored.add();
  count_entries();
  if (by_newcomer) end_by_reset(index, key);
}

bool TimeWaits::may_reuse(std::uint32_t index, const FlowKey4& key, bool timestamps,
                          Instant now) const noexcept {
  const TimeWaitRecord& old = table_[index];
  if (old.entry.has_ended()) return true;
  if (policy_->reuse == 0 || !old.entry.had_timestamps() || !timestamps) return false;
  if (old.entry.timestamps_vanished())
    return false;  // the peer could not tell old from new by PAWS
  if (policy_->reuse == 2 && (key.local().host >> 24 != 127 || key.remote().host >> 24 != 127))
    return false;
  return old.age(now) >= policy_->reuse_delay;
}

void TimeWaits::end_for_reuse(std::uint32_t index, std::uint32_t hash) noexcept {
  if (!table_[index].entry.has_ended()) stats_.time_wait_reused.add();
  erase(index, hash);
}

void TimeWaits::erase(std::uint32_t index, std::uint32_t hash) noexcept {
  if (table_[index].entry.has_ended()) --ended_;
  table_.erase(index, hash);
  count_entries();
}

std::size_t TimeWaits::poll(Instant now) noexcept {
  const std::size_t work = expire(now) + shorten(now);
  if (policy_->balance) balance(now);
  return work;
}

// At most kExpiryBudget at once, so that a million due in one tick do not delay a burst.
std::size_t TimeWaits::expire(Instant now) noexcept {
  std::array<std::uint32_t, kExpiryBudget> due;
  std::size_t count = 0;
  const std::size_t work = table_.advance(now, due, count);
  for (std::size_t i = 0; i < count; i += kBurstMax)
    expire_batch(std::span(due).subspan(i, std::min(kBurstMax, count - i)));
  return work;
}

// The buckets are no longer in the cache: they are prefetched for a whole batch.
void TimeWaits::expire_batch(std::span<const std::uint32_t> indices) noexcept {
  std::array<std::uint32_t, kBurstMax> hashes;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    hashes[i] = secret_.hash(table_[indices[i]].key());
    table_.prefetch_bucket(hashes[i]);
  }
  for (std::size_t i = 0; i < indices.size(); ++i) table_.prefetch_record(hashes[i]);
  std::uint32_t ended = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    ended += table_[indices[i]].entry.has_ended() ? 1 : 0;
    table_.erase(indices[i], hashes[i]);
  }
  ended_ -= ended;
  stats_.time_wait_expired.add(indices.size() - ended);
  count_entries();
}

// After the hold became shorter: every entry is checked once, some at each poll.
std::size_t TimeWaits::shorten(Instant now) noexcept {
  if (shorten_next_ == kNoIndex) return 0;
  const std::uint32_t all = table_.fresh();
  const std::uint32_t end = std::min(shorten_next_ + kShortenBudget, all);
  for (; shorten_next_ < end; ++shorten_next_) {
    if (!table_.is_held(shorten_next_)) continue;
    const TimeWaitRecord& record = table_[shorten_next_];
    const Duration left = hold_for(record.key()) - record.age(now);
    if (table_.end_by(shorten_next_, now + left) && !record.entry.has_ended())
      stats_.time_wait_shortened.add();
  }
  if (shorten_next_ == all) shorten_next_ = kNoIndex;
  return 1;
}

void TimeWaits::balance(Instant now) noexcept {
  if (!balance_.is_due(now)) return;
  const std::uint64_t opened = stats_.time_wait_opened.get();
  balance_.step(*policy_, opened - std::exchange(balanced_opened_, opened), limit(), now);
  set_hold(balance_.hold());
  if (hold_ > swept_hold_) swept_hold_ = hold_;
  // Entries are shortened only when the hold has shrunk by enough for a walk over all of them.
  if (hold_.us * 16 > swept_hold_.us * 15 || shorten_next_ != kNoIndex) return;
  swept_hold_ = hold_;
  shorten_next_ = 0;
}

}  // namespace mayfly::flow
