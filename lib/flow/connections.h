// A core's live connections: their blocks, found by four-tuple; the pools of their queues; their
// timers; and the list of those with output to send. TCP decides what a connection sends
// (tcp/tcp.h), the Shard decides when. Owned by one core; not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "base/burst.h"
#include "base/region.h"
#include "base/result.h"
#include "base/slab.h"
#include "base/time.h"
#include "flow/block.h"
#include "flow/flow_table.h"
#include "flow/memory.h"
#include "flow/metrics.h"
#include "flow/rx_buffer.h"
#include "flow/tx_queue.h"
#include "tcp/tcp.h"
#include "timer/wheel.h"

namespace mayfly::flow {

class Connections {
 public:
  /// Most blocks that retime() visits in one call.
  static constexpr std::uint32_t kRetimeBudget = 256;

  /// Allocates memory for `sizes`; the error names the part for which there was none. `name` is
  /// that of the rte_hash and must be unique in the process. `start` is the initial time.
  static Result<Connections> create(const std::string& name, const ShardSizes& sizes,
                                    const FlowSecret& secret, HugePages pages, Instant start);
  /// The memory that create() allocates, part by part.
  static std::vector<MemoryItem> plan(const ShardSizes& sizes);

  // -- time and settings

  /// Sets the time and the settings for all connections, until the next call. `tcp` is kept by
  /// reference. The first call comes before any use.
  void set_clock(Instant now, const tcp::TcpSettings& tcp) noexcept {
    now_ = now;
    tcp_ = &tcp;
  }
  Instant now() const noexcept { return now_; }
  const tcp::TcpSettings& tcp() const noexcept { return *tcp_; }

  // -- finding

  const FlowTable& table() const noexcept { return table_; }
  std::uint32_t index_of(const ConnectionBlock& b) const noexcept {
    return static_cast<std::uint32_t>(&b - &blocks_[0]);
  }
  bool is_ipv6(const ConnectionBlock& b) const noexcept { return table_.is_ipv6(b.tcp.slot); }
  const FlowKey4& key_of(const ConnectionBlock& b) const noexcept { return table_.key(b.tcp.slot); }
  /// The same if is_ipv6().
  const FlowKey6& key6_of(const ConnectionBlock& b) const noexcept {
    return table_.key6(b.tcp.slot);
  }
  /// The block of the flow at a position that FlowTable::find returned, not negative.
  ConnectionBlock& at(std::int32_t position) noexcept {
    MAYFLY_ASSERT(position >= 0);
    return blocks_[table_.block(static_cast<std::uint32_t>(position))];
  }
  /// Prefetches the cache lines of the block that every segment touches.
  void prefetch(std::int32_t position) const noexcept;

  // -- opening and closing

  /// Takes a block for a four-tuple that has none; null if there is no room. `link` is the index of
  /// the shard's port. The caller then opens the block's `tcp` (tcp/tcp.h), of which only the slot,
  /// the flags and the timer are set.
  template <class Key>
  ConnectionBlock* open(const Key& key, std::uint32_t hash, std::uint8_t link) noexcept;
  /// Removes a connection in CLOSED from the table and the wheel, and frees its buffers. Its
  /// four-tuple is free at once; its block is freed by pop_pending().
  void close(ConnectionBlock& b) noexcept;

  // -- text

  /// Tells TCP of queued bytes, at most 2^30 beyond what is acknowledged (see tcp::queue_text).
  /// Once TCP has all of them, it is also told of a close() that was called after they were queued.
  void announce_text(ConnectionBlock& b) noexcept;
  TxPools& tx() noexcept { return tx_; }
  const TxPools& tx() const noexcept { return tx_; }
  RxBuffers& rx() noexcept { return rx_; }
  const RxBuffers& rx() const noexcept { return rx_; }

  // -- losses

  /// Lends the connection a tcp::LossRecord, which it has not. False: all are in use. It is taken
  /// back when it is idle, at the end of a poll, or when the connection closes.
  bool lend_record(ConnectionBlock& b) noexcept;
  /// Takes the connection's record back, which is dispensable and holds no text.
  void take_record_back(ConnectionBlock& b) noexcept;
  /// Does so if the connection has one that is idle.
  void reclaim_record(ConnectionBlock& b) noexcept {
    if (b.tcp.loss != nullptr && is_record_idle(b.tcp)) [[unlikely]]
      take_record_back(b);
  }
  const Slab<PooledLossRecord>& loss_records() const noexcept { return loss_records_; }

  // -- output and time

  /// Puts the block at the end of its link's list of pending output, if it is not in it. Each link
  /// has a list of its own, so that a link without room makes nobody wait but its own connections.
  void want_output(ConnectionBlock& b) noexcept;
  /// The first block in the link's list, or null.
  ConnectionBlock* pending(std::uint8_t link) noexcept {
    const std::uint32_t first = pending_[link].first;
    return first == kNoIndex ? nullptr : &blocks_[first];
  }
  bool has_pending(std::uint8_t link) const noexcept { return pending_[link].first != kNoIndex; }
  /// The first block's output is out: it leaves the link's list. A closed one is freed, of an open
  /// one the timer is armed.
  void pop_pending(std::uint8_t link) noexcept;
  /// The link has no room: the deadlines of those in its list hold all the same. Arms the timers of
  /// at most `budget` blocks that joined the list since the last call.
  void watch_pending(std::uint8_t link, std::uint32_t budget) noexcept;
  /// The same for one block in a list, whose timer has just fired.
  void watch(ConnectionBlock& b) noexcept {
    if (b.tcp.state != tcp::State::closed) arm(b);
  }

  /// Calls expired(block) for each block whose deadline has passed, at most `budget` of them.
  /// Returns the work done: timers fired, or moved within the wheel.
  template <class F>
  std::uint32_t expire(std::uint32_t budget, F&& expired) noexcept {
    Nodes nodes{blocks_};
    return timers_.advance(nodes, now_, budget,
                           [&](std::uint32_t index) { expired(blocks_[index]); });
  }
  /// Is the block's timer armed for `due`, which is not never, or earlier?
  bool fires_by(const ConnectionBlock& b, Instant due) const noexcept {
    return timers_.fires_by(b.tcp.timer, due);
  }
  /// When expire() or retime() has work next, or earlier; never() if no timer is armed.
  Instant next_due() const noexcept { return retime_next_ == kNoIndex ? timers_.next_due() : now_; }

  /// New settings of set_clock() change how long connections wait: retime() has to visit all of
  /// them.
  void begin_retiming() noexcept { retime_next_ = 0; }
  /// Sets the timers of some connections by the new settings. Returns whether any were left to
  /// visit.
  bool retime() noexcept {
    if (retime_next_ == kNoIndex) [[likely]]
      return false;
    retime_some();
    return true;
  }

  // -- all of them

  /// Blocks in use.
  std::uint32_t used() const noexcept { return blocks_.used(); }
  std::uint32_t capacity() const noexcept { return blocks_.capacity(); }
  /// Hardly a block is left: a burst of newcomers could take them all.
  bool is_nearly_full() const noexcept {
    const std::uint32_t few = std::min<std::uint32_t>(kBurstMax, capacity() / 16);
    return blocks_.used() + few >= capacity();
  }
  /// A block by its index, below fresh(), in use or not.
  ConnectionBlock& block(std::uint32_t index) noexcept { return blocks_[index]; }
  const ConnectionBlock& block(std::uint32_t index) const noexcept { return blocks_[index]; }
  /// Blocks from this index on were never used.
  std::uint32_t fresh() const noexcept { return blocks_.fresh(); }
  /// Calls f(block) for every open connection; f may close it. Not a hot path.
  template <class F>
  void for_each(F&& f) noexcept {
    for (std::uint32_t i = 0; i < blocks_.fresh(); ++i)
      if (blocks_[i].tcp.state != tcp::State::closed) f(blocks_[i]);
  }

 private:
  struct Nodes {
    Slab<ConnectionBlock>& slab;
    timer::WheelNode& wheel_node(std::uint32_t i) noexcept { return slab[i].tcp.timer; }
  };
  struct alignas(16) PendingList {
    std::uint32_t first = kNoIndex, last = kNoIndex;
    std::uint32_t watched = kNoIndex;  // up to this block timers are armed; none: of nobody
  };
  explicit Connections(Instant start) : now_(start), timers_(start) {}
  void arm(ConnectionBlock& b) noexcept;
  void retime_some() noexcept;

  Instant now_;
  const tcp::TcpSettings* tcp_ = nullptr;
  std::array<PendingList, 1 + std::numeric_limits<std::uint8_t>::max()> pending_;  // by link
  std::uint32_t retime_next_ = kNoIndex;  // the block that retime() visits next; none: it is done
  Slab<ConnectionBlock> blocks_;
  Slab<PooledLossRecord> loss_records_;
  TxPools tx_;
  RxBuffers rx_;
  FlowTable table_;
  timer::TimerWheel timers_;
  std::vector<Region> regions_;
};

inline void Connections::prefetch(std::int32_t position) const noexcept {
  const char* block =
      reinterpret_cast<const char*>(&blocks_[table_.block(static_cast<std::uint32_t>(position))]);
  __builtin_prefetch(block);
  __builtin_prefetch(block + 64);
  __builtin_prefetch(block + offsetof(ConnectionBlock, tcp.loss));
  __builtin_prefetch(block + offsetof(ConnectionBlock, app));
  __builtin_prefetch(block + offsetof(ConnectionBlock, tx));
}

template <class Key>
ConnectionBlock* Connections::open(const Key& key, std::uint32_t hash, std::uint8_t link) noexcept {
  const std::uint32_t index = blocks_.take();
  if (index == kNoIndex) return nullptr;
  const std::int32_t position = table_.insert(key, hash, index);
  if (position < 0) {
    blocks_.give_back(index);
    return nullptr;
  }
  ConnectionBlock& b = blocks_[index];
  b.tcp.slot = static_cast<std::uint32_t>(position);
  b.tx = {};
  b.rx = {};
  b.app = {};
  b.wake_at = Instant::never();
  b.next_pending = kNoIndex;
  b.on_trial = false;
  b.hash = hash;
  b.retransmits = 0;
  b.opened_at = now_;
  b.local_port = key.local_port_host();
  b.port = link;
  b.is_challenged = false;
  b.last_state = b.counted_as = tcp::State::closed;
  b.tcp.flags = 0;
  b.tcp.timer = {};
  MAYFLY_ASSERT(b.tcp.loss == nullptr);
  return &b;
}

inline void Connections::close(ConnectionBlock& b) noexcept {
  MAYFLY_ASSERT(b.tcp.state == tcp::State::closed && !b.tcp.has(block_flag::dead));
  b.tcp.set(block_flag::dead);
  if (b.tx.queued() > 0) b.tx.clear(tx_);
  b.rx.release(rx_);
  if (b.tcp.loss != nullptr) take_record_back(b);
  Nodes nodes{blocks_};
  timers_.disarm(nodes, index_of(b));
  table_.erase(b.tcp.slot, b.hash);
  ++b.generation;
  want_output(b);
}

inline void Connections::announce_text(ConnectionBlock& b) noexcept {
  const std::uint64_t waiting = unannounced(b);
  if (waiting == 0) return;
  constexpr std::uint32_t kAheadMax = 1u << 30;
  const std::uint32_t ahead = static_cast<std::uint32_t>(b.tcp.snd_end - b.tcp.snd_una);
  const auto n = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(waiting, kAheadMax - std::min(ahead, kAheadMax)));
  if (n == 0) return;
  queue_text(b.tcp, n);
  want_output(b);
  if (n == waiting && b.tcp.has(block_flag::close_later | block_flag::close_later_both)) {
    const bool both = b.tcp.has(block_flag::close_later_both);
    b.tcp.clear(block_flag::close_later | block_flag::close_later_both);
    tcp::close(b.tcp, both, *tcp_, now_);
  }
}

inline void Connections::want_output(ConnectionBlock& b) noexcept {
  if (b.tcp.has(block_flag::pending)) return;
  b.tcp.set(block_flag::pending);
  b.next_pending = kNoIndex;
  PendingList& list = pending_[b.port];
  const std::uint32_t index = index_of(b);
  (list.first == kNoIndex ? list.first : blocks_[list.last].next_pending) = index;
  list.last = index;
}

inline void Connections::pop_pending(std::uint8_t link) noexcept {
  PendingList& list = pending_[link];
  MAYFLY_ASSERT(list.first != kNoIndex);
  const std::uint32_t index = list.first;
  ConnectionBlock& b = blocks_[index];
  list.first = b.next_pending;
  if (list.watched == index) list.watched = kNoIndex;
  b.tcp.clear(block_flag::pending);
  reclaim_record(b);
  if (b.tcp.state != tcp::State::closed) return arm(b);
  MAYFLY_ASSERT(b.tcp.has(block_flag::dead));
  blocks_.give_back(index);
}

inline void Connections::watch_pending(std::uint8_t link, std::uint32_t budget) noexcept {
  PendingList& list = pending_[link];
  std::uint32_t next = list.watched == kNoIndex ? list.first : blocks_[list.watched].next_pending;
  for (; next != kNoIndex && budget > 0; --budget) {
    ConnectionBlock& b = blocks_[next];
    watch(b);
    list.watched = next;
    next = b.next_pending;
  }
}

// The timer is armed again only for an earlier deadline; a later one is found when the old one
// fires. So a connection that ends before its first deadline costs one arming and one disarming.
inline void Connections::arm(ConnectionBlock& b) noexcept {
  const Instant due = std::min(next_deadline(b.tcp), b.wake_at);
  if (due.is_never() || fires_by(b, due)) return;
  Nodes nodes{blocks_};
  timers_.arm(nodes, index_of(b), due);
}

}  // namespace mayfly::flow
