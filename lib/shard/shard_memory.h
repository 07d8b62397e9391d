// The memory of a shard, sized at start from the configuration and never again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/region.h"
#include "base/result.h"
#include "base/slab.h"
#include "flow/block.h"
#include "flow/flow_table.h"
#include "flow/host_stamps.h"
#include "flow/rx_buffer.h"
#include "flow/time_wait_table.h"
#include "flow/tx_queue.h"

namespace mayfly {

/// How much of everything a shard has. All of it is taken by ShardMemory::create.
struct ShardSizes {
  std::uint32_t connections = 262'144;
  std::uint32_t time_wait = 1'000'000;
  std::uint32_t extents = 0;  ///< 0 = twice the connections
  std::uint32_t chunks = 8'192;
  std::uint32_t receive_buffers = 512;
  std::uint32_t receive_window = 65'535;

  static constexpr std::uint32_t kHostStamps = 16'384;  ///< a power of two

  std::uint32_t extents_or_default() const { return extents != 0 ? extents : 2 * connections; }
};

/// One line of the memory plan.
struct MemoryItem {
  std::string what;
  std::uint64_t count = 0;
  std::size_t bytes_each = 0, bytes = 0;
};

struct ShardMemory {
  Slab<ConnectionBlock> blocks;
  TimeWaitTable time_waits;
  TxPools tx;
  RxBuffers rx;
  FlowTable table;
  HostStamps host_stamps;

  /// Takes the memory; the error says what did not fit. `name` is unique in the process. `start`:
  /// when time begins.
  static Result<ShardMemory> create(const std::string& name, const ShardSizes& sizes,
                                    const Secret& secret, HugePages pages, Instant start);
  /// What create() will take, part by part.
  static std::vector<MemoryItem> plan(const ShardSizes& sizes);

 private:
  explicit ShardMemory(TimeWaitTable held) : time_waits(std::move(held)) {}

  std::vector<Region> regions_;
};

}  // namespace mayfly
