#include "shard/shard_memory.h"

#include <numeric>

namespace mayfly {

std::vector<MemoryItem> ShardMemory::plan(const ShardSizes& sizes) {
  const std::size_t buffer = RxBuffers::size_for(sizes.receive_window);
  const auto item = [](std::string what, std::uint64_t count, std::size_t each) {
    return MemoryItem{std::move(what), count, each, count * each};
  };
  return {
      item("connections", sizes.connections, sizeof(ConnectionBlock)),
      {"TIME_WAIT entries", sizes.time_wait,
       TimeWaitTable::bytes_needed(sizes.time_wait) / std::max(sizes.time_wait, 1u),
       TimeWaitTable::bytes_needed(sizes.time_wait)},
      {"flow table", sizes.connections,
       FlowTable::bytes_needed(sizes.connections) / std::max(sizes.connections, 1u),
       FlowTable::bytes_needed(sizes.connections)},
      item("timestamps of hosts", ShardSizes::kHostStamps, sizeof(HostStamp)),
      item("send extents", sizes.extents_or_default(), sizeof(Extent)),
      item("send chunks", sizes.chunks, sizeof(Chunk)),
      item("receive buffers", sizes.receive_buffers, buffer + sizeof(std::uint32_t)),
  };
}

Result<ShardMemory> ShardMemory::create(const std::string& name, const ShardSizes& sizes,
                                        const Secret& secret, HugePages pages, Instant start) {
  auto time_waits = TimeWaitTable::create(sizes.time_wait, pages, start);
  if (!time_waits) return time_waits.error();
  ShardMemory made(std::move(*time_waits));
  std::string failure;
  // The span of `count` T in fresh memory of its own; empty and `failure` set if there is none.
  const auto take = [&]<class T>(std::type_identity<T>, const char* what, std::size_t count) {
    auto region = Region::map(std::max<std::size_t>(count, 1) * sizeof(T), pages);
    if (!region) {
      if (failure.empty())
        failure = std::string("no memory for the ") + what + ": " + region.error().what;
      return std::span<T>();
    }
    made.regions_.push_back(std::move(*region));
    return made.regions_.back().template as<T>().first(count);
  };
  made.blocks = Slab(take(std::type_identity<ConnectionBlock>{}, "connections", sizes.connections));
  made.tx.extents =
      Slab(take(std::type_identity<Extent>{}, "send extents", sizes.extents_or_default()));
  made.tx.chunks = Slab(take(std::type_identity<Chunk>{}, "send chunks", sizes.chunks));
  const std::uint32_t buffer = RxBuffers::size_for(sizes.receive_window);
  const auto buffers = take(std::type_identity<std::byte>{}, "receive buffers",
                            std::size_t{sizes.receive_buffers} * buffer);
  const auto free_list =
      take(std::type_identity<std::uint32_t>{}, "receive buffers", sizes.receive_buffers);
  made.host_stamps = HostStamps(
      take(std::type_identity<HostStamp>{}, "timestamps of hosts", ShardSizes::kHostStamps));
  if (!failure.empty()) return Error{failure};
  made.rx = RxBuffers(buffers, buffer, free_list);
  auto table = FlowTable::create(name, sizes.connections, secret, pages);
  if (!table) return table.error();
  made.table = std::move(*table);
  return made;
}

}  // namespace mayfly
