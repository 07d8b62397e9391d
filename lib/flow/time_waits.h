// Everything that happens to a TIME_WAIT (RFC 9293 3.6.1): entries made, answered for, held,
// reopened, brought back, evicted, expired. Deciding what a segment means is in tcp/time_wait.h;
// here it is carried out. Frames are the Shard's: an Answer says which one is owed.
//
// An entry is named by its index in the table. Its hash is the flow table's (FlowSecret::hash).
// One core's own; not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/burst.h"
#include "base/rate_limit.h"
#include "base/region.h"
#include "base/result.h"
#include "base/time.h"
#include "flow/flow_secret.h"
#include "flow/hold_balance.h"
#include "flow/host_stamps.h"
#include "flow/memory.h"
#include "flow/metrics.h"
#include "flow/settings.h"
#include "flow/time_wait_table.h"
#include "tcp/connection.h"
#include "tcp/time_wait.h"
#include "wire/drop.h"
#include "wire/segment.h"

namespace mayfly::flow {

/// The memory of a TimeWaits, taken at start.
struct TimeWaitMemory {
  TimeWaitTable table;
  Region stamps;  ///< of HostStamps

  /// Room for `capacity` entries; the error says what did not fit. `start`: when time begins.
  static Result<TimeWaitMemory> create(std::uint32_t capacity, HugePages pages, Instant start);
  /// What create() takes, part by part.
  static std::vector<MemoryItem> plan(std::uint32_t capacity);
};

class TimeWaits {
 public:
  /// Work in one poll at most, so that no burst is stalled: entries expired, and entries looked at
  /// after the hold has shrunk.
  static constexpr std::uint32_t kExpiryBudget = 512, kShortenBudget = 256;

  /// `policy` and `stats` outlive this object, the policy until follow() replaces it.
  TimeWaits(TimeWaitMemory memory, const FlowSecret& secret, const TimeWaitPolicy& policy,
            ShardStats& stats, Instant now);

  /// `policy` holds from here on, until the next call. Entries keep their deadline unless their new
  /// hold is shorter.
  void follow(const TimeWaitPolicy& policy, Instant now) noexcept;

  // -- finding

  std::uint32_t used() const noexcept { return table_.used(); }
  /// Entries that the policy allows: its capacity, or what there is memory for.
  std::uint32_t limit() const noexcept;
  const TimeWaitTable& table() const noexcept { return table_; }
  /// The two steps that find() will take, in advance: for many keys the first, then the second.
  void prefetch_bucket(std::uint32_t hash) const noexcept { table_.prefetch_bucket(hash); }
  void prefetch_record(std::uint32_t hash) const noexcept { table_.prefetch_record(hash); }
  /// The key's entry, or kNoIndex.
  std::uint32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept {
    return table_.used() > 0 ? table_.find(key, hash) : kNoIndex;
  }

  // -- making

  /// Makes the entry that `c` leaves behind. False: the policy gives it none, or there is no room.
  bool enter(const FlowKey4& key, std::uint32_t hash, const tcp::Connection& c,
             Instant now) noexcept;
  /// on_full: refuse. Would one connection more need an entry that is not there, if each of the
  /// `open` ones comes to need one?
  bool would_overfill(std::uint32_t open) const noexcept;
  /// Linux's tcp_tw_recycle, until 4.12: is this SYN's timestamp behind the last one of its host,
  /// though it may come from another host behind the same NAT?
  bool is_recycled_away(const FlowKey4& key, const Segment& syn, Instant now) const noexcept;

  // -- answering

  struct Answer {
    Drop drop = Drop::none;     ///< why the segment changes nothing; none: it was acted on
    bool acknowledges = false;  ///< acknowledgement() is owed
    bool reopens = false;       ///< the segment is a SYN that may open a new incarnation
    bool by_timestamp = false;  ///< with `reopens`: for its timestamp, not its sequence number
  };
  /// A segment for an entry. A hold that starts anew and an entry that ends are carried out here;
  /// a reopening is left to the caller, who calls begin_trial() once the new incarnation exists.
  Answer on_segment(std::uint32_t index, const FlowKey4& key, const Segment& s,
                    Instant now) noexcept;
  /// The ACK with which the entry answers.
  Emission acknowledgement(std::uint32_t index, const FlowKey4& key, Instant now) const noexcept;
  /// An ISN for a new incarnation, above every sequence number of the old one (RFC 9293 MAY-2).
  Seq iss_after(std::uint32_t index, Seq generated) const noexcept;

  // -- the record on trial (RFC 9293 MAY-2)

  /// A new incarnation exists beside its predecessor's entry, whose time does not run until the
  /// handshake has proved the SYN new, or not.
  void begin_trial(std::uint32_t index, bool by_timestamp) noexcept;
  /// The new incarnation stands: its predecessor's entry ends.
  void forget(std::uint32_t index, std::uint32_t hash) noexcept;
  /// The SYN was an old duplicate: the entry is held anew. (It ends if the policy has no hold now.)
  void restore(std::uint32_t index, std::uint32_t hash, Instant now) noexcept;

  // -- our own active opens

  /// Linux's tcp_tw_reuse, as the policy says. `timestamps`: the new connection will offer them.
  /// They let the peer tell the old and the new connection apart (RFC 6191 2), so both need them.
  bool may_reuse(std::uint32_t index, const FlowKey4& key, bool timestamps,
                 Instant now) const noexcept;
  /// The entry ends for an active open with its four-tuple.
  void end_for_reuse(std::uint32_t index, std::uint32_t hash) noexcept;

  // -- time

  /// Expires what is due, follows a shorter hold, and balances the hold if the policy says so; a
  /// bounded part of it. Returns how much was done.
  std::size_t poll(Instant now) noexcept;
  Instant next_due() const noexcept { return table_.next_due(); }

 private:
  bool make_room(Instant now) noexcept;
  Duration hold_for(const FlowKey4& key) const noexcept;
  Duration hold_for(const tcp::Connection& c, const FlowKey4& key, Instant now) noexcept;
  void erase(std::uint32_t index, std::uint32_t hash) noexcept;
  std::size_t expire(Instant now) noexcept;
  void expire_batch(std::span<const std::uint32_t> indices) noexcept;
  std::size_t shorten(Instant now) noexcept;
  void balance(Instant now) noexcept;
  void set_hold(Duration hold) noexcept;

  const TimeWaitPolicy* policy_;
  Duration hold_{};  // 2MSL for an entry made now, but for nearness and recycle
  TimeWaitTable table_;
  FlowSecret secret_;
  ShardStats& stats_;
  RateLimit old_ack_limit_{1'000, 100};
  bool balances_ = false;
  Duration swept_hold_{};                  // what all entries were last held against
  std::uint32_t shorten_next_ = kNoIndex;  // the next record to hold against hold_; none: no index
  HoldBalance balance_;
  std::uint64_t balanced_opened_ = 0;  // entries made until balance_'s last step
  Region stamps_memory_;
  HostStamps host_stamps_;
};

}  // namespace mayfly::flow
