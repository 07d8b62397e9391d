// The TIME_WAIT entries of a core, as a log in the order in which their holds began, and the timer
// that ends them. Owned by one core; not thread-safe.
//
// It is separate from the flow table (doc/decisions/0003). Live connections are few and often
// touched. The entries that they leave may be 64 million, and each is touched three times: when it
// is made, when the next SYN with its four-tuple comes, and when it ends. Here they end in the
// order of the log, where the processor fetches ahead by itself, and nothing but a cursor moves:
// there are no links, and no slot of the index is touched (time_wait_index.h).
//
// Each class of holds has its own cursor: what lies before it is over. The hold is a property of
// the class, so that a changed hold holds for all entries of the class at once, and costs nothing.
//
// An entry is named by its position, which rises for ever, modulo 2^32. A hold that begins anew is
// a new position. What ends out of turn leaves a dead record behind. There is a tenth more room
// than entries, and when little of it is left each new entry moves some old ones towards the end of
// the log, so that dead ones are squeezed out (doc/decisions/0014).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/region.h"
#include "base/result.h"
#include "base/slab.h"
#include "flow/flow_secret.h"
#include "flow/time_wait_file.h"
#include "flow/time_wait_index.h"
#include "flow/time_wait_record.h"

namespace mayfly::flow {

/// The memory of a TimeWaitLog, allocated at start.
struct TimeWaitLogMemory {
  Region records, buckets;
  std::uint32_t capacity = 0;
  std::unique_ptr<TimeWaitFile> file;  ///< in which they are; null = in none

  /// Room for `capacity` entries, below 2^30, in a file if `spec` names one. All of it is touched,
  /// so that there is no page fault later. Fails if there is no memory, or as TimeWaitFile::open.
  static Result<TimeWaitLogMemory> create(std::uint32_t capacity, HugePages pages,
                                          const TimeWaitFileSpec& spec = {});
  /// A copy of a file that another server has left (TimeWaitFile::copy_of), whatever its capacity.
  static Result<TimeWaitLogMemory> copy_of(const std::string& path, std::uint64_t secret,
                                           Instant now);
  /// Bytes that create() allocates.
  static std::size_t bytes_needed(std::uint32_t capacity);
};

/// The log. `hash` is FlowSecret::hash of the key; a class is below TimeWaitRecord::kClasses. Until
/// set_hold() the hold of a class is 0.
class TimeWaitLog {
 public:
  static constexpr std::uint32_t kClasses = TimeWaitRecord::kClasses;
  /// A record tells times apart for 2^kTimeBits ms.
  static constexpr Duration kHoldMax = Duration::from_s(15 * 60);

  /// `start` is the initial time.
  TimeWaitLog(TimeWaitLogMemory memory, const FlowSecret& secret, Instant start);

  // -- from one process to the next (TimeWaitFile)

  /// What was taken over.
  struct Restored {
    std::uint32_t entries = 0;  ///< that are there again
    std::uint32_t ended = 0;    ///< of them those with TimeWaitEntry::has_ended()
    bool is_unclean = false;    ///< the last process was killed: they were checked one by one
    bool is_given_up = false;   ///< what the file held is for another log
  };
  /// Takes over what is in the memory's file, before anything else is done and after the holds are
  /// set; nothing without one. Holds go on, as if the process had never been away: what is over by
  /// now is left to expire(). Those on trial are held anew. `class_of(record)` is asked for the
  /// class of each if the last process was killed or had other `classes` (a number that tells
  /// classes apart), else for those on trial alone.
  template <class F>
  Restored restore(std::uint64_t classes, Instant now, F&& class_of);
  /// Leaves all for the next process, if there is a file. The log must not be used any more.
  void leave(std::uint64_t classes) noexcept;

  // -- finding

  /// Entries, with those on trial.
  std::uint32_t used() const noexcept { return used_; }
  std::uint32_t capacity() const noexcept { return memory_.capacity; }
  /// Entries of a class, without those on trial.
  std::uint32_t count(std::uint32_t cls) const noexcept { return classes_[cls].count; }
  /// The position of the key's entry, or kNoIndex.
  std::uint32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept {
    return index_.find(hash, tag_of(key, hash), range(), [&](std::uint32_t position) {
      const TimeWaitRecord& record = (*this)[position];
      return record.is_for(key) && is_there(position, record);
    });
  }
  /// Prefetch the memory of the two steps of find(). Call the first for all keys, then the second.
  void prefetch_bucket(std::uint32_t hash) const noexcept { index_.prefetch(hash); }
  void prefetch_record(const FlowKey4& key, std::uint32_t hash) const noexcept {
    const std::uint32_t found =
        index_.find(hash, tag_of(key, hash), range(), [](std::uint32_t) { return true; });
    if (found != kNoIndex) __builtin_prefetch(&(*this)[found]);
  }
  /// The record of an entry. The caller leaves its key, time and class alone.
  TimeWaitRecord& operator[](std::uint32_t position) noexcept { return records_[slot(position)]; }
  const TimeWaitRecord& operator[](std::uint32_t position) const noexcept {
    return records_[slot(position)];
  }
  /// False for an entry on trial: no time ends it.
  bool is_held(std::uint32_t position) const noexcept {
    return (*this)[position].kind != TimeWaitRecord::kOnTrial;
  }

  /// The position after the newest record.
  std::uint32_t end() const noexcept { return tail_; }
  /// Calls f(record, its class) for the entries that are held, from the one before `position` back
  /// to the oldest, until it returns false, and looks at `budget` records at most. Returns the
  /// position to go on from; none once all were seen. Entries that have moved in the meantime may
  /// be left out; none comes a second time, unless its hold has begun anew.
  template <class F>
  std::optional<std::uint32_t> look_back(std::uint32_t position, std::uint32_t budget,
                                         F&& f) const noexcept {
    if (position - head_ > tail_ - head_) return std::nullopt;  // the head has passed it
    for (; position != head_; --budget) {
      if (budget == 0) return position;
      if (in_gap(position - 1)) {
        position = gap_begin_;
        continue;
      }
      const TimeWaitRecord& record = (*this)[--position];
      if (is_held(position, record) && !f(record, std::uint32_t{record.kind})) return position;
    }
    return std::nullopt;
  }

  // -- making and ending. All positions but those that are returned here stay valid; an insertion
  // -- or a hold may change others: find() them again.

  /// Makes the entry of a key that has none, and begins its hold. kNoIndex if the log is full.
  std::uint32_t insert(const FlowKey4& key, std::uint32_t hash, const tcp::TimeWaitEntry& entry,
                       std::uint32_t cls, Instant now) noexcept;
  /// Begins the hold of an entry anew, held or on trial, and returns its new position. Of what
  /// happened before, an answered SYN or the end, nothing is left.
  std::uint32_t hold_anew(std::uint32_t position, std::uint32_t hash, std::uint32_t cls,
                          Instant now) noexcept;
  /// Stops the hold: the entry stays until erase() or hold_anew().
  void begin_trial(std::uint32_t position, Instant now) noexcept;
  /// Ends an entry, held or on trial.
  void erase(std::uint32_t position, std::uint32_t hash) noexcept;
  /// Ends the entry whose hold began first, of all classes, and returns what it was; nothing if all
  /// are on trial.
  std::optional<TimeWaitRecord> evict_oldest() noexcept;

  // -- time

  /// The hold of all entries of the class, present and to come: at most kHoldMax, and rounded up to
  /// whole milliseconds.
  void set_hold(std::uint32_t cls, Duration hold) noexcept;
  Duration hold_of(std::uint32_t cls) const noexcept { return classes_[cls].hold; }

  /// Above 16 bytes, as tcp::Verdict is: every poll gets one.
  struct Expired {
    std::uint64_t entries = 0;  ///< that ended
    std::uint64_t ended = 0;    ///< of them those with TimeWaitEntry::has_ended()
    std::uint64_t work = 0;     ///< records looked at
  };
  /// Ends the entries whose hold is over: never early, and less than 1 ms late if it is called
  /// every millisecond. Looks at `budget` records at most, and goes on at the next call.
  Expired expire(Instant now, std::uint32_t budget) noexcept;
  /// When the next entry is over, or earlier; never() if none is held.
  Instant next_due() const noexcept { return next_due_; }

 private:
  struct HoldClass {
    Duration hold{};
    std::uint32_t count = 0;   ///< entries that are held
    std::uint32_t cursor = 0;  ///< of the records before it none is held any more
  };

  /// The hash alone has too few bits for a bucket among millions and a tag.
  static std::uint16_t tag_of(const FlowKey4& key, std::uint32_t hash) noexcept {
    return static_cast<std::uint16_t>(hash ^ key.remote_port);
  }
  LogRange range() const noexcept { return {head_, tail_ - head_}; }
  std::uint32_t room() const noexcept { return size() - (tail_ - head_); }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(records_.size()); }
  /// Where a position of the range is in the ring.
  std::size_t slot(std::uint32_t position) const noexcept {
    const std::size_t at = std::size_t{head_slot_} + (position - head_);
    return at < records_.size() ? at : at - records_.size();
  }
  /// `a` is not before `b`.
  static bool is_from(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) >= 0;
  }
  bool is_held(std::uint32_t position, const TimeWaitRecord& r) const noexcept {
    return r.kind < kClasses && is_from(position, classes_[r.kind].cursor);
  }
  bool is_there(std::uint32_t position, const TimeWaitRecord& r) const noexcept {
    return is_held(position, r) || r.kind == TimeWaitRecord::kOnTrial;
  }
  bool in_gap(std::uint32_t position) const noexcept {
    return position - gap_begin_ < gap_end_ - gap_begin_;
  }
  /// The position itself, or the first behind the gap.
  std::uint32_t beyond_gap(std::uint32_t position) const noexcept {
    return in_gap(position) ? gap_end_ : position;
  }

  /// One entry of a class that has some is held no more.
  void leave_class(std::uint32_t cls) noexcept {
    if (--classes_[cls].count == 0) in_use_ &= ~(1U << cls);
  }
  /// What a process that ends in order leaves of it.
  struct State {
    std::uint64_t classes = 0;
    std::uint32_t head = 1, tail = 1, head_slot = 0, oldest = 1, used = 0, in_use = 0;
    std::uint32_t is_squeezing = 0, gap_begin = 1, gap_end = 1;
    std::array<std::uint32_t, kClasses> counts{}, cursors{};
  };
  static_assert(sizeof(State) <= TimeWaitFile::kStateSize);
  using Cursors = std::array<std::uint32_t, kClasses>;

  State left_state() const noexcept;
  bool take(const State& state) noexcept;
  State marked_state() const noexcept;
  Restored begin_empty() noexcept;
  std::uint32_t go_on_in_time(std::vector<FlowKey4>& on_trial);
  bool adds_up(const State& left) const noexcept;
  template <class F>
  std::uint32_t check_all(F&& class_of) noexcept;
  Cursors forget_index() noexcept;
  bool check(std::uint32_t position, std::uint32_t cls) noexcept;
  /// Calls f(position) for each record of the range.
  template <class F>
  void for_each_record(F&& f) const;
  void mark_all() noexcept;
  void mark_gap() noexcept {
    marks_->gap.store(TimeWaitMarks::both(gap_begin_, gap_end_), std::memory_order_release);
  }
  TimeWaitRecord& next_record() noexcept;
  std::uint32_t append() noexcept;
  std::uint32_t enlist(std::uint32_t position, std::uint32_t hash, Instant now) noexcept;
  void move_head(std::uint32_t to) noexcept;
  void follow_with_head(std::uint32_t steps) noexcept;
  std::uint32_t pass_what_is_over(std::uint32_t steps) noexcept;
  void expire_class(HoldClass& c, std::uint32_t cls, Instant now, std::uint32_t budget,
                    Expired& sum) noexcept;
  void note_due(const HoldClass& c, Instant now) noexcept;
  void squeeze(std::uint32_t steps) noexcept;
  void squeeze_one() noexcept;
  void end_squeeze() noexcept;

  TimeWaitLogMemory memory_;
  std::span<TimeWaitRecord> records_;  // a ring
  TimeWaitIndex index_;
  FlowSecret secret_;
  // The range of positions, and the ring's slot of the first. Position 0 comes last
  // (TimeWaitIndex).
  std::uint32_t head_ = 1, tail_ = 1, head_slot_ = 0;
  std::uint32_t oldest_ = 1;  // of the records before it none is held; head <= oldest <= tail
  std::uint32_t used_ = 0;
  std::uint32_t in_use_ = 0;  // a bit for each class that has entries
  std::array<HoldClass, kClasses> classes_;
  Instant now_;  // of the last expire()
  Instant next_due_ = Instant::never();
  // While old records are moved towards the end: those before the gap are still to be moved, those
  // behind it are where they stay, and it has none.
  bool squeezing_ = false;
  std::uint32_t gap_begin_ = 1, gap_end_ = 1;
  TimeWaitMarks no_marks_{};
  TimeWaitMarks* marks_;  // in the file, if there is one
};

template <class F>
void TimeWaitLog::for_each_record(F&& f) const {
  for (std::uint32_t position = beyond_gap(head_); position != tail_;
       position = beyond_gap(position + 1))
    f(position);
}

template <class F>
TimeWaitLog::Restored TimeWaitLog::restore(std::uint64_t classes, Instant now, F&& class_of) {
  using Found = TimeWaitFile::Found;
  const Found found = memory_.file ? memory_.file->found() : Found::nothing;
  if (found != Found::whole && found != Found::marks) {
    mark_all();
    return {.is_given_up = found == Found::foreign};
  }
  const bool is_whole = found == Found::whole;
  const State left = is_whole ? left_state() : marked_state();
  if (!take(left)) return begin_empty();
  Restored restored{.is_unclean = !is_whole};
  std::vector<FlowKey4> on_trial;
  restored.ended = go_on_in_time(on_trial);
  if (is_whole && !adds_up(left)) return begin_empty();
  if (!is_whole || left.classes != classes) restored.ended = check_all(class_of);
  for (const FlowKey4& key : on_trial) {
    const std::uint32_t hash = secret_.hash(key);
    const std::uint32_t position = find(key, hash);
    if (position != kNoIndex && !is_held(position))
      hold_anew(position, hash, class_of((*this)[position]), now);
  }
  restored.entries = used_;
  next_due_ = now_;
  mark_all();
  return restored;
}

/// Returns how many of the entries have_ended().
template <class F>
std::uint32_t TimeWaitLog::check_all(F&& class_of) noexcept {
  constexpr std::uint32_t kAhead = 32;  // a bucket is in memory that nothing has touched for long
  const Cursors cursors = forget_index();
  std::uint32_t ended = 0;
  for_each_record([&](std::uint32_t position) {
    if (const std::uint32_t ahead = beyond_gap(position + kAhead); range().has(ahead))
      index_.prefetch(secret_.hash((*this)[ahead].key()));
    const TimeWaitRecord& record = (*this)[position];
    const bool was_over = record.kind < kClasses && !is_from(position, cursors[record.kind]);
    if (was_over || record.kind == TimeWaitRecord::kDead) return;
    if (check(position, class_of(record)) && record.entry.has_ended()) ++ended;
  });
  return ended;
}

}  // namespace mayfly::flow
