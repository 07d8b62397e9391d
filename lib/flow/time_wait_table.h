// Where TIME_WAIT is held: found by its four-tuple, ended by its time. One core's own; not
// thread-safe.
//
// Apart from the flow table, on purpose (doc/decisions/0003). Live connections are few and hot,
// their table stays small and in the cache; what they leave behind may be 64 million and is looked
// at about three times: when it is made, when the next SYN with its four-tuple comes, and when it
// ends. A record is 48 bytes and carries its key; its bucket is one 32-bit index, the records of a
// bucket form a chain. With the buckets that is at most 56 bytes an entry.
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

struct TimeWaitRecord {
  timer::WheelNode timer;  ///< its deadline is the end of the hold; not armed while a new
                           ///< incarnation is being tried (RFC 9293 MAY-2)
  union {
    std::uint32_t next;       ///< index + 1 of the next record in the bucket; 0 = the last
    std::uint32_t next_free;  ///< while the record is free (Slab)
  };
  std::uint32_t local_ip, remote_ip;      ///< as in FlowKey4
  std::uint16_t local_port, remote_port;  ///< as in FlowKey4
  std::uint32_t since_ms;                 ///< when the present hold began, as Instant::ts_ms
  tcp::TimeWaitEntry entry;

  FlowKey4 key() const noexcept { return {local_ip, remote_ip, local_port, remote_port, 0}; }
  bool is_for(const FlowKey4& k) const noexcept {
    return remote_ip == k.remote_ip && remote_port == k.remote_port && local_port == k.local_port &&
           local_ip == k.local_ip;
  }
  /// How long it has been held. Whole milliseconds, below 49 days.
  Duration age(Instant now) const noexcept { return Duration::from_ms(now.ts_ms() - since_ms); }
};
static_assert(sizeof(TimeWaitRecord) == 48);

class TimeWaitTable {
 public:
  /// Room for `capacity` records, below 2^31, all of it touched here so that no page is missing
  /// later. Fails when there is no memory.
  static Result<TimeWaitTable> create(std::uint32_t capacity, HugePages pages, Instant start);
  static std::size_t bytes_needed(std::uint32_t capacity);

  std::uint32_t used() const noexcept { return records_.used(); }
  std::uint32_t capacity() const noexcept { return records_.capacity(); }
  TimeWaitRecord& operator[](std::uint32_t index) noexcept { return records_[index]; }
  const TimeWaitRecord& operator[](std::uint32_t index) const noexcept { return records_[index]; }

  /// The index of the key's record, or kNoIndex. `hash` is the flow table's.
  std::uint32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept {
    for (std::uint32_t link = buckets_[bucket(hash)]; link != 0; link = records_[link - 1].next)
      if (records_[link - 1].is_for(key)) return link - 1;
    return kNoIndex;
  }
  /// The two steps that find() will take, in advance: for many keys the first, then the second.
  void prefetch_bucket(std::uint32_t hash) const noexcept {
    __builtin_prefetch(&buckets_[bucket(hash)]);
  }
  void prefetch_record(std::uint32_t hash) const noexcept {
    const std::uint32_t link = buckets_[bucket(hash)];
    if (link != 0) __builtin_prefetch(&records_[link - 1]);
  }

  /// A record for a key that has none, not yet held; kNoIndex when all are taken.
  std::uint32_t insert(const FlowKey4& key, std::uint32_t hash,
                       const tcp::TimeWaitEntry& entry) noexcept;
  /// Ends a record, be it held or not.
  void erase(std::uint32_t index, std::uint32_t hash) noexcept;

  /// Holds a record from now on, anew if it is held already.
  void hold(std::uint32_t index, Duration hold, Instant now) noexcept;
  /// Ends its hold by `deadline` if it would last longer; says whether it did.
  bool end_by(std::uint32_t index, Instant deadline) noexcept;
  /// Its time does not run; it stays in the table.
  void suspend(std::uint32_t index) noexcept {
    Nodes nodes{records_};
    wheel_.disarm(nodes, index);
  }
  bool is_held(std::uint32_t index) const noexcept { return records_[index].timer.armed(); }

  /// Collects records whose hold is over, no longer held but still in the table; at most
  /// `due.size()` units of work (records collected or moved within the wheel), which it returns.
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
