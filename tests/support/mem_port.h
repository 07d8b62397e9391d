// Two ports joined by a pair of queues in memory, for tests that need a whole Shard and no device.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "link/port.h"

namespace mayfly::testing {

/// A frame in memory of its own.
struct MemFrame {
  std::array<std::byte, link::kFrameRoom> room;
  std::size_t length = link::kFrameRoom;
};

class MemPort {
 public:
  using Frame = MemFrame*;

  /// Every frame that `a` sends arrives at `b`, and the other way round.
  static void join(MemPort& a, MemPort& b) {
    a.peer_ = &b;
    b.peer_ = &a;
  }
  MemPort() = default;
  MemPort(MemPort&&) = default;  // before it is joined
  ~MemPort() {
    for (Frame frame : arrived) delete frame;
  }

  std::size_t receive(std::span<Frame> frames, Instant) noexcept {
    std::size_t n = 0;
    while (n < frames.size() && !arrived.empty()) {
      frames[n++] = arrived.front();
      arrived.pop_front();
    }
    return n;
  }
  std::span<std::byte> bytes(Frame frame) noexcept { return {frame->room.data(), frame->length}; }
  wire::RxChecks rx_checks(Frame) noexcept { return {}; }
  Frame allocate() noexcept {
    if (buffers == 0) return nullptr;
    --buffers;
    return new MemFrame;
  }
  void set_length(Frame frame, std::size_t n) noexcept { frame->length = n; }
  void request_checksums(Frame, std::size_t, std::size_t) noexcept {}
  link::TxOffloads tx_offloads() noexcept { return {}; }
  std::size_t transmit(std::span<Frame> frames, Instant) noexcept {
    const std::size_t n = std::min(frames.size(), room);
    for (Frame frame : frames.first(n)) {
      sent.push_back(std::vector<std::byte>(
          frame->room.begin(), frame->room.begin() + static_cast<std::ptrdiff_t>(frame->length)));
      ++buffers;
      if (peer_ != nullptr && peer_->arrived.size() >= peer_->queue) {
        ++peer_->overflowed;
        delete frame;
      } else if (peer_ != nullptr) {
        peer_->arrived.push_back(frame);
        --peer_->buffers;
      } else {
        delete frame;
      }
    }
    return n;
  }
  void release(Frame frame) noexcept {
    ++buffers;
    delete frame;
  }

  /// Puts a frame into the port's receive queue.
  void inject(std::span<const std::byte> frame) {
    auto* copy = new MemFrame;
    std::copy(frame.begin(), frame.end(), copy->room.begin());
    copy->length = frame.size();
    arrived.push_back(copy);
    --buffers;
  }

  std::deque<Frame> arrived;
  std::vector<std::vector<std::byte>> sent;  ///< copies of all that was transmitted
  std::size_t queue = 1'000'000;             ///< frames that wait to be received at most
  std::size_t overflowed = 0;                ///< frames that found the queue full
  std::size_t room = 1'000'000;              ///< frames that transmit takes at once
  std::ptrdiff_t buffers = 100'000;  ///< left to allocate; back to the start when all came home

 private:
  MemPort* peer_ = nullptr;
};
static_assert(link::Port<MemPort>);

}  // namespace mayfly::testing
