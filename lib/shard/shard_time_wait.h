// TIME_WAIT acted out: entries made, answered for, reopened, restored, taken over. Deciding is in
// tcp/time_wait.h; how long they are held is in shard_hold.h. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

template <Port P, class A>
void Shard<P, A>::enter_time_wait(ConnectionBlock& b) noexcept {
  send_pending(b);  // the ACK of the peer's FIN
  finish(b, make_time_wait(b) ? CloseReason::time_wait : CloseReason::done);
}

// False: the policy gives this connection no entry.
template <Port P, class A>
bool Shard<P, A>::make_time_wait(ConnectionBlock& b) noexcept {
  const FlowKey4& key = key_of(b);
  const Duration hold = hold_for(b, key);
  std::uint32_t index = kNoIndex;
  if (hold.us > 0 && make_room())
    index = memory_.time_waits.insert(key, b.hash, make_time_wait_entry(b.tcp));
  if (index == kNoIndex) {
    stats_.time_wait_skipped.add();
    return false;
  }
  memory_.time_waits.hold(index, hold, now_);
  stats_.time_wait_opened.add();
  stats_.time_wait_now.set(memory_.time_waits.used());
  stats_.time_wait_peak.raise_to(memory_.time_waits.used());
  return true;
}

// Sees to it that there is room for one more entry, if the policy has a way to.
template <Port P, class A>
bool Shard<P, A>::make_room() noexcept {
  if (memory_.time_waits.used() < time_wait_limit()) return true;
  if (cfg_->time_wait.on_full != TimeWaitPolicy::OnFull::evict_oldest) return false;
  const std::uint32_t oldest = memory_.time_waits.earliest();
  if (oldest == kNoIndex) return false;
  stats_.evicted_at(memory_.time_waits[oldest].age(now_));
  end_time_wait(oldest);
  return true;
}

// Faber, Touch and Yue 1999: the end that closed second, in LAST_ACK, holds the TIME_WAIT instead
// of the first, and frees the first one's entry.
template <Port P, class A>
void Shard<P, A>::take_over(ConnectionBlock& b) noexcept {
  if (!make_time_wait(b)) return finish(b, CloseReason::done);
  stats_.time_wait_taken_over.add();
  stats_.rst_sent.add();
  send(b.port, key_of(b), hand_over_reset(make_time_wait_entry(b.tcp)), nullptr);
  finish(b, CloseReason::time_wait);
}

template <Port P, class A>
void Shard<P, A>::on_time_wait(std::uint32_t index, const Arrival& a) noexcept {
  const TimeWaitEntry& entry = memory_.time_waits[index].entry;
  Segment s = a.parsed.segment;
  // RFC 6191 2 asks whether timestamps "would be enabled" for the new connection: both ends decide.
  if (s.has(tcp_flag::syn) && !cfg_->tcp.timestamps)
    s.options &= static_cast<std::uint8_t>(~tcp_option::timestamps);
  if (s.has(tcp_flag::syn) && s.has(tcp_flag::fin)) return drop(Drop::tcp_flags_invalid);
  const TimeWaitVerdict v = on_time_wait_segment(entry, s, cfg_->time_wait.rules);
  if (v.drop != Drop::none) drop(v.drop);
  const FlowKey4& key = a.parsed.key;
  switch (v.action) {
    case TimeWaitAction::drop: return;
    case TimeWaitAction::kill: stats_.time_wait_killed.add(); return end_time_wait(index);
    case TimeWaitAction::restart_and_ack:
      stats_.time_wait_fin_again.add();
      memory_.time_waits.hold(index, hold_for(key), now_);
      break;
    case TimeWaitAction::ack:
      // RFC 1337 H2: two ends that disagree must not answer each other without end.
      if (!old_ack_limit_.allow(now_)) return;
      break;
    case TimeWaitAction::reopen:
      if (!is_listening(a)) return drop(Drop::time_wait_syn);
      return reopen(index, a, v.by_timestamp);
  }
  send(a.link, key, time_wait_ack(entry, ts_offset_of(key), now_), nullptr);
}

// RFC 9293 MAY-2: the record is kept beside the new incarnation until its handshake has proved the
// SYN new.
template <Port P, class A>
void Shard<P, A>::reopen(std::uint32_t index, const Arrival& a, bool by_timestamp) noexcept {
  if (!accept(a, index)) return;  // refused: the entry goes on
  memory_.time_waits.suspend(index);
  (by_timestamp ? stats_.time_wait_reopened_timestamp : stats_.time_wait_reopened_sequence).add();
}

// The new incarnation stands: the old record goes.
template <Port P, class A>
void Shard<P, A>::forget_record(ConnectionBlock& b) noexcept {
  memory_.time_waits.erase(b.time_wait_record, b.hash);
  b.time_wait_record = kNoIndex;
  stats_.time_wait_now.set(memory_.time_waits.used());
}

// The SYN was an old duplicate: back to TIME_WAIT, held anew.
template <Port P, class A>
void Shard<P, A>::restore_record(ConnectionBlock& b) noexcept {
  const Duration hold = hold_for(memory_.time_waits[b.time_wait_record].key());
  if (hold.us == 0) return forget_record(b);  // the policy has changed meanwhile
  memory_.time_waits.hold(b.time_wait_record, hold, now_);
  b.time_wait_record = kNoIndex;
  stats_.time_wait_restored.add();
}

// Linux's tcp_tw_reuse, for our own active opens: 1 = after reuse_delay and only with timestamps,
// which let the peer tell the incarnations apart (RFC 6191 2); 2 = the same, over loopback only.
template <Port P, class A>
bool Shard<P, A>::may_reuse(const FlowKey4& key, const TimeWaitRecord& old) const noexcept {
  if (cfg_->time_wait.reuse == 0 || !old.entry.had_timestamps() || !cfg_->tcp.timestamps)
    return false;
  if (cfg_->time_wait.reuse == 2 &&
      (key.local().host >> 24 != 127 || key.remote().host >> 24 != 127))
    return false;
  return old.age(now_) >= cfg_->time_wait.reuse_delay;
}

// Linux's tcp_tw_recycle, until 4.12: a SYN whose timestamp is behind the last one of its host,
// though it may come from another host behind the same NAT.
template <Port P, class A>
bool Shard<P, A>::is_recycled_away(const Arrival& a) const noexcept {
  const Segment& syn = a.parsed.segment;
  return cfg_->time_wait.recycle && syn.carries(tcp_option::timestamps) &&
         memory_.host_stamps.is_old(a.parsed.key, syn.ts.val, now_);
}

// on_full: refuse. Every open connection may come to need an entry, so it counts as one.
template <Port P, class A>
bool Shard<P, A>::would_overfill() const noexcept {
  return cfg_->time_wait.on_full == TimeWaitPolicy::OnFull::refuse && hold_.us > 0 &&
         memory_.time_waits.used() + memory_.blocks.used() >= time_wait_limit();
}

}  // namespace mayfly
