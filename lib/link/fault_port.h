// A faulty wire between a link and its port: loss, duplication, corruption, reordering, delay and
// jitter in each direction, drawn from a seed. Without faults it costs one predictable branch a
// burst.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/counter.h"
#include "base/prng.h"
#include "base/time.h"
#include "link/filter_port.h"
#include "link/settings.h"
#include "wire/drop.h"

namespace mayfly::link {

/// The most frames in flight in each direction of a faulty wire; further ones are lost.
inline constexpr std::size_t kFaultyWireFrames = 4'096;

/// What a faulty wire did in one direction, in frames.
struct FaultCounts {
  Counter lost, duplicated, corrupted, reordered;
  Counter overflowed;  ///< the wire was full, or no buffer was left for a changed copy
};

/// One direction of a faulty wire: frames enter, are lost, damaged or delayed, and leave when they
/// are due. The wire owns them in between. The same seed and the same frames at the same times give
/// the same faults.
template <Port P>
class FaultyWire {
 public:
  using Frame = typename P::Frame;

  FaultyWire(const FaultSettings& faults, std::uint64_t seed) : faults_(faults), random_(seed) {
    MAYFLY_ASSERT(faults.delay.us >= 0 && faults.jitter.us >= 0);
    if (faults.any()) flying_.reserve(kFaultyWireFrames);
  }

  /// Takes ownership of a frame of `port`.
  void enter(P& port, Frame frame, Instant now) noexcept {
    MAYFLY_ASSERT(frame != Frame{});
    if (random_.chance(faults_.loss)) {
      counts_.lost.add();
      return port.release(frame);
    }
    if (random_.chance(faults_.duplicate)) duplicate(port, frame, now);
    if (random_.chance(faults_.corrupt)) frame = corrupt(port, frame);
    if (frame != Frame{}) launch(port, frame, now);
  }

  /// Fills `frames` with those that are due by `now`; returns how many.
  std::size_t leave(std::span<Frame> frames, Instant now) noexcept {
    std::size_t n = 0;
    while (n < frames.size() && next_due() <= now) {
      std::pop_heap(flying_.begin(), flying_.end(), later);
      frames[n++] = flying_.back().frame;
      flying_.pop_back();
    }
    return n;
  }

  /// When the next frame leaves; never() if none is in flight.
  Instant next_due() const noexcept {
    return flying_.empty() ? Instant::never() : flying_.front().due;
  }
  const FaultCounts& counts() const noexcept { return counts_; }

  /// Releases the frames in flight.
  void release_all(P& port) noexcept {
    for (const Flying& flying : flying_) port.release(flying.frame);
    flying_.clear();
  }

 private:
  static constexpr std::uint64_t kHeldBackMaxUs = 1'000;  // further delay of a reordered frame

  struct Flying {
    Instant due;
    std::uint64_t number;  // of two due at once, the first to enter leaves first
    Frame frame;
  };
  static bool later(const Flying& a, const Flying& b) noexcept {
    return std::pair(a.due, a.number) > std::pair(b.due, b.number);
  }

  void launch(P& port, Frame frame, Instant now) noexcept {
    if (flying_.size() == kFaultyWireFrames) {
      counts_.overflowed.add();
      return port.release(frame);
    }
    Instant due = now + faults_.delay;
    if (faults_.jitter.us > 0) due.us += below(static_cast<std::uint64_t>(faults_.jitter.us));
    if (random_.chance(faults_.reorder)) {
      due.us += 1 + below(kHeldBackMaxUs);
      counts_.reordered.add();
    }
    MAYFLY_ASSERT(due >= now);
    flying_.push_back({due, number_++, frame});
    std::push_heap(flying_.begin(), flying_.end(), later);
  }

  std::int64_t below(std::uint64_t n) noexcept {
    return static_cast<std::int64_t>(random_.below(n));
  }

  /// A copy in a new frame, or null. The checks and requests of checksums by the device that belong
  /// to the old frame do not apply to it.
  Frame copy(P& port, Frame frame) noexcept {
    const Frame fresh = port.allocate();
    if (fresh == Frame{}) {
      counts_.overflowed.add();
      return fresh;
    }
    const std::span<const std::byte> bytes = port.bytes(frame);
    MAYFLY_ASSERT(bytes.size() <= kFrameRoom);
    port.set_length(fresh, bytes.size());
    std::memcpy(port.bytes(fresh).data(), bytes.data(), bytes.size());
    return fresh;
  }

  void duplicate(P& port, Frame frame, Instant now) noexcept {
    const Frame twin = copy(port, frame);
    if (twin == Frame{}) return;
    counts_.duplicated.add();
    launch(port, twin, now);
  }

  Frame corrupt(P& port, Frame frame) noexcept {
    const Frame damaged = copy(port, frame);
    port.release(frame);
    if (damaged == Frame{}) return damaged;
    counts_.corrupted.add();
    const std::span<std::byte> bytes = port.bytes(damaged);
    // One bit: TCP's checksum finds any such damage, while two or three flips may cancel out in it.
    if (!bytes.empty()) bytes[random_.below(bytes.size())] ^= std::byte{1} << random_.below(8);
    return damaged;
  }

  FaultSettings faults_;
  Prng random_;
  std::vector<Flying> flying_;  // a heap by due time
  std::uint64_t number_ = 0;
  FaultCounts counts_;
};

/// A Port that passes frames to and from an inner Port over a faulty wire, one in each direction.
template <Port P>
class FaultPort : public FilterPort<P> {
 public:
  using typename FilterPort<P>::Frame;
  using FilterPort<P>::inner;

  FaultPort(P below, const FaultSettings& faults)
      : FilterPort<P>(std::move(below)),
        faulty_(faults.any()),
        arriving_(faults, faults.seed),
        leaving_(faults, ~faults.seed) {}
  ~FaultPort() {
    arriving_.release_all(inner());
    leaving_.release_all(inner());
    for (const Frame frame : due_now()) inner().release(frame);
  }

  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    if (!faulty_) [[likely]]
      return inner().receive(frames, now);
    send_due(now);
    const std::size_t n = inner().receive(frames, now);
    for (const Frame frame : frames.first(n)) arriving_.enter(inner(), frame, now);
    return arriving_.leave(frames, now);
  }

  std::size_t transmit(std::span<Frame> frames, Instant now) noexcept {
    if (!faulty_) [[likely]]
      return inner().transmit(frames, now);
    for (const Frame frame : frames) leaving_.enter(inner(), frame, now);
    send_due(now);
    return frames.size();
  }

  /// None with faults: a device would correct the checksum of a damaged frame.
  TxOffloads tx_offloads() noexcept { return faulty_ ? TxOffloads{} : inner().tx_offloads(); }

  /// When the next frame leaves either wire. A simulated clock must not jump past it before it
  /// calls receive().
  Instant next_due() const noexcept { return std::min(arriving_.next_due(), leaving_.next_due()); }

  /// The faults of frames received, and of frames sent.
  const FaultCounts& received() const noexcept { return arriving_.counts(); }
  const FaultCounts& sent() const noexcept { return leaving_.counts(); }

  /// Frames dropped for this reason: those lost on the wires, and those that the inner port counts.
  std::uint64_t drops(Drop why) const noexcept {
    const std::uint64_t below = FilterPort<P>::drops(why);
    if (why != Drop::fault_injected) return below;
    return below + losses(arriving_.counts()) + losses(leaving_.counts());
  }

 private:
  static std::uint64_t losses(const FaultCounts& counts) noexcept {
    return counts.lost.get() + counts.overflowed.get();
  }

  std::span<Frame> due_now() noexcept {
    return std::span(due_).subspan(due_first_, due_end_ - due_first_);
  }

  // Frames that the device does not take are sent first next time.
  void send_due(Instant now) noexcept {
    for (;;) {
      if (due_first_ == due_end_) {
        due_first_ = 0;
        due_end_ = leaving_.leave(due_, now);
        if (due_end_ == 0) return;
      }
      due_first_ += inner().transmit(due_now(), now);
      MAYFLY_ASSERT(due_first_ <= due_end_);
      if (due_first_ != due_end_) return;
    }
  }

  bool faulty_;
  FaultyWire<P> arriving_, leaving_;
  std::array<Frame, kBurstMax> due_{};
  std::size_t due_first_ = 0, due_end_ = 0;
};

}  // namespace mayfly::link
