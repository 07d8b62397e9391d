#include "flow/time_wait_import.h"

#include <algorithm>

#include "flow/time_wait_log.h"

namespace mayfly::flow {

Result<ForeignTimeWaits> read_time_waits(const std::string& path, const FlowSecret& secret,
                                         std::uint64_t fingerprint, Duration hold, Instant now) {
  auto memory = TimeWaitLogMemory::copy_of(path, fingerprint, now);
  if (!memory) return memory.error();
  TimeWaitLog log(std::move(*memory), secret, now);
  for (std::uint32_t cls = 0; cls < TimeWaitLog::kClasses; ++cls)
    log.set_hold(cls, std::min(hold, TimeWaitLog::kHoldMax));
  // The classes of holds are those of this server alone.
  const TimeWaitLog::Restored there =
      log.restore(0, now, [](const TimeWaitRecord&) { return std::uint32_t{0}; });
  ForeignTimeWaits read;
  log.expire(now, UINT32_MAX);
  std::optional<std::uint32_t> next = log.end();
  while (next)
    next = log.look_back(*next, UINT32_MAX, [&](const TimeWaitRecord& record, std::uint32_t) {
      const bool is_over = record.age(now) >= hold || record.entry.has_ended();
      if (!is_over) read.entries.push_back({record.key(), record.entry, now - record.age(now)});
      return true;
    });
  std::ranges::reverse(read.entries);
  read.expired = there.entries - read.entries.size();
  return read;
}

}  // namespace mayfly::flow
