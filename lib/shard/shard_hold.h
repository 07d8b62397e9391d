// How long TIME_WAIT is held, and its end: expiry, changes of the policy while entries are held,
// and the balance of rate and capacity. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

// Another snapshot took over. Entries keep their deadline unless their new hold is shorter.
template <Port P, class A>
void Shard<P, A>::follow_policy(const ShardSettings& before) noexcept {
  const TimeWaitPolicy& policy = cfg_->time_wait;
  if (policy.balance && !before.time_wait.balance) {
    balance_.begin(policy, now_);
    balanced_opened_ = stats_.time_wait_opened.get();
  }
  set_hold(policy.balance ? std::min(balance_.hold(), policy.hold) : policy.hold);
  swept_hold_ = hold_;
  shorten_next_ = 0;  // prefixes may have changed too: all are held against the new policy once
}

template <Port P, class A>
void Shard<P, A>::set_hold(Duration hold) noexcept {
  hold_ = hold;
  stats_.time_wait_hold_us.set(static_cast<std::uint64_t>(hold.us));
}

// RFC 9293 3.6.1, MUST-13: 2MSL; by nearness, NetBSD's choice of MSL.
template <Port P, class A>
Duration Shard<P, A>::hold_for(const FlowKey4& key) const noexcept {
  for (const NearPrefix& near : cfg_->time_wait.nearness)
    if (near.covers(key.remote())) return std::min(near.hold, hold_);
  return hold_;
}

template <Port P, class A>
Duration Shard<P, A>::hold_for(const ConnectionBlock& b, const FlowKey4& key) noexcept {
  if (!cfg_->time_wait.recycle || !b.tcp.has(conn_flag::timestamps)) return hold_for(key);
  // Linux's tcp_tw_recycle: 3.5 x RTO, and the host's timestamp has to stand for all its ports.
  memory_.host_stamps.remember(key, b.tcp.ts_recent, now_);
  return std::min(Duration{std::int64_t{b.tcp.rto_us} * 7 / 2}, hold_for(key));
}

template <Port P, class A>
void Shard<P, A>::end_time_wait(std::uint32_t index) noexcept {
  memory_.time_waits.erase(index, memory_.table.hash(memory_.time_waits[index].key()));
  stats_.time_wait_now.set(memory_.time_waits.used());
}

// At most kExpiryBudget a poll: a million in one tick do not stall a burst.
template <Port P, class A>
std::size_t Shard<P, A>::expire_time_waits() noexcept {
  std::array<std::uint32_t, kExpiryBudget> due;
  std::size_t count = 0;
  const std::size_t work = memory_.time_waits.advance(now_, due, count);
  for (std::size_t i = 0; i < count; i += kBurstMax)
    end_time_waits(std::span(due).subspan(i, std::min(kBurstMax, count - i)));
  return work;
}

// The buckets are cold by now: they are fetched for a whole batch at once.
template <Port P, class A>
void Shard<P, A>::end_time_waits(std::span<const std::uint32_t> indices) noexcept {
  std::array<std::uint32_t, kBurstMax> hashes;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    hashes[i] = memory_.table.hash(memory_.time_waits[indices[i]].key());
    memory_.time_waits.prefetch_bucket(hashes[i]);
  }
  for (std::size_t i = 0; i < indices.size(); ++i) memory_.time_waits.prefetch_record(hashes[i]);
  for (std::size_t i = 0; i < indices.size(); ++i) memory_.time_waits.erase(indices[i], hashes[i]);
  stats_.time_wait_expired.add(indices.size());
  stats_.time_wait_now.set(memory_.time_waits.used());
}

// After the hold shrank: every entry is looked at once, some at each poll.
template <Port P, class A>
std::size_t Shard<P, A>::shorten_holds() noexcept {
  if (shorten_next_ == kNoIndex) return 0;
  const std::uint32_t all = memory_.time_waits.fresh();
  const std::uint32_t end = std::min(shorten_next_ + kShortenBudget, all);
  for (; shorten_next_ < end; ++shorten_next_) {
    if (!memory_.time_waits.is_held(shorten_next_)) continue;
    const TimeWaitRecord& record = memory_.time_waits[shorten_next_];
    const Duration left = hold_for(record.key()) - record.age(now_);
    if (memory_.time_waits.end_by(shorten_next_, now_ + left)) stats_.time_wait_shortened.add();
  }
  if (shorten_next_ == all) shorten_next_ = kNoIndex;
  return 1;
}

template <Port P, class A>
void Shard<P, A>::balance_hold() noexcept {
  if (!balance_.is_due(now_)) return;
  const std::uint64_t opened = stats_.time_wait_opened.get();
  balance_.step(cfg_->time_wait, opened - std::exchange(balanced_opened_, opened),
                time_wait_limit(), now_);
  set_hold(balance_.hold());
  if (hold_ > swept_hold_) swept_hold_ = hold_;
  // Entries follow when it is worth a walk over all of them.
  if (hold_.us * 16 > swept_hold_.us * 15 || shorten_next_ != kNoIndex) return;
  swept_hold_ = hold_;
  shorten_next_ = 0;
}

}  // namespace mayfly
