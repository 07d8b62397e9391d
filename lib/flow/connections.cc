#include "flow/connections.h"

#include <algorithm>
#include <type_traits>

namespace mayfly::flow {

std::vector<MemoryItem> Connections::plan(const ShardSizes& sizes) {
  const std::size_t buffer = RxBuffers::size_for(sizes.receive_window);
  const std::size_t table = FlowTable::bytes_needed(sizes.connections, sizes.ipv6);
  return {
      memory_item("connections", sizes.connections, sizeof(ConnectionBlock)),
      {"flow table", sizes.connections, table / std::max(sizes.connections, 1u), table},
      memory_item("send extents", sizes.extents_or_default(), sizeof(Extent)),
      memory_item("loss records", sizes.loss_records_or_default(), sizeof(PooledLossRecord)),
      memory_item("send chunks", sizes.chunks, sizeof(Chunk)),
      memory_item("receive buffers", sizes.receive_buffers + 1, buffer + sizeof(RxBuffers::Place)),
  };
}

Result<Connections> Connections::create(const std::string& name, const ShardSizes& sizes,
                                        const FlowSecret& secret, HugePages pages, Instant start) {
  Connections made(start);
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
  made.blocks_ =
      Slab(take(std::type_identity<ConnectionBlock>{}, "connections", sizes.connections));
  made.tx_.extents =
      Slab(take(std::type_identity<Extent>{}, "send extents", sizes.extents_or_default()));
  made.loss_records_ = Slab(take(std::type_identity<PooledLossRecord>{}, "loss records",
                                 sizes.loss_records_or_default()));
  made.tx_.chunks = Slab(take(std::type_identity<Chunk>{}, "send chunks", sizes.chunks));
  made.tx_.extent_share = PoolShare(made.tx_.extents.capacity(), sizes.connections);
  made.tx_.chunk_share = PoolShare(made.tx_.chunks.capacity(), sizes.connections);
  const std::uint32_t buffer = RxBuffers::size_for(sizes.receive_window);
  const auto buffers = take(std::type_identity<std::byte>{}, "receive buffers",
                            (std::size_t{sizes.receive_buffers} + 1) * buffer);
  const auto places =
      take(std::type_identity<RxBuffers::Place>{}, "receive buffers", sizes.receive_buffers);
  if (!failure.empty()) return Error{failure};
  made.rx_ = RxBuffers(buffers, buffer, places);
  auto table = FlowTable::create(name, sizes.connections, secret, pages, sizes.ipv6);
  if (!table) return table.error();
  made.table_ = std::move(*table);
  return made;
}

bool Connections::lend_record(ConnectionBlock& b) noexcept {
  const std::uint32_t index = loss_records_.take();
  if (index == kNoIndex) return false;
  tcp::lend_record(b.tcp, loss_records_[index]);
  loss_records_[index].owner = index_of(b);
  loss_records_[index].since = now_;
  return true;
}

void Connections::take_record_back(ConnectionBlock& b) noexcept {
  auto& record = static_cast<PooledLossRecord&>(tcp::take_record_back(b.tcp));
  loss_records_.give_back(static_cast<std::uint32_t>(&record - &loss_records_[0]));
}

// A block opened meanwhile goes by the new settings anyway; being told twice changes nothing.
void Connections::retime_some() noexcept {
  const std::uint32_t all = blocks_.fresh();
  const std::uint32_t end = std::min(retime_next_ + kRetimeBudget, all);
  for (; retime_next_ < end; ++retime_next_) {
    ConnectionBlock& b = blocks_[retime_next_];
    if (b.tcp.state == tcp::State::closed) continue;
    follow_settings(b.tcp, *tcp_, now_);
    arm(b);
  }
  if (retime_next_ == all) retime_next_ = kNoIndex;
}

}  // namespace mayfly::flow
