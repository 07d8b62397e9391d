// The memory of simulated frames: taken in blocks as it is needed, freed with the pool.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/assert.h"
#include "link/port.h"

namespace mayfly::net {

struct SimFrame {
  std::array<std::byte, link::kFrameRoom> room;
  std::size_t length = link::kFrameRoom;
  bool damaged = false;  ///< one of its bits was flipped
  SimFrame* next_free = nullptr;

  std::span<std::byte> bytes() noexcept { return std::span(room).first(length); }
  std::span<const std::byte> bytes() const noexcept { return std::span(room).first(length); }
};

class FramePool {
 public:
  /// At most `frames` at once, rounded up to whole blocks.
  explicit FramePool(std::size_t frames) : blocks_max_((frames + kBlock - 1) / kBlock) {}
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  /// A frame of kFrameRoom bytes that hold anything, or null when all are in use.
  SimFrame* take() noexcept {
    if (free_ == nullptr && !grow()) return nullptr;
    SimFrame* const frame = free_;
    MAYFLY_ASSERT(frame != nullptr && in_use_ < blocks_.size() * kBlock);
    free_ = frame->next_free;
    frame->length = link::kFrameRoom;
    frame->damaged = false;
    ++in_use_;
    return frame;
  }

  /// The same bytes in a frame of their own, or null.
  SimFrame* copy(const SimFrame& frame) noexcept {
    SimFrame* const twin = take();
    if (twin == nullptr) return nullptr;
    MAYFLY_ASSERT(frame.length <= link::kFrameRoom);
    twin->length = frame.length;
    twin->damaged = frame.damaged;
    std::memcpy(twin->room.data(), frame.room.data(), frame.length);
    return twin;
  }

  void give_back(SimFrame* frame) noexcept {
    MAYFLY_ASSERT(frame != nullptr && in_use_ > 0);
    --in_use_;
    frame->next_free = free_;
    free_ = frame;
  }

  std::size_t in_use() const noexcept { return in_use_; }

 private:
  static constexpr std::size_t kBlock = 256;

  bool grow() noexcept {
    if (blocks_.size() == blocks_max_) return false;
    blocks_.push_back(std::make_unique<SimFrame[]>(kBlock));
    for (std::size_t i = 0; i < kBlock; ++i) {
      blocks_.back()[i].next_free = free_;
      free_ = &blocks_.back()[i];
    }
    return true;
  }

  std::size_t blocks_max_;
  std::vector<std::unique_ptr<SimFrame[]>> blocks_;
  SimFrame* free_ = nullptr;
  std::size_t in_use_ = 0;
};

}  // namespace mayfly::net
