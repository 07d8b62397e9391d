// A port that shows a FrameTap what it sends, if there is one. What is received is shown by the
// Shard, which knows what becomes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "link/filter_port.h"
#include "shard/frame_tap.h"

namespace mayfly::run {

/// Without a tap it costs one branch a burst.
template <link::Port P>
class TapPort : public link::FilterPort<P> {
 public:
  using typename link::FilterPort<P>::Frame;
  using link::FilterPort<P>::bytes;
  using link::FilterPort<P>::inner;

  /// `args` make the inner port.
  template <class... Args>
  explicit TapPort(Args&&... args) : link::FilterPort<P>(std::forward<Args>(args)...) {}

  /// From now on frames are shown to `tap`, as those of the port `index`; null: to nobody.
  void watch(shard::FrameTap* tap, std::uint8_t index) noexcept {
    tap_ = tap;
    index_ = index;
  }

  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept {
    if (tap_ == nullptr) [[likely]]
      return inner().transmit(frames, now);
    // One by one: a frame that the device has taken must not be read, and one that it has not taken
    // was not sent.
    for (std::size_t i = 0; i < frames.size(); ++i) {
      tap_->hold(index_, true, bytes(frames[i]), now);
      if (inner().transmit(frames.subspan(i, 1), now) == 0) return i;
      tap_->commit(Drop::none);
    }
    return frames.size();
  }

 private:
  shard::FrameTap* tap_ = nullptr;
  std::uint8_t index_ = 0;
};

}  // namespace mayfly::run
