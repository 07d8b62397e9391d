// TIME_WAIT acted out: entries made, answered for, reopened, restored and ended. Deciding is in
// tcp/time_wait.h. Part of shard.h.
#pragma once

#include "stack/shard.h"

namespace mayfly {

template <Port P, class A>
void Shard<P, A>::enter_time_wait(ConnectionBlock& b) noexcept {
  send_pending(b);  // the ACK of the peer's FIN
  const std::uint32_t index = cfg_->time_wait.hold.us > 0 ? take_time_wait_entry() : kNoIndex;
  if (index == kNoIndex) {
    stats_.time_wait_skipped.add();
    return finish(b, CloseReason::done);
  }
  TimeWaitEntry& entry = memory_.time_waits[index];
  entry.timer = {};
  make_time_wait_entry(b.tcp, entry);
  memory_.table.ref(entry.slot) = {FlowRef::Kind::time_wait, index};
  hold(index);
  stats_.time_wait_opened.add();
  stats_.time_wait_now.set(memory_.time_waits.used());
  stats_.time_wait_peak.raise_to(memory_.time_waits.used());
  finish(b, CloseReason::time_wait);
}

// A free entry, made so by the policy if need be; kNoIndex: there is none to be had.
template <Port P, class A>
std::uint32_t Shard<P, A>::take_time_wait_entry() noexcept {
  const std::uint32_t limit = std::min(cfg_->time_wait.capacity, memory_.time_waits.capacity());
  if (memory_.time_waits.used() >= limit) {
    if (cfg_->time_wait.on_full != TimeWaitPolicy::OnFull::evict_oldest) return kNoIndex;
    const std::uint32_t oldest = expiry_.earliest();
    if (oldest == kNoIndex) return kNoIndex;
    stats_.time_wait_evicted.add();
    end_time_wait(oldest);
  }
  return memory_.time_waits.take();
}

// RFC 9293 3.6.1, MUST-13: 2MSL from now.
template <Port P, class A>
void Shard<P, A>::hold(std::uint32_t index) noexcept {
  TimeWaitNodes nodes{memory_.time_waits};
  expiry_.arm(nodes, index, now_ + cfg_->time_wait.hold);
}

template <Port P, class A>
void Shard<P, A>::end_time_wait(std::uint32_t index) noexcept {
  TimeWaitEntry& entry = memory_.time_waits[index];
  TimeWaitNodes nodes{memory_.time_waits};
  expiry_.disarm(nodes, index);
  memory_.table.erase(entry.slot);
  ++entry.generation;
  memory_.time_waits.give_back(index);
  stats_.time_wait_now.set(memory_.time_waits.used());
}

// The entries are cold by now: their keys, then their buckets, are fetched for a whole batch at
// once.
template <Port P, class A>
std::size_t Shard<P, A>::expire_time_waits() noexcept {
  std::array<std::uint32_t, kExpiryBudget> due;
  std::size_t count = 0;
  TimeWaitNodes nodes{memory_.time_waits};
  const std::size_t work =
      expiry_.advance(nodes, now_, kExpiryBudget, [&](std::uint32_t i) { due[count++] = i; });
  for (std::size_t i = 0; i < count; i += kBurstMax)
    end_time_waits(std::span(due).subspan(i, std::min(kBurstMax, count - i)));
  return work;
}

template <Port P, class A>
void Shard<P, A>::end_time_waits(std::span<const std::uint32_t> indices) noexcept {
  std::array<const FlowKey4*, kBurstMax> keys;
  std::array<std::uint32_t, kBurstMax> hashes;
  std::array<std::int32_t, kBurstMax> positions;
  for (const std::uint32_t index : indices)
    memory_.table.prefetch_key(memory_.time_waits[index].slot);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    keys[i] = &memory_.table.key(memory_.time_waits[indices[i]].slot);
    hashes[i] = memory_.table.hash(*keys[i]);
  }
  memory_.table.find_bulk(std::span(keys).first(indices.size()),
                          std::span(hashes).first(indices.size()),
                          std::span(positions).first(indices.size()));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    TimeWaitEntry& entry = memory_.time_waits[indices[i]];
    memory_.table.erase(entry.slot, hashes[i]);
    ++entry.generation;
    memory_.time_waits.give_back(indices[i]);
  }
  stats_.time_wait_expired.add(indices.size());
  stats_.time_wait_now.set(memory_.time_waits.used());
}

template <Port P, class A>
void Shard<P, A>::on_time_wait(std::uint32_t index, const Arrival& a) noexcept {
  const TimeWaitEntry& entry = memory_.time_waits[index];
  const TimeWaitVerdict v = on_time_wait_segment(entry, a.parsed.segment, cfg_->time_wait);
  if (v.drop != Drop::none) drop(v.drop);
  switch (v.action) {
    case TimeWaitAction::drop: return;
    case TimeWaitAction::kill: stats_.time_wait_killed.add(); return end_time_wait(index);
    case TimeWaitAction::restart_and_ack:
      stats_.time_wait_fin_again.add();
      hold(index);
      break;
    case TimeWaitAction::ack:
      // RFC 1337 H2: two ends that disagree must not answer each other without end.
      if (!old_ack_limit_.allow(now_)) return;
      break;
    case TimeWaitAction::reopen:
      if (!is_listening(a)) return drop(Drop::time_wait_syn);
      return reopen(index, a, v.by_timestamp);
  }
  const FlowKey4& key = a.parsed.key;
  send(a.link, key, time_wait_ack(entry, ts_offset_of(key), now_), nullptr);
}

// RFC 9293 MAY-2: the record is kept beside the new incarnation until its handshake has proved the
// SYN new.
template <Port P, class A>
void Shard<P, A>::reopen(std::uint32_t index, const Arrival& a, bool by_timestamp) noexcept {
  accept(a, index);
  const FlowRef now_there = memory_.table.ref(memory_.time_waits[index].slot);
  if (now_there.kind != FlowRef::Kind::connection) return;  // refused: the entry goes on
  TimeWaitNodes nodes{memory_.time_waits};
  expiry_.disarm(nodes, index);
  (by_timestamp ? stats_.time_wait_reopened_timestamp : stats_.time_wait_reopened_sequence).add();
}

// The new incarnation stands: the old record goes, the flow stays.
template <Port P, class A>
void Shard<P, A>::forget_record(ConnectionBlock& b) noexcept {
  ++memory_.time_waits[b.time_wait_record].generation;
  memory_.time_waits.give_back(b.time_wait_record);
  b.time_wait_record = kNoIndex;
  stats_.time_wait_now.set(memory_.time_waits.used());
}

// The SYN was an old duplicate: back to TIME_WAIT, held anew. False: there is nothing to restore.
template <Port P, class A>
bool Shard<P, A>::restore_record(ConnectionBlock& b) noexcept {
  if (b.time_wait_record == kNoIndex) return false;
  memory_.table.ref(b.tcp.slot) = {FlowRef::Kind::time_wait, b.time_wait_record};
  hold(b.time_wait_record);
  b.time_wait_record = kNoIndex;
  stats_.time_wait_restored.add();
  return true;
}

// Linux's tcp_tw_reuse, for our own active opens: 1 = after reuse_delay and only with timestamps,
// which let the peer tell the incarnations apart (RFC 6191 2); 2 = the same, over loopback only.
template <Port P, class A>
bool Shard<P, A>::may_reuse(const FlowKey4& key, const TimeWaitEntry& entry) const noexcept {
  if (cfg_->reuse == 0 || !entry.had_timestamps() || !cfg_->tcp.timestamps) return false;
  if (cfg_->reuse == 2 && (key.local().host >> 24 != 127 || key.remote().host >> 24 != 127))
    return false;
  const Instant opened = expiry_.deadline_of(entry.timer) - cfg_->time_wait.hold;
  return now_ - opened >= cfg_->reuse_delay;
}

}  // namespace mayfly
