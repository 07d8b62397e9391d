// How much of each resource a shard has. All of its memory is allocated at start.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mayfly::flow {

/// The sizes of one core's tables and pools.
struct ShardSizes {
  std::uint32_t connections = 262'144;    ///< live at once
  std::uint32_t time_wait = 1'000'000;    ///< TIME_WAIT entries
  std::uint32_t extents = 0;              ///< runs of bytes to send (Extent); 0 = 2 x connections
  std::uint32_t chunks = 8'192;           ///< of 2 KiB, for copied text
  std::uint32_t receive_buffers = 512;    ///< for text out of order or not yet taken by the app
  std::uint32_t receive_window = 65'535;  ///< bytes of each, rounded up to a power of two
  bool ipv6 = false;                      ///< connections may be over IPv6 too
  /// LossRecords; 0 = one for every eighth connection, but 4,096 at least.
  std::uint32_t loss_records = 0;

  std::uint32_t extents_or_default() const { return extents != 0 ? extents : 2 * connections; }
  std::uint32_t loss_records_or_default() const {
    constexpr std::uint32_t kLeast = 4'096, kShare = 8;
    const std::uint32_t some = std::max(connections / kShare, kLeast);
    return loss_records != 0 ? loss_records : std::min(connections, some);
  }
};

/// One line of the memory plan.
struct MemoryItem {
  std::string what;
  std::uint64_t count = 0;
  std::size_t bytes_each = 0, bytes = 0;  ///< of one, and of all
};

inline MemoryItem memory_item(std::string what, std::uint64_t count, std::size_t bytes_each) {
  return {std::move(what), count, bytes_each, count * bytes_each};
}

/// The memory that a shard of these sizes allocates, part by part.
std::vector<MemoryItem> memory_plan(const ShardSizes& sizes);

}  // namespace mayfly::flow
