// The table of TIME_WAIT entries: each is found by its four-tuple and ended by a timer. Owned by
// one core; not thread-safe.
//
// It is separate from the flow table (doc/decisions/0003). Live connections are few and often
// touched: their table stays small and in the cache. The entries that they leave may be 64 million,
// and each is touched about three times: when it is made, when the next SYN with its four-tuple
// comes, and when it ends. A record is 48 bytes and contains its key. A bucket is one 32-bit index;
// the records of a bucket form a chain. With the buckets that is at most 56 bytes an entry.
#pragma once

#include <cstdint>
#include <span>

#include "base/region.h"
#include "base/result.h"
#include "base/slab.h"
#include "tcp/time_wait.h"
#include "timer/wheel.h"
#include "wire/flow_key.h"

namespace mayfly::flow {

/// An entry with its key, its timer and its place in a chain.
struct TimeWaitRecord {
  timer::WheelNode timer;  ///< its deadline is the end of the hold; not armed while a new
                           ///< incarnation is being tried (RFC 9293 MAY-2)
  union {
    std::uint32_t next;       ///< index + 1 of the next record in the bucket; 0 = the last
    std::uint32_t next_free;  ///< while the record is free (Slab)
  };
  std::uint32_t local_ip, remote_ip;      ///< as in FlowKey4
  std::uint16_t local_port, remote_port;  ///< as in FlowKey4
  /// When the present hold began, and the high bits of when a SYN was answered in it (the low ones
  /// are entry.note): ms of the clock, modulo 2^kTimeBits, which no hold lasts.
  std::uint32_t since_ms : 20, answered_high : 12;
  tcp::TimeWaitEntry entry;

  static constexpr std::uint32_t kTimeBits = 20, kTimeMask = (1u << kTimeBits) - 1;

  FlowKey4 key() const noexcept { return {local_ip, remote_ip, local_port, remote_port, 0}; }
  /// True if it is the entry of this four-tuple.
  bool is_for(const FlowKey4& k) const noexcept {
    return remote_ip == k.remote_ip && remote_port == k.remote_port && local_port == k.local_port &&
           local_ip == k.local_ip;
  }
  /// How long it has been held, in whole milliseconds, below 17 minutes.
  Duration age(Instant now) const noexcept { return elapsed(since_ms, now); }
  /// A SYN is answered with an ACK now.
  void note_syn_answer(Instant now) noexcept {
    const std::uint32_t at = now.ts_ms() & kTimeMask;
    entry.note = static_cast<std::uint8_t>(at);
    answered_high = at >> 8 & 0xfff;
    entry.flags |= tcp::TimeWaitEntry::kSynAnswered;
  }
  void forget_syn_answer() noexcept {
    entry.flags &= static_cast<std::uint8_t>(~tcp::TimeWaitEntry::kSynAnswered);
  }
  /// How long ago that was, in whole milliseconds; max() if no SYN was answered in this hold.
  Duration since_syn_answer(Instant now) const noexcept {
    return entry.has_answered_syn() ? elapsed((answered_high << 8) | entry.note, now)
                                    : Duration::max();
  }

 private:
  static Duration elapsed(std::uint32_t since, Instant now) noexcept {
    return Duration::from_ms((now.ts_ms() - since) & kTimeMask);
  }
};
static_assert(sizeof(TimeWaitRecord) == 48);

/// Records are named by their index, below capacity(). `hash` is FlowSecret::hash of the key.
class TimeWaitTable {
 public:
  /// Allocates room for `capacity` records, below 2^31, and touches all of it, so that there is no
  /// page fault later. Fails if there is no memory. `start` is the initial time.
  static Result<TimeWaitTable> create(std::uint32_t capacity, HugePages pages, Instant start);
  /// Bytes that create() allocates.
  static std::size_t bytes_needed(std::uint32_t capacity);

  std::uint32_t used() const noexcept { return records_.used(); }
  std::uint32_t capacity() const noexcept { return records_.capacity(); }
  TimeWaitRecord& operator[](std::uint32_t index) noexcept { return records_[index]; }
  const TimeWaitRecord& operator[](std::uint32_t index) const noexcept { return records_[index]; }

  /// The index of the key's record, or kNoIndex.
  std::uint32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept {
    for (std::uint32_t link = buckets_[bucket(hash)]; link != 0; link = records_[link - 1].next)
      if (records_[link - 1].is_for(key)) return link - 1;
    return kNoIndex;
  }
  /// Prefetch the memory of the two steps of find(). Call the first for all keys, then the second.
  void prefetch_bucket(std::uint32_t hash) const noexcept {
    __builtin_prefetch(&buckets_[bucket(hash)]);
  }
  void prefetch_record(std::uint32_t hash) const noexcept {
    const std::uint32_t link = buckets_[bucket(hash)];
    if (link != 0) __builtin_prefetch(&records_[link - 1]);
  }

  /// Adds a record for a key that has none, and returns its index; kNoIndex if the table is full.
  /// It is held only after hold().
  std::uint32_t insert(const FlowKey4& key, std::uint32_t hash,
                       const tcp::TimeWaitEntry& entry) noexcept;
  /// Removes a record, held or not.
  void erase(std::uint32_t index, std::uint32_t hash) noexcept;

  /// A record tells times apart for 2^kTimeBits ms.
  static constexpr Duration kHoldMax = Duration::from_s(15 * 60);
  /// Starts the hold of a record, or restarts it: of what happened in an earlier hold, an answered
  /// SYN or the end, nothing is left. Shorter than kHoldMax.
  void hold(std::uint32_t index, Duration hold, Instant now) noexcept;
  /// Makes the hold end at `deadline` if it would end later. Returns whether it changed.
  bool end_by(std::uint32_t index, Instant deadline) noexcept;
  /// Stops the hold: the record stays in the table until erase() or hold().
  void suspend(std::uint32_t index) noexcept {
    Nodes nodes{records_};
    wheel_.disarm(nodes, index);
  }
  bool is_held(std::uint32_t index) const noexcept { return records_[index].timer.armed(); }

  /// Fills `due` with the `count` records whose hold is over. They are no longer held, but still in
  /// the table. Does at most `due.size()` units of work (records collected, or moved within the
  /// wheel) and returns how many.
  std::size_t advance(Instant now, std::span<std::uint32_t> due, std::size_t& count) noexcept;
  /// The record that ends next (see TimerWheel::earliest), or kNoIndex.
  std::uint32_t earliest() const noexcept { return wheel_.earliest(); }
  Instant next_due() const noexcept { return wheel_.next_due(); }
  /// Records from this index on were never used.
  std::uint32_t fresh() const noexcept { return records_.fresh(); }

 private:
  struct Nodes {
    Slab<TimeWaitRecord>& slab;
    timer::WheelNode& wheel_node(std::uint32_t i) noexcept { return slab[i].timer; }
  };
  explicit TimeWaitTable(Instant start) : wheel_(start) {}
  std::size_t bucket(std::uint32_t hash) const noexcept { return hash & (buckets_.size() - 1); }

  Region records_memory_, buckets_memory_;
  Slab<TimeWaitRecord> records_;
  std::span<std::uint32_t> buckets_;  // index + 1 of the first record; 0 = empty. A power of two
  timer::TimerWheel wheel_;
};

}  // namespace mayfly::flow
