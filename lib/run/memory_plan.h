// The memory that a process will allocate, part by part, before it allocates any. The start and
// `mayfly check` show the same plan and refuse the same configurations.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nic/settings.h"
#include "shard/settings.h"

namespace mayfly::run {

/// The memory of one role of a process.
struct MemoryPlan {
  struct Line {
    std::string what;       ///< "server connections"
    std::string sum;        ///< how `bytes` is computed: "2 x 262144 x 256 B"
    std::size_t bytes = 0;  ///< of all cores
  };
  std::vector<Line> lines;
  std::size_t bytes = 0;      ///< the sum
  std::size_t eal_bytes = 0;  ///< the part from the EAL: packet buffers, flow tables
};

/// The plan for one role (a server, a generator) of the process. `extra_bytes` are those of the app
/// for each core.
MemoryPlan plan_memory(const shard::EndSettings& end, const nic::ProcessSettings& process,
                       const std::string& role, std::size_t extra_bytes);

/// Bytes that are free now.
struct FreeMemory {
  std::size_t ordinary = 0;  ///< MemAvailable of /proc/meminfo
  std::size_t huge = 0;      ///< free hugepages
  std::size_t all() const { return ordinary + huge; }
};
FreeMemory free_memory();

/// The plans as a table with their sum: several lines, without a line break at the end.
std::string memory_table(std::span<const MemoryPlan> plans);

/// An error of usage if the plans need more than is free. It shows the arithmetic, and what to
/// change.
Result<void> check_memory(std::span<const MemoryPlan> plans, const FreeMemory& free);

}  // namespace mayfly::run
