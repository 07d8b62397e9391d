// What a connection has to send, as extents. An extent points to memory that does not change, to a
// block that repeats, or to a chunk of copied bytes. TCP names bytes by sequence number; the queue
// finds them, for the first transmission and for every retransmission.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/slab.h"
#include "base/time.h"
#include "flow/pool_share.h"
#include "wire/checksum.h"
#include "wire/seq.h"

namespace mayfly::flow {

/// A run of bytes to send.
struct Extent {
  const std::byte* data = nullptr;  ///< not owned, unless it is in `chunk`
  std::uint64_t length = 0;         ///< bytes, without those acknowledged
  std::uint32_t period = 0;         ///< bytes after which `data` repeats; 0 = never
  std::uint32_t offset = 0;         ///< where in `data` the first byte is; 0 if it does not repeat
  std::uint32_t chunk = kNoIndex;   ///< of copied bytes, freed with the extent
  union {
    std::uint32_t next = kNoIndex;  ///< the next extent of the queue
    std::uint32_t next_free;        ///< while it is free
  };

  /// The first `n` bytes, not more than there are, are acknowledged.
  void remove(std::uint64_t n) noexcept {
    length -= n;
    if (period == 0) {
      data += n;
    } else {
      offset = static_cast<std::uint32_t>((offset + n) % period);
    }
  }
};
static_assert(sizeof(Extent) == 32);

/// Memory for copied bytes, and who holds it since when.
struct Chunk {
  static constexpr std::size_t kSize = 2'048;
  std::array<std::byte, kSize - sizeof(Instant) - 2 * sizeof(std::uint32_t)> bytes;
  Instant since;
  std::uint32_t owner;  ///< kNoIndex = free
  std::uint32_t next_free;
};
static_assert(sizeof(Chunk) == Chunk::kSize);

/// A core's pools for all its connections' queues.
struct TxPools {
  Slab<Extent> extents;
  Slab<Chunk> chunks;
  PoolShare extent_share{}, chunk_share{};
  std::uint64_t extents_denied = 0, chunks_denied = 0;  ///< requests that found none, or no share
  /// The first of those who have no chunk and were denied one (block), or kNoIndex.
  std::uint32_t lacks_first_chunk = kNoIndex;
};

/// The queue of one connection. A plain value in its block; the pools are an argument.
class TxQueue {
 public:
  static constexpr std::uint16_t kExtentsMax = 64;  ///< in one queue

  /// Starts empty; `first` is the sequence number of the first byte that will be queued.
  void open(Seq first) noexcept { *this = TxQueue{}, base_ = first; }

  /// Appends a run of `length` bytes, which must outlive the connection. `period`: as of Extent.
  /// False: nothing is queued, as there is no extent left.
  bool append(TxPools& pools, const std::byte* data, std::uint64_t length,
              std::uint32_t period) noexcept {
    return append(pools, data, length, period, kNoIndex);
  }

  /// Copies as many bytes as there is room for; returns their number. `owner`: the connection's
  /// block, which the chunks are marked with.
  std::size_t append_copy(TxPools& pools, std::span<const std::byte> bytes, std::uint32_t owner,
                          Instant now) noexcept {
    std::size_t done = fill_last(pools, bytes);
    while (done < bytes.size()) {
      const std::uint32_t chunk = take_chunk(pools, owner);
      if (chunk == kNoIndex) break;
      pools.chunks[chunk].owner = owner;
      pools.chunks[chunk].since = now;
      auto& room = pools.chunks[chunk].bytes;
      const std::size_t n = std::min(bytes.size() - done, room.size());
      std::memcpy(room.data(), bytes.data() + done, n);
      if (!append(pools, room.data(), n, 0, chunk)) {
        give_chunk(pools, chunk);
        break;
      }
      done += n;
    }
    return done;
  }

  /// Frees the bytes before `una` (SND.UNA).
  void acknowledge(TxPools& pools, Seq una) noexcept {
    std::uint64_t n = std::min<std::uint64_t>(queued_, static_cast<std::uint32_t>(una - base_));
    if (before(una, base_) || n == 0) return;
    base_ += static_cast<std::uint32_t>(n);
    queued_ -= n;
    while (n > 0) {
      Extent& first = pools.extents[head_];
      const std::uint64_t part = std::min(n, first.length);
      first.remove(part);
      n -= part;
      if (first.length == 0) drop_first(pools);
    }
  }

  /// Copies the `length` bytes that begin at sequence number `from` to `to`. They must be queued.
  void copy(const TxPools& pools, Seq from, std::size_t length, std::byte* to) const noexcept {
    for_each_run(pools, from, length, [&](std::span<const std::byte> run) {
      std::memcpy(to, run.data(), run.size());
      to += run.size();
    });
  }
  /// The same, and returns their sum (wire::checksum_native).
  std::uint64_t copy_summed(const TxPools& pools, Seq from, std::size_t length,
                            std::byte* to) const noexcept {
    std::uint64_t sum = 0;
    std::size_t done = 0;
    for_each_run(pools, from, length, [&](std::span<const std::byte> run) {
      sum = wire::checksum_joined(sum, done, wire::copy_summed(run, to + done));
      done += run.size();
    });
    return sum;
  }

  /// Frees everything.
  void clear(TxPools& pools) noexcept {
    while (head_ != kNoIndex) drop_first(pools);
    queued_ = 0;
  }

  /// Bytes queued and not acknowledged.
  std::uint64_t queued() const noexcept { return queued_; }
  /// Of them, those at and after sequence number `end`, which is not before the first.
  std::uint64_t queued_after(Seq end) const noexcept {
    return queued_ - std::min<std::uint64_t>(queued_, static_cast<std::uint32_t>(end - base_));
  }

 private:
  bool append(TxPools& pools, const std::byte* data, std::uint64_t length, std::uint32_t period,
              std::uint32_t chunk) noexcept {
    if (length == 0) return true;
    if (count_ == kExtentsMax) return false;
    const std::uint32_t index = pools.extent_share.allows(count_) ? pools.extents.take() : kNoIndex;
    if (index == kNoIndex) [[unlikely]] {
      ++pools.extents_denied;
      return false;
    }
    pools.extent_share.took(count_);
    pools.extents[index] = {
        .data = data, .length = length, .period = period, .chunk = chunk, .next = kNoIndex};
    (head_ == kNoIndex ? head_ : pools.extents[tail_].next) = index;
    tail_ = index;
    ++count_;
    queued_ += length;
    return true;
  }

  std::uint32_t take_chunk(TxPools& pools, std::uint32_t owner) noexcept {
    if (count_ == kExtentsMax) return kNoIndex;
    const std::uint32_t chunk = pools.chunk_share.allows(chunks_) ? pools.chunks.take() : kNoIndex;
    if (chunk == kNoIndex) [[unlikely]] {
      ++pools.chunks_denied;
      if (chunks_ == 0 && pools.lacks_first_chunk == kNoIndex) pools.lacks_first_chunk = owner;
      return kNoIndex;
    }
    pools.chunk_share.took(chunks_++);
    return chunk;
  }

  void give_chunk(TxPools& pools, std::uint32_t chunk) noexcept {
    pools.chunks[chunk].owner = kNoIndex;
    pools.chunks.give_back(chunk);
    pools.chunk_share.gave(--chunks_);
  }

  // Fills the rest of the last chunk, so that many small writes do not take a chunk each.
  std::size_t fill_last(TxPools& pools, std::span<const std::byte> bytes) noexcept {
    if (tail_ == kNoIndex || pools.extents[tail_].chunk == kNoIndex) return 0;
    Extent& last = pools.extents[tail_];
    auto& room = pools.chunks[last.chunk].bytes;
    const auto used = static_cast<std::uint64_t>(last.data - room.data()) + last.length;
    const std::size_t n = std::min<std::uint64_t>(bytes.size(), room.size() - used);
    std::memcpy(room.data() + used, bytes.data(), n);
    last.length += n;
    queued_ += n;
    return n;
  }

  void drop_first(TxPools& pools) noexcept {
    const std::uint32_t index = head_;
    Extent& first = pools.extents[index];
    head_ = first.next;
    if (head_ == kNoIndex) tail_ = kNoIndex;
    if (first.chunk != kNoIndex) give_chunk(pools, first.chunk);
    pools.extents.give_back(index);
    pools.extent_share.gave(--count_);
  }

  // Calls f(bytes) for the pieces of the `length` queued bytes that begin at `from`.
  template <class F>
  void for_each_run(const TxPools& pools, Seq from, std::size_t length, F&& f) const noexcept {
    std::uint64_t skip = static_cast<std::uint32_t>(from - base_);
    for (std::uint32_t i = head_; length > 0; i = pools.extents[i].next) {
      const Extent& extent = pools.extents[i];
      if (skip >= extent.length) {
        skip -= extent.length;
        continue;
      }
      const std::size_t part = std::min<std::uint64_t>(length, extent.length - skip);
      for_each_piece(extent, extent.offset + skip, part, f);
      length -= part;
      skip = 0;
    }
  }
  template <class F>
  static void for_each_piece(const Extent& extent, std::uint64_t at, std::size_t length,
                             F&& f) noexcept {
    if (extent.period == 0) return f({extent.data + at, length});
    while (length > 0) {
      const std::uint64_t in_block = at % extent.period;
      const std::size_t part = std::min<std::uint64_t>(length, extent.period - in_block);
      f({extent.data + in_block, part});
      at += part;
      length -= part;
    }
  }

  std::uint64_t queued_ = 0;
  Seq base_;
  std::uint32_t head_ = kNoIndex, tail_ = kNoIndex;
  std::uint16_t count_ = 0;   // extents
  std::uint16_t chunks_ = 0;  // of which so many have a chunk
};

}  // namespace mayfly::flow
