// Copies of the frames of one core, with what became of each, for somebody who looks while it runs
// (`mayfly dump`). A ring in memory with one writer, the core, and one reader: what the reader does
// not fetch in time is lost, and counted.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/time.h"
#include "wire/drop.h"

namespace mayfly::shard {

class FrameTap {
 public:
  /// Whether a frame is wanted; `filter` is what the tap was made with. It must not take long.
  using Wants = bool (*)(const void* filter, std::span<const std::byte> frame) noexcept;

  struct Record {
    std::int64_t at_us = 0;    ///< the Instant
    std::uint32_t length = 0;  ///< of the frame, in bytes
    std::uint32_t kept = 0;    ///< bytes of it that were copied
    std::uint8_t port = 0;     ///< index of the shard's port
    bool is_sent = false;      ///< false: received
    Drop fate = Drop::none;    ///< of a received frame
  };

  /// Copies `bytes_max` of each frame at most, into a ring of `ring_bytes`, a power of two.
  /// `filter` outlives the tap.
  FrameTap(std::size_t ring_bytes, std::uint32_t bytes_max, Wants wants, const void* filter)
      : ring_(ring_bytes), bytes_max_(bytes_max), wants_(wants), filter_(filter) {}

  // -- for the core. hold() comes before the frame is handled or given away, then commit() or, if
  // -- nothing has become of it, another hold().

  void hold(std::uint8_t port, bool is_sent, std::span<const std::byte> frame,
            Instant now) noexcept {
    held_ = 0;
    if (!wants_(filter_, frame)) return;
    const auto kept = std::min<std::uint32_t>(static_cast<std::uint32_t>(frame.size()), bytes_max_);
    const std::size_t size = (sizeof(Record) + kept + kAlign - 1) / kAlign * kAlign;
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::size_t to_end = ring_.size() - at(head);
    if (to_end < size) head += to_end;  // the reader skips what is too short in the same way
    if (head + size - tail_.load(std::memory_order_acquire) > ring_.size()) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
    if (to_end < size && to_end >= sizeof(Record)) put(ring_.size() - to_end, {.kept = kSkip});
    pending_ = {now.us, static_cast<std::uint32_t>(frame.size()), kept, port, is_sent, Drop::none};
    std::memcpy(&ring_[at(head) + sizeof(Record)], frame.data(), kept);
    begin_ = head;
    held_ = size;
  }

  void commit(Drop fate) noexcept {
    if (held_ == 0) return;
    pending_.fate = fate;
    put(at(begin_), pending_);
    head_.store(begin_ + held_, std::memory_order_release);
    held_ = 0;
  }

  // -- for the reader

  /// Calls f(record, bytes) for what there is, until it returns false.
  template <class F>
  void read(F&& f) {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    bool goes_on = true;
    while (tail != head && goes_on) {
      const std::size_t to_end = ring_.size() - at(tail);
      Record record;
      if (to_end >= sizeof(Record)) std::memcpy(&record, &ring_[at(tail)], sizeof record);
      if (to_end < sizeof(Record) || record.kept == kSkip) {
        tail += to_end;
        continue;
      }
      goes_on =
          f(record, std::span<const std::byte>(&ring_[at(tail) + sizeof record], record.kept));
      tail += (sizeof(Record) + record.kept + kAlign - 1) / kAlign * kAlign;
    }
    tail_.store(tail, std::memory_order_release);
  }
  /// Frames for which there was no room.
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kAlign = 8;
  static constexpr std::uint32_t kSkip = 0xffff'ffff;  // the rest of the ring has no record

  std::size_t at(std::uint64_t position) const noexcept { return position & (ring_.size() - 1); }
  void put(std::size_t place, const Record& record) noexcept {
    std::memcpy(&ring_[place], &record, sizeof record);
  }

  std::vector<std::byte> ring_;
  std::uint32_t bytes_max_;
  Wants wants_;
  const void* filter_;
  Record pending_;           // of the frame that is held
  std::uint64_t begin_ = 0;  // where it is
  std::size_t held_ = 0;     // and its room; 0 = none is held
  std::atomic<std::uint64_t> head_{0}, tail_{0}, lost_{0};
};

}  // namespace mayfly::shard
