// How much of everything a shard has, taken at start and never again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mayfly::flow {

/// One core's sizes. All of it is taken at start.
struct ShardSizes {
  std::uint32_t connections = 262'144;    ///< live at once
  std::uint32_t time_wait = 1'000'000;    ///< TIME_WAIT entries
  std::uint32_t extents = 0;              ///< runs of bytes to send; 0 = twice the connections
  std::uint32_t chunks = 8'192;           ///< of 2 KiB, for copied text
  std::uint32_t receive_buffers = 512;    ///< receive windows for text that waits
  std::uint32_t receive_window = 65'535;  ///< bytes of each, rounded up to a power of two

  std::uint32_t extents_or_default() const { return extents != 0 ? extents : 2 * connections; }
};

/// One line of the memory plan.
struct MemoryItem {
  std::string what;
  std::uint64_t count = 0;
  std::size_t bytes_each = 0, bytes = 0;
};

inline MemoryItem memory_item(std::string what, std::uint64_t count, std::size_t bytes_each) {
  return {std::move(what), count, bytes_each, count * bytes_each};
}

/// What a shard of these sizes will take, part by part.
std::vector<MemoryItem> memory_plan(const ShardSizes& sizes);

}  // namespace mayfly::flow
