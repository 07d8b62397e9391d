#include "flow/idle_holders.h"

#include <algorithm>

namespace mayfly::flow {
namespace {

bool takes_nothing(const tcp::Connection& c) noexcept {
  return c.has(tcp::conn_flag::persist) || c.retries > 0;
}

/// Of the next places, as many as one call looks at: whose was taken longest ago, at least
/// `patience`, of those with `is_idle(owner)`.
template <class Places, class IsIdle>
ConnectionBlock* longest(Connections& all, const Places& places, std::uint32_t count,
                         std::uint32_t& next, Duration patience, IsIdle&& is_idle) noexcept {
  Instant oldest = all.now() - patience;
  ConnectionBlock* found = nullptr;
  for (std::uint32_t i = std::min(IdleHolders::kBudget, count); i > 0; --i) {
    next = next + 1 < count ? next + 1 : 0;
    const auto& place = places[next];
    if (place.owner == kNoIndex || place.since > oldest) continue;
    ConnectionBlock& owner = all.block(place.owner);
    if (!is_idle(owner)) continue;
    oldest = place.since;
    found = &owner;
  }
  return found;
}

}  // namespace

ConnectionBlock* IdleHolders::of_chunk() noexcept {
  const Slab<Chunk>& chunks = all_.tx().chunks;
  return longest(all_, chunks, chunks.fresh(), next_chunk_, kChunkPatience,
                 [](const ConnectionBlock& owner) { return takes_nothing(owner.tcp); });
}

ConnectionBlock* IdleHolders::of_receive_buffer() noexcept {
  const std::span<const RxBuffers::Place> places = all_.rx().places();
  return longest(all_, places, static_cast<std::uint32_t>(places.size()), next_buffer_,
                 kBufferPatience,
                 [](const ConnectionBlock& owner) { return owner.rx.unread() == 0; });
}

ConnectionBlock* IdleHolders::of_record() noexcept {
  const Slab<PooledLossRecord>& records = all_.loss_records();
  MAYFLY_ASSERT(records.full());
  return longest(all_, records, records.capacity(), next_record_, kRecordPatience,
                 [](const ConnectionBlock& owner) {
                   return is_record_dispensable(owner.tcp) && owner.rx.unread() == 0;
                 });
}

}  // namespace mayfly::flow
