// A Port whose wire is a simulated network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/prng.h"
#include "link/port.h"
#include "net/frame_pool.h"

namespace mayfly::net {

class Network;

class SimPort {
 public:
  using Frame = SimFrame*;
  /// Sees each frame that the port sends (before the network's faults) or is about to receive.
  using Tap = std::function<void(std::span<const std::byte> frame, bool sent, Instant now)>;

  /// True: a frame that is sent is lost.
  using Filter = std::function<bool(std::span<const std::byte> frame)>;

  SimPort() = default;
  SimPort(const SimPort&) = delete;
  SimPort& operator=(const SimPort&) = delete;

  // -- what a Port does; it must be attached to a network before
  std::size_t receive(std::span<Frame> frames, Instant now) noexcept;
  std::span<std::byte> bytes(Frame frame) noexcept { return frame->bytes(); }
  wire::RxChecks rx_checks(Frame) noexcept { return {}; }
  Frame allocate() noexcept {
    return no_buffer_ > 0 && random_.chance(no_buffer_) ? nullptr : pool_->take();
  }
  void set_length(Frame frame, std::size_t length) noexcept {
    MAYFLY_ASSERT(length <= link::kFrameRoom);
    frame->length = length;
  }
  void request_checksums(Frame, std::size_t, std::size_t) noexcept {}
  link::TxOffloads tx_offloads() noexcept { return {}; }
  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept;
  void release(Frame frame) noexcept { pool_->give_back(frame); }

  // -- what the simulation does
  void set_tap(Tap tap) { tap_ = std::move(tap); }
  /// From now on allocate() fails for this share of its calls, 0 to 1.
  void starve(double no_buffer, std::uint64_t seed) noexcept {
    MAYFLY_ASSERT(0 <= no_buffer && no_buffer <= 1);
    no_buffer_ = no_buffer;
    random_ = Prng(seed);
  }
  /// The host is down: frames that have arrived are lost.
  void lose_arrivals() noexcept;
  /// While it is stuck, the device takes no frame: transmit() returns 0. It receives all the same.
  void stick(bool is_stuck) noexcept { stuck_ = is_stuck; }
  bool is_stuck() const noexcept { return stuck_; }
  /// At most so many frames wait to be received; what finds the queue full is lost. 0 = any number.
  void bound_arrivals(std::size_t frames) noexcept { arrivals_max_ = frames; }
  /// Frames that found the queue full.
  std::uint64_t overflowed() const noexcept { return overflowed_; }
  /// Frames for which `swallow` is true are lost after they have left the port. Empty = none.
  void set_filter(Filter swallow) { swallow_ = std::move(swallow); }
  bool has_arrivals() const noexcept { return !arrived_.empty(); }

 private:
  friend class Network;

  Network* network_ = nullptr;
  FramePool* pool_ = nullptr;
  std::size_t station_ = 0;  // the network's number for it
  void arrive(Frame frame) noexcept;

  std::deque<Frame> arrived_;
  std::size_t arrivals_max_ = 0;
  std::uint64_t overflowed_ = 0;
  bool stuck_ = false;
  Tap tap_;
  Filter swallow_;
  double no_buffer_ = 0;
  Prng random_{0};
};
static_assert(link::Port<SimPort>);

}  // namespace mayfly::net
