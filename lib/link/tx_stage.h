// The frames of one port that wait for the next transmit, in order. One burst a poll goes to the
// device; what the device does not take stays first in line.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "base/assert.h"
#include "base/time.h"
#include "link/link_common.h"
#include "link/port.h"

namespace mayfly::link {

/// Owns the frames until the device takes them. Not thread-safe.
template <Port P>
class TxStage {
 public:
  using Frame = typename P::Frame;
  static constexpr std::size_t kCapacity = 512;  ///< frames
  /// The part of the capacity reserved for frames that cannot wait: answers that are not sent again
  /// later, such as ARP replies and RSTs.
  static constexpr std::size_t kReserve = 64;

  /// Both outlive the stage.
  TxStage(P& port, LinkCounters& count) noexcept : port_(port), count_(count) {}
  TxStage(const TxStage&) = delete;
  TxStage& operator=(const TxStage&) = delete;
  /// Releases the frames that were not sent.
  ~TxStage() {
    for (const Frame frame : std::span(frames_).first(size_)) port_.release(frame);
  }

  /// How long a device may take no frame at all before it counts as stalled.
  static constexpr Duration kPatience = Duration::from_ms(100);

  /// True if a sender that can wait for the next poll may stage one more frame.
  /// Always true while the device is stalled.
  bool has_room() const noexcept { return size_ < room_; }
  /// The device has taken no frame for kPatience, as when its link is down or its peer is gone.
  bool is_stalled() const noexcept { return room_ != kRoom; }
  std::size_t size() const noexcept { return size_; }

  /// Takes ownership of a complete frame. If the stage is full, the frame is lost
  /// (Drop::transmit_full).
  void push(Frame frame) noexcept {
    MAYFLY_ASSERT(frame != Frame{});
    if (size_ == kCapacity) [[unlikely]] {
      count_.lose(Drop::transmit_full);
      return port_.release(frame);
    }
    const std::size_t length = port_.bytes(frame).size();
    MAYFLY_ASSERT(length <= kFrameRoom);
    count_.tx_bytes.add(length);
    frames_[size_++] = frame;
  }

  /// Passes the frames to the device. Returns how many it took.
  std::size_t transmit(Instant now) noexcept {
    if (size_ == 0) return 0;
    const std::size_t n = port_.transmit(std::span(frames_).first(size_), now);
    MAYFLY_ASSERT(n <= size_);
    std::copy(frames_.begin() + n, frames_.begin() + size_, frames_.begin());
    size_ -= n;
    count_.tx_packets.add(n);
    if (n > 0) [[likely]] {
      refused_since_ = Instant::never();
      room_ = kRoom;
    } else {
      refused_since_ = std::min(refused_since_, now);
      if (now - refused_since_ >= kPatience) room_ = kCapacity + 1;
    }
    return n;
  }

 private:
  static constexpr std::size_t kRoom = kCapacity - kReserve;

  P& port_;
  LinkCounters& count_;
  std::size_t size_ = 0;
  Instant refused_since_ = Instant::never();  // never: the device took the last frames
  std::size_t room_ = kRoom;  // frames for senders that can wait; all of them while stalled
  std::array<Frame, kCapacity> frames_;
};

}  // namespace mayfly::link
