#include "flow/orphans.h"

#include "base/assert.h"

namespace mayfly::flow {
namespace {

bool is_orphan(const ConnectionBlock& b) noexcept {
  return tcp::is_abandoned(b.tcp) && (b.tcp.retries > 0 || b.tcp.state == tcp::State::fin_wait_2);
}

}  // namespace

void Orphans::consider(ConnectionBlock& b) noexcept {
  if (b.tcp.has(block_flag::orphan) || b.tcp.state == tcp::State::closed || !is_orphan(b)) return;
  const std::uint32_t index = all_.index_of(b);
  b.tcp.set(block_flag::orphan);
  b.older = youngest_;
  b.younger = kNoIndex;
  (youngest_ == kNoIndex ? oldest_ : all_.block(youngest_).younger) = index;
  youngest_ = index;
  ++count_;
  stats_.orphans.set(count_);
}

void Orphans::leave(ConnectionBlock& b) noexcept {
  if (!b.tcp.has(block_flag::orphan)) [[likely]]
    return;
  MAYFLY_ASSERT(count_ > 0);
  b.tcp.clear(block_flag::orphan);
  (b.older == kNoIndex ? oldest_ : all_.block(b.older).younger) = b.younger;
  (b.younger == kNoIndex ? youngest_ : all_.block(b.younger).older) = b.older;
  --count_;
  stats_.orphans.set(count_);
}

}  // namespace mayfly::flow
