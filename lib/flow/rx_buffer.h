// A receive window's worth of bytes, for the connections that need one: text that came out of
// order, and text that the service has not taken yet. Most short connections never do.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/slab.h"
#include "wire/seq.h"

namespace mayfly::flow {

/// A core's pool of equal ring buffers, addressed by sequence number.
class RxBuffers {
 public:
  RxBuffers() = default;
  /// `memory` holds count buffers of `size` bytes (a power of two, at least the receive window).
  RxBuffers(std::span<std::byte> memory, std::uint32_t size, std::span<std::uint32_t> free_list)
      : memory_(memory), size_(size), free_(free_list), free_count_(free_list.size()) {
    for (std::size_t i = 0; i < free_list.size(); ++i) free_[i] = static_cast<std::uint32_t>(i);
  }

  /// The size that serves a window of `window` bytes.
  static constexpr std::uint32_t size_for(std::uint32_t window) { return std::bit_ceil(window); }

  std::uint32_t take() noexcept { return free_count_ > 0 ? free_[--free_count_] : kNoIndex; }
  void give_back(std::uint32_t index) noexcept { free_[free_count_++] = index; }

  void write(std::uint32_t index, Seq at, std::span<const std::byte> bytes) noexcept {
    std::byte* ring = start_of(index);
    const std::size_t first = std::min<std::size_t>(bytes.size(), size_ - place(at));
    std::memcpy(ring + place(at), bytes.data(), first);
    std::memcpy(ring, bytes.data() + first, bytes.size() - first);
  }

  /// The bytes from `at` on, as many of `length` as are contiguous in the ring.
  std::span<const std::byte> read(std::uint32_t index, Seq at,
                                  std::uint32_t length) const noexcept {
    return {start_of(index) + place(at), std::min<std::size_t>(length, size_ - place(at))};
  }

  std::uint32_t size() const noexcept { return size_; }
  std::uint32_t used() const noexcept {
    return static_cast<std::uint32_t>(free_.size() - free_count_);
  }

 private:
  std::size_t place(Seq at) const noexcept { return at.raw & (size_ - 1); }
  std::byte* start_of(std::uint32_t index) const noexcept {
    return memory_.data() + std::size_t{index} * size_;
  }

  std::span<std::byte> memory_;
  std::uint32_t size_ = 0;
  std::span<std::uint32_t> free_;
  std::size_t free_count_ = 0;
};

}  // namespace mayfly::flow
