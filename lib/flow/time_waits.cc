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
  const std::size_t bytes = TimeWaitLogMemory::bytes_needed(capacity);
  return {{"TIME_WAIT entries", capacity, bytes / std::max(capacity, 1u), bytes},
          memory_item("timestamps of hosts", kHostStamps, sizeof(HostStamp))};
}

Result<TimeWaitMemory> TimeWaitMemory::create(std::uint32_t capacity, HugePages pages,
                                              const TimeWaitFileSpec& file) {
  auto log = TimeWaitLogMemory::create(capacity, pages, file);
  if (!log) return log.error();
  auto stamps = Region::map(kHostStamps * sizeof(HostStamp), pages);
  if (!stamps) return Error{"no memory for the timestamps of hosts: " + stamps.error().what};
  return TimeWaitMemory{std::move(*log), std::move(*stamps)};
}

TimeWaits::TimeWaits(TimeWaitMemory memory, const FlowSecret& secret, const TimeWaitPolicy& policy,
                     ShardStats& stats, Instant now)
    : policy_(&policy),
      log_(std::move(memory.log), secret, now),
      secret_(secret),
      stats_(stats),
      syn_answer_limit_(kSynAnswers, secret.bits()),
      balances_(policy.balance),
      stamps_memory_(std::move(memory.stamps)),
      host_stamps_(stamps_memory_.as<HostStamp>().first(kHostStamps)) {
  classes_.follow(policy, log_);
  set_hold(policy.hold);
  balance_.begin(policy, now);
  carry_over(now);
}

void TimeWaits::carry_over(Instant now) {
  const TimeWaitLog::Restored past = log_.restore(
      classes_.fingerprint(), now,
      [this](const TimeWaitRecord& record) { return classes_.again(record.kind, record.key()); });
  ended_ = past.ended;
  stats_.time_wait_carried_over.add(past.entries - past.ended);
  if (past.is_given_up) stats_.time_wait_files_given_up.add();
  if (past.is_unclean) stats_.time_wait_restored_unclean.add(past.entries - past.ended);
  count_entries();
  stats_.time_wait_peak.raise_to(held());
}

void TimeWaits::follow(const TimeWaitPolicy& policy, Instant now) noexcept {
  policy_ = &policy;
  if (policy.balance && !balances_) {
    balance_.begin(policy, now);
    balanced_opened_ = stats_.time_wait_opened.get();
  }
  balances_ = policy.balance;
  classes_.follow(policy, log_);
  set_hold(policy.balance ? std::min(balance_.hold(), policy.hold) : policy.hold);
}

std::uint32_t TimeWaits::limit() const noexcept {
  return std::min(policy_->capacity, log_.capacity());
}

// A hold that swings a little, as a balanced one does, is not counted as shortening all entries
// each time.
void TimeWaits::set_hold(Duration hold) noexcept {
  hold_ = hold;
  classes_.apply(hold, log_);
  stats_.time_wait_hold_us.set(static_cast<std::uint64_t>(hold.us));
  if (hold < counted_hold_ && (!policy_->balance || hold.us * 16 <= counted_hold_.us * 15)) {
    stats_.time_wait_shortened.add(log_.count(HoldClasses::kPolicy));
    counted_hold_ = hold;
  }
  counted_hold_ = std::max(counted_hold_, hold);
}

std::uint32_t TimeWaits::class_for(const tcp::Connection& c, const FlowKey4& key,
                                   const FlowKey6* six, Instant now) noexcept {
  const std::uint32_t usual = classes_.of(key, six);
  if (!policy_->recycle || !c.has(tcp::conn_flag::timestamps) || c.has(tcp::conn_flag::paws_off))
    return usual;
  // Linux's tcp_tw_recycle: one timestamp stands for all ports of the host.
  host_stamps_.remember(host_key(key, six), c.ts_recent, now);
  return classes_.of_recycled(usual, c.rto_us, log_);
}

// With the remote host in it, as a number.
FlowKey4 TimeWaits::host_key(const FlowKey4& key, const FlowKey6* six) const noexcept {
  FlowKey4 host = key;
  if (six != nullptr) host.remote_ip = secret_.host_number(six->remote);
  return host;
}

// An IPv6 entry has forgotten its addresses, but not its class.
std::uint32_t TimeWaits::class_of(std::uint32_t entry) const noexcept {
  const TimeWaitRecord& record = log_[entry];
  return record.is_ipv6 != 0 && record.kind < TimeWaitRecord::kClasses
             ? record.kind
             : classes_.of(record.key(), nullptr);
}

bool TimeWaits::enter(const FlowKey4& key, std::uint32_t hash, const tcp::Connection& c,
                      Instant now, const FlowKey6* six) noexcept {
  const std::uint32_t cls = class_for(c, key, six, now);
  std::uint32_t entry = kNoIndex;
  if (log_.hold_of(cls).us > 0 && make_room(now))
    entry = log_.insert(key, hash, make_time_wait_entry(c), cls, now);
  if (entry == kNoIndex) {
    stats_.time_wait_skipped.add();
    return false;
  }
  stats_.time_wait_opened.add();
  count_entries();
  stats_.time_wait_peak.raise_to(held());
  return true;
}

TimeWaits::Adopted TimeWaits::adopt(const ForeignTimeWait& foreign, std::uint32_t hash,
                                    Instant now) noexcept {
  if (log_.find(foreign.key, hash) != kNoIndex) return Adopted::known;
  const std::uint32_t cls =
      foreign.key.is_ipv6_name() ? HoldClasses::kPolicy : classes_.of(foreign.key, nullptr);
  const Instant since = std::min(foreign.since, now);
  if (now - since >= log_.hold_of(cls)) return Adopted::expired;
  if (!make_room(now) || log_.insert(foreign.key, hash, foreign.entry, cls, since) == kNoIndex) {
    stats_.time_wait_import_refused.add();
    return Adopted::refused;
  }
  stats_.time_wait_imported.add();
  count_entries();
  stats_.time_wait_peak.raise_to(held());
  return Adopted::taken;
}

// Evicts the oldest entry if the log is full and the policy allows it. False: no room.
bool TimeWaits::make_room(Instant now) noexcept {
  if (log_.used() < limit()) return true;
  if (policy_->on_full != TimeWaitPolicy::OnFull::evict_oldest) return false;
  const std::optional<TimeWaitRecord> oldest = log_.evict_oldest();
  if (!oldest) return false;
  if (oldest->entry.has_ended()) {
    --ended_;
  } else {
    stats_.evicted_at(oldest->age(now));
  }
  return true;
}

bool TimeWaits::would_overfill(std::uint32_t open) const noexcept {
  return policy_->on_full == TimeWaitPolicy::OnFull::refuse && hold_.us > 0 &&
         log_.used() + open >= limit();
}

bool TimeWaits::is_recycled_away(const FlowKey4& key, const Segment& syn, Instant now,
                                 const FlowKey6* six) const noexcept {
  if (!policy_->recycle) return false;
  std::optional<std::uint32_t> stamp;  // without one it counts as old, in Linux since 3.16
  if (syn.carries(wire::tcp_option::timestamps)) stamp = syn.ts.val;
  return host_stamps_.is_old(host_key(key, six), stamp, now);
}

TimeWaits::Answer TimeWaits::on_segment(std::uint32_t entry, std::uint32_t hash, const Segment& s,
                                        bool is_listening, Instant now) noexcept {
  if (s.has(wire::tcp_flag::syn) && s.has(wire::tcp_flag::fin))
    return {.drop = Drop::tcp_flags_invalid};
  const TimeWaitRecord& record = log_[entry];
  if (record.entry.has_ended()) return on_what_has_ended(entry, s, is_listening);
  const tcp::TimeWaitVerdict v =
      on_time_wait_segment(record.entry, s, policy_->rules, record.since_syn_answer(now));
  if (v.refuses_syn) return refuse(entry, v, is_listening, now);
  switch (v.action) {
    case tcp::TimeWaitAction::drop: return {.drop = v.drop};
    case tcp::TimeWaitAction::kill: end_by_reset(entry, hash); return {.drop = v.drop};
    case tcp::TimeWaitAction::restart_and_ack: {
      stats_.time_wait_fin_again.add();
      const std::uint32_t anew = log_.hold_anew(entry, hash, class_of(entry), now);
      return {.drop = v.drop, .acknowledges = true, .entry = anew};
    }
    case tcp::TimeWaitAction::ack:
      // RFC 1337 H2: two ends that disagree must not answer each other endlessly.
      return {.drop = v.drop, .acknowledges = old_ack_limit_.allow(now), .entry = entry};
    case tcp::TimeWaitAction::reopen:
      if (!is_listening) return refuse(entry, refuse_syn(policy_->rules), false, now);
      return {.drop = v.drop, .reopens = true, .by_timestamp = v.by_timestamp, .entry = entry};
  }
  return {};
}

// The peer's RST counts only if it can be a newcomer's, who comes again to somebody that listens.
TimeWaits::Answer TimeWaits::refuse(std::uint32_t entry, const tcp::TimeWaitVerdict& v,
                                    bool is_listening, Instant now) noexcept {
  if (v.action != tcp::TimeWaitAction::ack) return {.drop = v.drop};
  if (!syn_answer_limit_.allow(now)) {
    stats_.challenges_limited.add();
    return {.drop = v.drop};
  }
  stats_.time_wait_syn_answered.add();
  if (is_listening) log_[entry].note_syn_answer(now);
  return {.drop = v.drop, .acknowledges = true, .entry = entry};
}

// The next SYN opens a new incarnation, whatever it carries; the numbers that are left keep old
// segments out of it. If it turns out to be an old duplicate, the entry is restored as any other.
TimeWaits::Answer TimeWaits::on_what_has_ended(std::uint32_t entry, const Segment& s,
                                               bool is_listening) noexcept {
  const bool opens = is_listening && s.has(wire::tcp_flag::syn) && !s.has(wire::tcp_flag::ack) &&
                     !s.has(wire::tcp_flag::rst);
  return {.reopens = opens, .has_ended = !opens, .entry = entry};
}

// OnRst::accept is what other stacks do: nothing is left.
void TimeWaits::end_by_reset(std::uint32_t entry, std::uint32_t hash) noexcept {
  stats_.time_wait_killed.add();
  if (policy_->rules.rst != tcp::TimeWaitRules::OnRst::challenged) return erase(entry, hash);
  stats_.time_wait_killed_after_syn.add();
  log_[entry].entry.flags |= tcp::TimeWaitEntry::kEnded;
  ++ended_;
  count_entries();
}

Emission TimeWaits::acknowledgement(std::uint32_t entry, Instant now,
                                    const FlowKey6* six) const noexcept {
  const TimeWaitRecord& record = log_[entry];
  const std::uint32_t offset =
      six != nullptr ? secret_.timestamp_offset(*six) : secret_.timestamp_offset(record.key());
  return time_wait_ack(record.entry, offset, now);
}

Seq TimeWaits::iss_after(std::uint32_t entry, Seq generated) const noexcept {
  return tcp::iss_after(log_[entry].entry, generated);
}

void TimeWaits::begin_trial(std::uint32_t entry, bool by_timestamp, Instant now) noexcept {
  log_.begin_trial(entry, now);
  if (log_[entry].entry.has_ended()) return;  // it does not end once more
  (by_timestamp ? stats_.time_wait_reopened_timestamp : stats_.time_wait_reopened_sequence).add();
}

std::uint32_t TimeWaits::on_trial(const FlowKey4& key, std::uint32_t hash) const noexcept {
  const std::uint32_t entry = log_.find(key, hash);
  MAYFLY_ASSERT(entry != kNoIndex && !log_.is_held(entry));
  return entry;
}

void TimeWaits::note_rival(const FlowKey4& key, std::uint32_t hash, Instant now) noexcept {
  log_[on_trial(key, hash)].note_syn_answer(now);
}

void TimeWaits::forget(const FlowKey4& key, std::uint32_t hash) noexcept {
  erase(on_trial(key, hash), hash);
}

void TimeWaits::restore(const FlowKey4& key, std::uint32_t hash, bool by_reset, Instant now,
                        const FlowKey6* six) noexcept {
  const std::uint32_t entry = on_trial(key, hash);
  const std::uint32_t cls = classes_.of(key, six);
  if (log_.hold_of(cls).us == 0) return erase(entry, hash);  // the policy has changed meanwhile
  const bool by_newcomer = by_reset && log_[entry].since_syn_answer(now) <= tcp::kSynAnswerCounts &&
                           policy_->rules.rst != tcp::TimeWaitRules::OnRst::ignore;
  if (log_[entry].entry.has_ended()) --ended_;
  const std::uint32_t anew = log_.hold_anew(entry, hash, cls, now);
  stats_.time_wait_restored.add();
  count_entries();
  if (by_newcomer) end_by_reset(anew, hash);
}

bool TimeWaits::may_reuse(std::uint32_t entry, bool timestamps, Instant now,
                          const FlowKey6* six) const noexcept {
  const TimeWaitRecord& old = log_[entry];
  if (old.entry.has_ended()) return true;
  if (policy_->reuse == 0 || !old.entry.had_timestamps() || !timestamps) return false;
  if (old.entry.timestamps_vanished())
    return false;  // the peer could not tell old from new by PAWS
  const FlowKey4 key = old.key();
  const bool on_loopback = six != nullptr
                               ? six->local.is_loopback() && six->remote.is_loopback()
                               : key.local().host >> 24 == 127 && key.remote().host >> 24 == 127;
  if (policy_->reuse == 2 && !on_loopback) return false;
  return old.age(now) >= policy_->reuse_delay;
}

void TimeWaits::end_for_reuse(std::uint32_t entry, std::uint32_t hash) noexcept {
  if (!log_[entry].entry.has_ended()) stats_.time_wait_reused.add();
  erase(entry, hash);
}

void TimeWaits::erase(std::uint32_t entry, std::uint32_t hash) noexcept {
  if (log_[entry].entry.has_ended()) --ended_;
  log_.erase(entry, hash);
  count_entries();
}

std::size_t TimeWaits::poll(Instant now) noexcept {
  const std::size_t work = expire(now);
  if (policy_->balance) balance(now);
  return work;
}

// At most kExpiryBudget at once, so that a million due in one tick do not delay a burst.
std::size_t TimeWaits::expire(Instant now) noexcept {
  const TimeWaitLog::Expired over = log_.expire(now, kExpiryBudget);
  if (over.entries == 0) return over.work;
  ended_ -= static_cast<std::uint32_t>(over.ended);
  stats_.time_wait_expired.add(over.entries - over.ended);
  count_entries();
  return over.work;
}

void TimeWaits::balance(Instant now) noexcept {
  if (!balance_.is_due(now)) return;
  const std::uint64_t opened = stats_.time_wait_opened.get();
  balance_.step(*policy_, opened - std::exchange(balanced_opened_, opened), limit(), now);
  set_hold(balance_.hold());
}

}  // namespace mayfly::flow
