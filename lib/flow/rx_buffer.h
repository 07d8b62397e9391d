// Buffers of one receive window each, for connections with text that came out of order or that the
// app has not taken yet. Most short connections never need one.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "base/slab.h"
#include "base/time.h"
#include "wire/seq.h"

namespace mayfly::flow {

/// A core's pool of ring buffers of equal size. Bytes in them are addressed by sequence number.
class RxBuffers {
 public:
  RxBuffers() = default;
  /// What is known of one buffer.
  struct Place {
    std::uint32_t free = 0;          ///< an entry of the stack of free buffers, not of this one
    std::uint32_t owner = kNoIndex;  ///< the block that has it; none: it is free
    Instant since;                   ///< when the owner took it
  };

  /// `memory` is places.size() buffers of `size` bytes and a spare one; `size` is a power of two
  /// and at least the receive window. Both spans outlive the pool.
  RxBuffers(std::span<std::byte> memory, std::uint32_t size, std::span<Place> places)
      : memory_(memory), size_(size), places_(places), free_count_(places.size()) {
    MAYFLY_ASSERT(memory.size() >= (places.size() + 1) * size);
    for (std::size_t i = 0; i < places.size(); ++i)
      places[i] = {.free = static_cast<std::uint32_t>(i)};
  }

  /// The size of a buffer for a window of `window` bytes.
  static constexpr std::uint32_t size_for(std::uint32_t window) { return std::bit_ceil(window); }

  /// The index of a free buffer, or kNoIndex if all are in use. `owner`: the block that takes it.
  std::uint32_t take(std::uint32_t owner, Instant now) noexcept {
    if (free_count_ == 0) return kNoIndex;
    const std::uint32_t index = places_[--free_count_].free;
    places_[index].owner = owner;
    places_[index].since = now;
    return index;
  }
  void give_back(std::uint32_t index) noexcept {
    MAYFLY_ASSERT(free_count_ < places_.size() && places_[index].owner != kNoIndex);
    places_[index].owner = kNoIndex;
    places_[free_count_++].free = index;
  }
  /// All buffers' places, by index.
  std::span<const Place> places() const noexcept { return places_; }

  /// Copies `bytes` into a buffer. `at`: the sequence number of the first.
  void write(std::uint32_t index, Seq at, std::span<const std::byte> bytes) noexcept {
    std::byte* ring = start_of(index);
    const std::size_t first = std::min<std::size_t>(bytes.size(), size_ - place(at));
    std::memcpy(ring + place(at), bytes.data(), first);
    std::memcpy(ring, bytes.data() + first, bytes.size() - first);
  }

  /// The `length` bytes from `at` on, in one piece. Valid until the next call: bytes that lie
  /// around the end of the ring are copied to the spare buffer.
  std::span<const std::byte> read(std::uint32_t index, Seq at, std::uint32_t length) noexcept {
    MAYFLY_ASSERT(length <= size_);
    const std::byte* ring = start_of(index);
    const std::size_t first = size_ - place(at);
    if (length <= first) [[likely]]
      return {ring + place(at), length};
    std::byte* spare = start_of(static_cast<std::uint32_t>(places_.size()));
    std::memcpy(spare, ring + place(at), first);
    std::memcpy(spare + first, ring, length - first);
    return {spare, length};
  }

  /// Bytes in a buffer.
  std::uint32_t size() const noexcept { return size_; }
  /// Buffers in use.
  std::uint32_t used() const noexcept {
    return static_cast<std::uint32_t>(places_.size() - free_count_);
  }

 private:
  std::size_t place(Seq at) const noexcept { return at.raw & (size_ - 1); }
  std::byte* start_of(std::uint32_t index) const noexcept {
    return memory_.data() + std::size_t{index} * size_;
  }

  std::span<std::byte> memory_;
  std::uint32_t size_ = 0;
  std::span<Place> places_;
  std::size_t free_count_ = 0;
};

}  // namespace mayfly::flow
