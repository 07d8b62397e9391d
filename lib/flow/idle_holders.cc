#include "flow/idle_holders.h"

#include <algorithm>

namespace mayfly::flow {
namespace {

bool takes_nothing(const tcp::Connection& c) noexcept {
  return c.has(tcp::conn_flag::persist) || c.retries > 0;
}

}  // namespace

ConnectionBlock* IdleHolders::of_chunk() noexcept {
  const Slab<Chunk>& chunks = all_.tx().chunks;
  Instant oldest = all_.now() - kChunkPatience;
  ConnectionBlock* found = nullptr;
  for (std::uint32_t i = std::min(kBudget, chunks.fresh()); i > 0; --i) {
    next_chunk_ = next_chunk_ + 1 < chunks.fresh() ? next_chunk_ + 1 : 0;
    const Chunk& chunk = chunks[next_chunk_];
    if (chunk.owner == kNoIndex || chunk.since > oldest) continue;
    ConnectionBlock& owner = all_.block(chunk.owner);
    if (!takes_nothing(owner.tcp)) continue;
    oldest = chunk.since;
    found = &owner;
  }
  return found;
}

ConnectionBlock* IdleHolders::of_receive_buffer() noexcept {
  const std::span<const RxBuffers::Place> places = all_.rx().places();
  Instant oldest = all_.now() - kBufferPatience;
  ConnectionBlock* found = nullptr;
  for (std::size_t i = std::min<std::size_t>(kBudget, places.size()); i > 0; --i) {
    next_buffer_ = next_buffer_ + 1 < places.size() ? next_buffer_ + 1 : 0;
    const RxBuffers::Place& place = places[next_buffer_];
    if (place.owner == kNoIndex || place.since > oldest) continue;
    ConnectionBlock& owner = all_.block(place.owner);
    if (owner.rx.unread() > 0) continue;
    oldest = place.since;
    found = &owner;
  }
  return found;
}

ConnectionBlock* IdleHolders::of_record() noexcept {
  const Slab<PooledLossRecord>& records = all_.loss_records();
  MAYFLY_ASSERT(records.full());
  Instant oldest = all_.now() - kRecordPatience;
  ConnectionBlock* found = nullptr;
  for (std::uint32_t i = std::min(kBudget, records.capacity()); i > 0; --i) {
    next_record_ = next_record_ + 1 < records.capacity() ? next_record_ + 1 : 0;
    const PooledLossRecord& record = records[next_record_];
    if (record.since > oldest) continue;
    ConnectionBlock& owner = all_.block(record.owner);
    if (!is_record_dispensable(owner.tcp) || owner.rx.unread() > 0) continue;
    oldest = record.since;
    found = &owner;
  }
  return found;
}

}  // namespace mayfly::flow
