#include "flow/memory.h"

#include "flow/connections.h"
#include "flow/time_waits.h"

namespace mayfly::flow {

std::vector<MemoryItem> memory_plan(const ShardSizes& sizes) {
  std::vector<MemoryItem> items = Connections::plan(sizes);
  for (MemoryItem& item : TimeWaitMemory::plan(sizes.time_wait)) items.push_back(std::move(item));
  return items;
}

}  // namespace mayfly::flow
