#include "flow/time_wait_table.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/assert.h"

namespace mayfly::flow {
namespace {

std::size_t buckets_for(std::uint32_t capacity) {
  return std::bit_ceil(std::max<std::size_t>(capacity, 64));
}

}  // namespace

std::size_t TimeWaitTable::bytes_needed(std::uint32_t capacity) {
  return std::size_t{capacity} * sizeof(TimeWaitRecord) +
         buckets_for(capacity) * sizeof(std::uint32_t);
}

Result<TimeWaitTable> TimeWaitTable::create(std::uint32_t capacity, HugePages pages,
                                            Instant start) {
  TimeWaitTable made(start);
  auto records = Region::map(std::max<std::size_t>(capacity, 1) * sizeof(TimeWaitRecord), pages);
  auto buckets = Region::map(buckets_for(capacity) * sizeof(std::uint32_t), pages);
  for (const auto* region : {&records, &buckets})
    if (!*region)
      return Error{"no memory for " + std::to_string(capacity) +
                   " TIME_WAIT entries: " + region->error().what};
  for (auto* region : {&records, &buckets}) (*region)->touch();
  made.records_memory_ = std::move(*records);
  made.buckets_memory_ = std::move(*buckets);
  made.records_ = Slab(made.records_memory_.as<TimeWaitRecord>().first(capacity));
  made.buckets_ = made.buckets_memory_.as<std::uint32_t>().first(buckets_for(capacity));
  return made;
}

std::uint32_t TimeWaitTable::insert(const FlowKey4& key, std::uint32_t hash,
                                    const tcp::TimeWaitEntry& entry) noexcept {
  const std::uint32_t index = records_.take();
  if (index == kNoIndex) return kNoIndex;
  TimeWaitRecord& record = records_[index];
  std::uint32_t& first = buckets_[bucket(hash)];
  record.timer = {};
  record.next = first;
  record.local_ip = key.local_ip;
  record.remote_ip = key.remote_ip;
  record.local_port = key.local_port;
  record.remote_port = key.remote_port;
  record.entry = entry;
  first = index + 1;
  return index;
}

void TimeWaitTable::erase(std::uint32_t index, std::uint32_t hash) noexcept {
  suspend(index);
  std::uint32_t* link = &buckets_[bucket(hash)];
  while (*link != index + 1) {
    MAYFLY_ASSERT(*link != 0);
    link = &records_[*link - 1].next;
  }
  *link = records_[index].next;
  records_.give_back(index);
}

void TimeWaitTable::hold(std::uint32_t index, Duration hold, Instant now) noexcept {
  Nodes nodes{records_};
  MAYFLY_ASSERT(hold < kHoldMax);
  TimeWaitRecord& record = records_[index];
  record.since_ms = now.ts_ms() & TimeWaitRecord::kTimeMask;
  record.entry.flags &=
      static_cast<std::uint8_t>(~(tcp::TimeWaitEntry::kEnded | tcp::TimeWaitEntry::kSynAnswered));
  wheel_.arm(nodes, index, now + hold);
}

bool TimeWaitTable::end_by(std::uint32_t index, Instant deadline) noexcept {
  // One tick later counts as the same: deadlines are rounded up to a tick.
  if (wheel_.deadline_of(records_[index].timer) <= deadline + Duration::from_ms(1)) return false;
  Nodes nodes{records_};
  wheel_.arm(nodes, index, deadline);
  return true;
}

std::size_t TimeWaitTable::advance(Instant now, std::span<std::uint32_t> due,
                                   std::size_t& count) noexcept {
  Nodes nodes{records_};
  count = 0;
  return wheel_.advance(nodes, now, static_cast<std::uint32_t>(due.size()),
                        [&](std::uint32_t i) { due[count++] = i; });
}

}  // namespace mayfly::flow
