#include "flow/time_wait_log.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "base/assert.h"

namespace mayfly::flow {
namespace {

// A pass over the log takes size / kSqueezeSteps insertions and leaves at least a tenth of the
// capacity free, less these: more than size / kSqueezeAt. It begins when that much is free, so it
// is over before there is no room.
constexpr std::uint32_t kSqueezeSteps = 32, kSqueezeAt = 20;
/// Records that an insertion lets the head pass.
constexpr std::uint32_t kHeadSteps = 8;
/// Records know the time modulo 17 minutes: after a longer pause it is caught up with in pieces.
constexpr Duration kPauseMax = Duration::from_s(60);

std::uint32_t log_size(std::uint32_t capacity) { return capacity + capacity / 10 + 64; }

std::size_t bytes_of_records(std::uint32_t capacity) {
  return log_size(capacity) * sizeof(TimeWaitRecord);
}
std::size_t bytes_of_buckets(std::uint32_t capacity) {
  return TimeWaitIndex::buckets_for(capacity) * sizeof(TimeWaitIndex::Bucket);
}

}  // namespace

std::size_t TimeWaitLogMemory::bytes_needed(std::uint32_t capacity) {
  return bytes_of_records(capacity) + bytes_of_buckets(capacity);
}

Result<TimeWaitLogMemory> TimeWaitLogMemory::create(std::uint32_t capacity, HugePages pages,
                                                    const TimeWaitFileSpec& spec) {
  MAYFLY_ASSERT(capacity < 1U << 30);
  if (!spec.path.empty()) {
    auto opened = TimeWaitFile::open(spec, sizeof(TimeWaitRecord), bytes_of_records(capacity),
                                     bytes_of_buckets(capacity));
    if (!opened) return opened.error();
    return TimeWaitLogMemory{std::move(opened->records), std::move(opened->buckets), capacity,
                             std::move(opened->file)};
  }
  auto records = Region::map(bytes_of_records(capacity), pages);
  auto buckets = Region::map(bytes_of_buckets(capacity), pages);
  for (const auto* region : {&records, &buckets})
    if (!*region)
      return Error{"no memory for " + std::to_string(capacity) +
                   " TIME_WAIT entries: " + region->error().what};
  for (auto* region : {&records, &buckets}) (*region)->touch();
  return TimeWaitLogMemory{std::move(*records), std::move(*buckets), capacity, nullptr};
}

Result<TimeWaitLogMemory> TimeWaitLogMemory::copy_of(const std::string& path, std::uint64_t secret,
                                                     Instant now) {
  auto opened = TimeWaitFile::copy_of(path, secret, sizeof(TimeWaitRecord), now);
  if (!opened) return opened.error();
  constexpr std::size_t kMost = std::size_t{1} << 30;
  const std::size_t records = opened->record_bytes / sizeof(TimeWaitRecord);
  std::uint32_t capacity = 0;
  if (records > log_size(0) && records < kMost)
    capacity = static_cast<std::uint32_t>((records - log_size(0)) * 10 / 11);
  while (capacity > 0 && log_size(capacity) < records) ++capacity;
  if (bytes_of_records(capacity) != opened->record_bytes ||
      bytes_of_buckets(capacity) != opened->bucket_bytes)
    return Error{path + ": its parts do not add up to a log", ErrorKind::usage};
  return TimeWaitLogMemory{std::move(opened->records), std::move(opened->buckets), capacity,
                           std::move(opened->file)};
}

TimeWaitLog::TimeWaitLog(TimeWaitLogMemory memory, const FlowSecret& secret, Instant start)
    : memory_(std::move(memory)),
      records_(memory_.records.as<TimeWaitRecord>().first(log_size(memory_.capacity))),
      index_(memory_.buckets.as<TimeWaitIndex::Bucket>().first(
          TimeWaitIndex::buckets_for(memory_.capacity))),
      secret_(secret),
      now_(start),
      marks_(memory_.file ? &memory_.file->marks() : &no_marks_) {}

void TimeWaitLog::leave(std::uint64_t classes) noexcept {
  if (!memory_.file) return;
  State state{.classes = classes,
              .head = head_,
              .tail = tail_,
              .head_slot = head_slot_,
              .oldest = oldest_,
              .used = used_,
              .in_use = in_use_,
              .is_squeezing = squeezing_,
              .gap_begin = gap_begin_,
              .gap_end = gap_end_};
  for (std::size_t cls = 0; cls < kClasses; ++cls) {
    state.counts[cls] = classes_[cls].count;
    state.cursors[cls] = classes_[cls].cursor;
  }
  std::array<std::byte, TimeWaitFile::kStateSize> bytes{};
  std::memcpy(bytes.data(), &state, sizeof(state));
  memory_.file->leave(bytes);
}

TimeWaitLog::State TimeWaitLog::left_state() const noexcept {
  State state;
  std::memcpy(&state, memory_.file->state().data(), sizeof(state));
  return state;
}

/// What a process that was killed has told: where the records are.
TimeWaitLog::State TimeWaitLog::marked_state() const noexcept {
  const std::uint64_t head = marks_->head_and_slot.load(), gap = marks_->gap.load();
  State state{.head = TimeWaitMarks::first_of(head),
              .tail = marks_->tail.load(),
              .head_slot = TimeWaitMarks::second_of(head),
              .oldest = TimeWaitMarks::first_of(head),
              .gap_begin = TimeWaitMarks::first_of(gap),
              .gap_end = TimeWaitMarks::second_of(gap)};
  state.is_squeezing = state.gap_begin - state.head < state.tail - state.head;
  state.cursors.fill(state.head);
  return state;
}

/// False, and nothing is changed: no log is in this state.
bool TimeWaitLog::take(const State& s) noexcept {
  const LogRange range{s.head, s.tail - s.head};
  const auto is_in = [&](std::uint32_t position) {
    return range.has(position) || position == s.tail;
  };
  if (range.length > size() || s.head_slot >= size() || !is_in(s.oldest) || s.used > capacity())
    return false;
  if (s.is_squeezing != 0 &&
      (!is_in(s.gap_begin) || !is_in(s.gap_end) || !is_from(s.gap_end, s.gap_begin)))
    return false;
  head_ = s.head;
  tail_ = s.tail;
  head_slot_ = s.head_slot;
  oldest_ = s.oldest;
  used_ = s.used;
  in_use_ = s.in_use & ((1U << kClasses) - 1);
  squeezing_ = s.is_squeezing != 0;
  gap_begin_ = squeezing_ ? s.gap_begin : head_;
  gap_end_ = squeezing_ ? s.gap_end : head_;
  for (std::size_t cls = 0; cls < kClasses; ++cls) {
    classes_[cls].count = s.counts[cls];
    classes_[cls].cursor = s.cursors[cls];
  }
  return true;
}

/// What the file says makes no log.
TimeWaitLog::Restored TimeWaitLog::begin_empty() noexcept {
  take({});
  forget_index();
  mark_all();
  return {.is_unclean = true};
}

/// Records and the time of the last poll are told by this process's clock, rounded so that no hold
/// becomes shorter. Counts the entries anew, gathers those on trial, and returns how many of the
/// others have_ended().
std::uint32_t TimeWaitLog::go_on_in_time(std::vector<FlowKey4>& on_trial) {
  const Duration shift = memory_.file->clock_shift();
  const std::int64_t up = shift.us + 999;
  const auto shift_ms = static_cast<std::uint32_t>(up >= 0 ? up / 1'000 : (up - 999) / 1'000);
  now_ = Instant{marks_->now_us.load()} + shift;
  std::array<std::uint32_t, kClasses> counts{};
  std::uint32_t ended = 0;
  used_ = 0;
  for_each_record([&](std::uint32_t position) {
    TimeWaitRecord& record = (*this)[position];
    record.since_ms = (record.since_ms + shift_ms) & TimeWaitRecord::kTimeMask;
    if (record.kind == TimeWaitRecord::kOnTrial) {
      on_trial.push_back(record.key());
      ++used_;
    } else if (is_held(position, record)) {
      ++counts[record.kind];
      ++used_;
      ended += record.entry.has_ended() ? 1 : 0;
    }
  });
  for (std::size_t cls = 0; cls < kClasses; ++cls) classes_[cls].count = counts[cls];
  return ended;
}

/// True if as many entries are there as the state says.
bool TimeWaitLog::adds_up(const State& left) const noexcept {
  for (std::size_t cls = 0; cls < kClasses; ++cls)
    if (classes_[cls].count != left.counts[cls] ||
        (left.counts[cls] > 0) != ((in_use_ >> cls & 1) != 0))
      return false;
  return used_ == left.used;
}

/// Nothing is found any more until it is checked. Returns the cursors that the classes had.
TimeWaitLog::Cursors TimeWaitLog::forget_index() noexcept {
  Cursors cursors{};
  index_.clear(range());
  used_ = in_use_ = 0;
  oldest_ = head_;
  for (std::size_t cls = 0; cls < kClasses; ++cls) {
    cursors[cls] = classes_[cls].cursor;
    classes_[cls].cursor = head_;
    classes_[cls].count = 0;
  }
  return cursors;
}

/// Puts a record that is not dead into the index again, as one of this class, if its hold is not
/// over; true if it is there then. One that was on its way to another place may be there twice: the
/// later one counts.
bool TimeWaitLog::check(std::uint32_t position, std::uint32_t cls) noexcept {
  TimeWaitRecord& record = (*this)[position];
  const FlowKey4 key = record.key();
  const bool on_trial = record.kind == TimeWaitRecord::kOnTrial;
  const bool is_over = !on_trial && record.age(now_) >= classes_[cls].hold;
  const bool has_ports = key.is_ipv6_name() || (key.local_port != 0 && key.remote_port != 0);
  if (is_over || !has_ports) {
    record.kind = TimeWaitRecord::kDead;
    return false;
  }
  const std::uint32_t hash = secret_.hash(key);
  record.kind = TimeWaitRecord::kDead;  // so that it does not find itself
  if (const std::uint32_t earlier = find(key, hash); earlier != kNoIndex) erase(earlier, hash);
  if (used_ == capacity()) return false;
  record.kind = (on_trial ? TimeWaitRecord::kOnTrial : cls) & TimeWaitRecord::kKindMask;
  ++used_;
  index_.put(hash, tag_of(key, hash), position, range());
  if (on_trial) return true;
  ++classes_[cls].count;
  in_use_ |= 1U << cls;
  return true;
}

void TimeWaitLog::mark_all() noexcept {
  marks_->head_and_slot.store(TimeWaitMarks::both(head_, head_slot_), std::memory_order_release);
  marks_->tail.store(tail_, std::memory_order_release);
  marks_->now_us.store(now_.us, std::memory_order_release);
  mark_gap();
}

std::uint32_t TimeWaitLog::insert(const FlowKey4& key, std::uint32_t hash,
                                  const tcp::TimeWaitEntry& entry, std::uint32_t cls,
                                  Instant now) noexcept {
  if (used_ == capacity()) return kNoIndex;
  ++used_;
  next_record() = {.local_ip = key.local_ip,
                   .remote_ip = key.remote_ip,
                   .local_port = key.local_port,
                   .remote_port = key.remote_port,
                   .since_ms = TimeWaitRecord::time_of(now) & TimeWaitRecord::kTimeMask,
                   .answered_high = 0,
                   .is_ipv6 = key.zero & 1,
                   .kind = cls & TimeWaitRecord::kKindMask,
                   .entry = entry};
  return enlist(append(), hash, now);
}

std::uint32_t TimeWaitLog::hold_anew(std::uint32_t position, std::uint32_t hash, std::uint32_t cls,
                                     Instant now) noexcept {
  TimeWaitRecord record = (*this)[position];
  MAYFLY_ASSERT(is_there(position, record));
  record.kind = cls & TimeWaitRecord::kKindMask;
  record.begin(now);
  record.entry.flags &=
      static_cast<std::uint8_t>(~(tcp::TimeWaitEntry::kEnded | tcp::TimeWaitEntry::kSynAnswered));
  // In this order, so that a kill between the two loses nothing.
  next_record() = record;
  const std::uint32_t anew = append();
  erase(position, hash);
  ++used_;
  return enlist(anew, hash, now);
}

/// To be written before append(): built in its place, as what is written in pieces elsewhere can be
/// copied as a whole only after a wait.
TimeWaitRecord& TimeWaitLog::next_record() noexcept {
  MAYFLY_ASSERT(room() > 1);
  if (tail_ == kNoIndex) [[unlikely]]  // no entry has this position
    records_[slot(tail_++)].kind = TimeWaitRecord::kDead;
  return records_[slot(tail_)];
}

/// next_record() is written: it belongs to the log, behind the last one. Returns its position.
std::uint32_t TimeWaitLog::append() noexcept {
  const std::uint32_t position = tail_++;
  marks_->tail.store(tail_, std::memory_order_release);
  __builtin_prefetch(records_.data() + slot(position + 1), 1);
  return position;
}

/// Lets an appended record be found, and its hold begin.
std::uint32_t TimeWaitLog::enlist(std::uint32_t position, std::uint32_t hash,
                                  Instant now) noexcept {
  const TimeWaitRecord& record = (*this)[position];
  const FlowKey4 key = record.key();
  index_.put(hash, tag_of(key, hash), position, range());
  HoldClass& c = classes_[record.kind];
  if (c.count++ == 0) {
    c.cursor = position;
    in_use_ |= 1U << record.kind;
    next_due_ = std::min(next_due_, now + c.hold);
  }
  follow_with_head(kHeadSteps);
  if (squeezing_ || room() <= size() / kSqueezeAt) [[unlikely]] {
    squeeze(kSqueezeSteps);
    return find(key, hash);  // it may have been moved itself
  }
  return position;
}

void TimeWaitLog::begin_trial(std::uint32_t position, Instant now) noexcept {
  TimeWaitRecord& record = (*this)[position];
  MAYFLY_ASSERT(is_held(position, record));
  leave_class(record.kind);
  record.kind = TimeWaitRecord::kOnTrial;
  record.begin(now);
  record.forget_syn_answer();
}

void TimeWaitLog::erase(std::uint32_t position, std::uint32_t hash) noexcept {
  TimeWaitRecord& record = (*this)[position];
  MAYFLY_ASSERT(is_there(position, record));
  if (record.kind < kClasses) leave_class(record.kind);
  record.kind = TimeWaitRecord::kDead;
  --used_;
  index_.remove(hash, tag_of(record.key(), hash), position, range());
}

std::optional<TimeWaitRecord> TimeWaitLog::evict_oldest() noexcept {
  pass_what_is_over(size());
  if (oldest_ == tail_) return std::nullopt;
  const TimeWaitRecord& record = (*this)[oldest_];
  classes_[record.kind].cursor = ++oldest_;
  leave_class(record.kind);
  --used_;
  const TimeWaitRecord evicted = record;
  follow_with_head(kHeadSteps);
  return evicted;
}

void TimeWaitLog::set_hold(std::uint32_t cls, Duration hold) noexcept {
  MAYFLY_ASSERT(hold <= kHoldMax);
  classes_[cls].hold = Duration::from_ms((hold.us + 999) / 1'000);
  if (classes_[cls].count > 0) next_due_ = now_;  // it is worked out anew
}

TimeWaitLog::Expired TimeWaitLog::expire(Instant now, std::uint32_t budget) noexcept {
  Expired sum;
  // Records of a pause are not told from new ones: time goes on in steps, each done as a whole.
  while (now - now_ > kPauseMax && in_use_ != 0) {
    now_ = now_ + kPauseMax;
    for (std::uint32_t classes = in_use_; classes != 0; classes &= classes - 1) {
      const auto cls = static_cast<std::uint32_t>(std::countr_zero(classes));
      expire_class(classes_[cls], cls, now_, size(), sum);
    }
    sum.work = 0;
  }
  now_ = now;
  marks_->now_us.store(now.us, std::memory_order_release);
  if (now < next_due_) return sum;
  for (std::uint32_t classes = in_use_; classes != 0; classes &= classes - 1) {
    const auto cls = static_cast<std::uint32_t>(std::countr_zero(classes));
    expire_class(classes_[cls], cls, now, budget, sum);
  }
  sum.work += pass_what_is_over(budget);
  follow_with_head(budget);
  next_due_ = Instant::never();
  for (std::uint32_t classes = in_use_; classes != 0; classes &= classes - 1)
    note_due(classes_[static_cast<std::size_t>(std::countr_zero(classes))], now);
  return sum;
}

// Up to the first record that is not old enough, whatever its class.
void TimeWaitLog::expire_class(HoldClass& c, std::uint32_t cls, Instant now, std::uint32_t budget,
                               Expired& sum) noexcept {
  if (!is_from(c.cursor, head_)) c.cursor = head_;
  while (sum.work < budget) {
    c.cursor = beyond_gap(c.cursor);
    if (c.cursor == tail_ || c.count == 0) break;
    const TimeWaitRecord& record = (*this)[c.cursor];
    if (record.kind < kClasses && record.age(now) < c.hold) break;
    ++c.cursor;
    ++sum.work;
    if (record.kind != cls) continue;
    ++sum.entries;
    sum.ended += record.entry.has_ended() ? 1 : 0;
    leave_class(cls);
    --used_;
  }
}

void TimeWaitLog::note_due(const HoldClass& c, Instant now) noexcept {
  const std::uint32_t first = beyond_gap(is_from(c.cursor, head_) ? c.cursor : head_);
  const TimeWaitRecord& record = (*this)[first];
  Instant due = now;
  if (record.kind < kClasses && record.age(now) < c.hold) {
    const Instant tick{now.us - now.us % 1'000};
    due = tick + (c.hold - record.age(now));
  }
  next_due_ = std::min(next_due_, due);
}

// The oldest entry that is held is the one at oldest_, unless the steps were too few.
std::uint32_t TimeWaitLog::pass_what_is_over(std::uint32_t steps) noexcept {
  std::uint32_t done = 0;
  for (; done < steps; ++done) {
    oldest_ = beyond_gap(oldest_);
    if (oldest_ == tail_ || is_held(oldest_, (*this)[oldest_])) break;
    ++oldest_;
  }
  return done;
}

// The head stays behind an entry on trial, and never passes one that is held.
void TimeWaitLog::follow_with_head(std::uint32_t steps) noexcept {
  for (; steps > 0 && head_ != oldest_; --steps) {
    if (squeezing_ && head_ == gap_begin_) return end_squeeze();
    if ((*this)[head_].kind == TimeWaitRecord::kOnTrial) return;
    move_head(head_ + 1);
  }
}

void TimeWaitLog::move_head(std::uint32_t to) noexcept {
  head_slot_ = static_cast<std::uint32_t>(slot(to));
  head_ = to;
  marks_->head_and_slot.store(TimeWaitMarks::both(head_, head_slot_), std::memory_order_release);
}

void TimeWaitLog::squeeze(std::uint32_t steps) noexcept {
  if (!squeezing_) {
    squeezing_ = true;
    gap_begin_ = gap_end_ = tail_;
    mark_gap();
  }
  for (; steps > 0 && squeezing_; --steps) squeeze_one();
}

// The last record before the gap goes to the gap's end, or is dropped and the gap grows.
void TimeWaitLog::squeeze_one() noexcept {
  if (gap_begin_ == head_) return end_squeeze();
  const std::uint32_t from = gap_begin_ - 1;
  const TimeWaitRecord& record = (*this)[from];
  if (is_there(from, record)) {
    const std::uint32_t to = gap_end_ - 1;
    if (to != from) {
      (*this)[to] = record;
      const FlowKey4 key = record.key();
      const std::uint32_t hash = secret_.hash(key);
      index_.move(hash, tag_of(key, hash), from, to, range());
    }
    gap_end_ = to;
  }
  gap_begin_ = from;
  mark_gap();
}

void TimeWaitLog::end_squeeze() noexcept {
  MAYFLY_ASSERT(gap_begin_ == head_);
  oldest_ = beyond_gap(oldest_);
  move_head(gap_end_);
  gap_begin_ = gap_end_ = head_;
  squeezing_ = false;
  mark_gap();
}

}  // namespace mayfly::flow
