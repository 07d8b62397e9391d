// Connections that nobody here waits for any more, and whose peer lets them wait: closed by the
// app, their FIN or their last text not acknowledged at the first time-out, or the peer's FIN not
// come. Each holds a block until R2 or fin_wait_2.hold ends it; there may only be so many of them,
// and when there are more, or no block is left for a newcomer, the oldest goes first.
// One core's own; not thread-safe.
#pragma once

#include <cstdint>

#include "flow/block.h"
#include "flow/connections.h"
#include "flow/metrics.h"
#include "flow/settings.h"

namespace mayfly::flow {

class Orphans {
 public:
  /// All outlive this object, the policy until follow() replaces it.
  Orphans(Connections& connections, const OrphanPolicy& policy, ShardStats& stats) noexcept
      : policy_(&policy), all_(connections), stats_(stats) {}

  /// `policy` holds from here on, until the next call.
  void follow(const OrphanPolicy& policy) noexcept { policy_ = &policy; }

  /// The block's timer has fired: it joins, as the youngest, if it is an orphan by now. One that is
  /// in already keeps its place. A connection whose peer answers in time never comes here.
  void consider(ConnectionBlock& b) noexcept;
  /// The peer has acknowledged something, or the connection ends. Does nothing for a block that is
  /// not in.
  void leave(ConnectionBlock& b) noexcept;

  std::uint32_t count() const noexcept { return count_; }
  /// The one that has to end if there are more than the policy allows; else null.
  ConnectionBlock* surplus() noexcept {
    return policy_->most != 0 && count_ > policy_->most ? oldest() : nullptr;
  }
  /// The one that joined first; null if there is none.
  ConnectionBlock* oldest() noexcept {
    return oldest_ == kNoIndex ? nullptr : &all_.block(oldest_);
  }

 private:
  const OrphanPolicy* policy_;
  Connections& all_;
  ShardStats& stats_;
  std::uint32_t count_ = 0;
  std::uint32_t oldest_ = kNoIndex, youngest_ = kNoIndex;
};

}  // namespace mayfly::flow
