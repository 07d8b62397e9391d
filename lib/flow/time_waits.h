// Everything that happens to TIME_WAIT entries (RFC 9293 3.6.1): they are made, held, answered for,
// reopened, restored, evicted and expired. tcp/time_wait.h decides what a segment means; here the
// decision is carried out. The Shard sends the frames: an Answer says which one is owed.
//
// A key is an IPv4 four-tuple, or the name of an IPv6 one (FlowSecret::name); `six` is then the
// four-tuple itself, null otherwise. An entry is named by its position in the log, which is valid
// until the next call that is not const. `hash` is FlowSecret::hash of its four-tuple. Owned by one
// core; not thread-safe.
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
#include "flow/hold_classes.h"
#include "flow/host_stamps.h"
#include "flow/memory.h"
#include "flow/metrics.h"
#include "flow/settings.h"
#include "flow/time_wait_import.h"
#include "flow/time_wait_log.h"
#include "tcp/connection.h"
#include "tcp/time_wait.h"
#include "wire/drop.h"
#include "wire/segment.h"

namespace mayfly::flow {

/// The memory of a TimeWaits, allocated at start.
struct TimeWaitMemory {
  TimeWaitLogMemory log;
  Region stamps;  ///< for HostStamps

  /// Room for `capacity` entries, in a file if one is named; the error names the part for which
  /// there was no memory, or says what is wrong with the file.
  static Result<TimeWaitMemory> create(std::uint32_t capacity, HugePages pages,
                                       const TimeWaitFileSpec& file = {});
  /// The memory that create() allocates, part by part.
  static std::vector<MemoryItem> plan(std::uint32_t capacity);
};

/// The TIME_WAIT entries of one core and the policy that they follow.
class TimeWaits {
 public:
  /// Limit of the work in one poll, so that no burst is delayed: records that are looked at.
  static constexpr std::uint32_t kExpiryBudget = 512;

  /// `policy` must live until follow() replaces it, `stats` as long as this object. The entries of
  /// the memory's file are there at once.
  TimeWaits(TimeWaitMemory memory, const FlowSecret& secret, const TimeWaitPolicy& policy,
            ShardStats& stats, Instant now);
  /// Leaves the entries to the next process, if they are in a file.
  ~TimeWaits() { log_.leave(classes_.fingerprint()); }
  TimeWaits(const TimeWaits&) = delete;
  TimeWaits& operator=(const TimeWaits&) = delete;

  /// Replaces the policy; it must live until the next call. A new hold, longer or shorter, is that
  /// of the entries that are there too. New prefixes are for new entries.
  void follow(const TimeWaitPolicy& policy, Instant now) noexcept;

  // -- finding

  /// Records of entries.
  std::uint32_t used() const noexcept { return log_.used(); }
  /// Entries: without what is left of those that an RST has ended after a SYN.
  std::uint32_t held() const noexcept { return log_.used() - ended_; }
  /// The most entries allowed: the capacity in the policy, or that of the log if it is lower.
  std::uint32_t limit() const noexcept;
  const TimeWaitLog& log() const noexcept { return log_; }
  /// Prefetch the memory of the two steps of find(). Call the first for all keys, then the second.
  /// The buckets in a row: the processor waits for the address of each page, which it does for
  /// several at a time if they are close together.
  void prefetch_buckets(std::span<const std::uint32_t> hashes) const noexcept {
    if (log_.used() == 0) return;
    for (const std::uint32_t hash : hashes) log_.prefetch_bucket(hash);
  }
  void prefetch_record(const FlowKey4& key, std::uint32_t hash) const noexcept {
    log_.prefetch_record(key, hash);
  }
  /// The key's entry, or kNoIndex.
  std::uint32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept {
    return log_.used() > 0 ? log_.find(key, hash) : kNoIndex;
  }

  // -- making

  /// Makes the entry for a connection that ends in TIME_WAIT, or in LAST_ACK with hand_over. Evicts
  /// the oldest entry if the table is full and the policy says so. False: there is none, as the
  /// hold is 0 or there is no room.
  bool enter(const FlowKey4& key, std::uint32_t hash, const tcp::Connection& c, Instant now,
             const FlowKey6* six = nullptr) noexcept;
  /// What becomes of an entry of another server.
  enum class Adopted : std::uint8_t { taken, known, expired, refused };
  /// Holds it with what is left of its hold: it ends no earlier, and at the latest when what is
  /// held now has ended. Room is made as for any entry.
  Adopted adopt(const ForeignTimeWait& foreign, std::uint32_t hash, Instant now) noexcept;
  /// With on_full: refuse, true if there might be no entry for one more connection, should each of
  /// the `open` ones need one.
  bool would_overfill(std::uint32_t open) const noexcept;
  /// With recycle, true if Linux before 4.12 would drop this SYN: it has no timestamp, or one
  /// behind the last of its address, though it may come from another host behind the same NAT.
  bool is_recycled_away(const FlowKey4& key, const Segment& syn, Instant now,
                        const FlowKey6* six = nullptr) const noexcept;

  // -- answering

  /// What follows from a segment.
  struct Answer {
    Drop drop = Drop::none;     ///< why the segment changes nothing; none: it was acted on
    bool acknowledges = false;  ///< acknowledgement() is owed
    bool reopens = false;       ///< the segment is a SYN that may open a new incarnation
    bool by_timestamp = false;  ///< with `reopens`: its timestamp is newer, not its number
    bool has_ended = false;     ///< as if there were no entry: the caller acts for a closed port
    std::uint32_t entry = kNoIndex;  ///< where it is now, with `acknowledges` and `reopens`
  };
  /// Handles a segment for an entry. If it restarts the hold or ends the entry, that is done here.
  /// If it reopens, the caller makes the new incarnation and then calls begin_trial().
  /// `is_listening`: somebody would accept a SYN.
  Answer on_segment(std::uint32_t entry, std::uint32_t hash, const Segment& s, bool is_listening,
                    Instant now) noexcept;
  /// The ACK with which the entry answers.
  Emission acknowledgement(std::uint32_t entry, Instant now,
                           const FlowKey6* six = nullptr) const noexcept;
  /// An initial sequence number for a new incarnation: `generated`, or a higher one if that is
  /// needed to be above all sequence numbers of the old incarnation (RFC 9293 MAY-2).
  Seq iss_after(std::uint32_t entry, Seq generated) const noexcept;

  // -- entries whose four-tuple is being reopened (RFC 9293 MAY-2)

  /// Stops the hold of an entry beside which there is a new incarnation now, until the handshake
  /// shows whether the SYN was new. `by_timestamp`: as in the Answer.
  void begin_trial(std::uint32_t entry, bool by_timestamp, Instant now) noexcept;
  /// Another SYN than the one on trial has been answered with an ACK: a newcomer may be waiting.
  void note_rival(const FlowKey4& key, std::uint32_t hash, Instant now) noexcept;
  /// Ends the entry: the new incarnation is established.
  void forget(const FlowKey4& key, std::uint32_t hash) noexcept;
  /// Restarts the hold of the entry: the SYN was an old duplicate. (Ends the entry if the hold is 0
  /// by now.) If `by_reset` and there was a rival just now, the RST was its answer, and ends the
  /// entry as one in TIME_WAIT would.
  void restore(const FlowKey4& key, std::uint32_t hash, bool by_reset, Instant now,
               const FlowKey6* six = nullptr) noexcept;

  // -- our own active opens

  /// True if the policy lets an active open reuse the four-tuple of this entry (Linux's
  /// tcp_tw_reuse). `timestamps`: the new connection will offer them. Both connections need them,
  /// so that the peer can distinguish the two (RFC 6191 2).
  bool may_reuse(std::uint32_t entry, bool timestamps, Instant now,
                 const FlowKey6* six = nullptr) const noexcept;
  /// Ends the entry, for an active open with its four-tuple.
  void end_for_reuse(std::uint32_t entry, std::uint32_t hash) noexcept;

  // -- time

  /// Expires entries that are due, a bounded part at each call, and balances the hold if the policy
  /// says so. Returns the work done.
  std::size_t poll(Instant now) noexcept;
  /// When an entry expires next, or earlier; never() if none is held.
  Instant next_due() const noexcept { return log_.next_due(); }

 private:
  Answer on_what_has_ended(std::uint32_t entry, const Segment& s, bool is_listening) noexcept;
  Answer refuse(std::uint32_t entry, const tcp::TimeWaitVerdict& v, bool is_listening,
                Instant now) noexcept;
  void end_by_reset(std::uint32_t entry, std::uint32_t hash) noexcept;
  std::uint32_t on_trial(const FlowKey4& key, std::uint32_t hash) const noexcept;
  void count_entries() noexcept { stats_.time_wait_now.set(held()); }
  bool make_room(Instant now) noexcept;
  void carry_over(Instant now);
  std::uint32_t class_for(const tcp::Connection& c, const FlowKey4& key, const FlowKey6* six,
                          Instant now) noexcept;
  FlowKey4 host_key(const FlowKey4& key, const FlowKey6* six) const noexcept;
  std::uint32_t class_of(std::uint32_t entry) const noexcept;
  void erase(std::uint32_t entry, std::uint32_t hash) noexcept;
  std::size_t expire(Instant now) noexcept;
  void balance(Instant now) noexcept;
  void set_hold(Duration hold) noexcept;

  const TimeWaitPolicy* policy_;
  Duration hold_{};  // 2MSL, except with nearness or recycle
  TimeWaitLog log_;
  HoldClasses classes_;
  FlowSecret secret_;
  ShardStats& stats_;
  std::uint32_t ended_ = 0;  // entries of which has_ended() is true
  RateLimit old_ack_limit_{1'000, 100};
  // Apart, so that old segments keep no newcomer out, and so high that newcomers do not either.
  SecretLimit syn_answer_limit_;
  bool balances_ = false;
  Duration counted_hold_{};  // the hold when it was last counted how many it shortens
  HoldBalance balance_;
  std::uint64_t balanced_opened_ = 0;  // entries made before balance_'s last step
  Region stamps_memory_;
  HostStamps host_stamps_;
};

}  // namespace mayfly::flow
