// A ring from one thread to one other, without locks: what does not fit is not taken.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace mayfly {

/// `kSize` is a power of two.
template <class T, std::size_t kSize>
class SpscRing {
  static_assert(kSize > 0 && (kSize & (kSize - 1)) == 0);

 public:
  /// The writing thread alone. The place of the next element; null if the ring is full. What is
  /// written there is the reader's after publish().
  T* next_free() noexcept {
    const std::size_t at = written_.load(std::memory_order_relaxed);
    return at - read_.load(std::memory_order_acquire) == kSize ? nullptr : &places_[at % kSize];
  }
  void publish() noexcept {
    written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// The reading thread alone: calls f(element) for each that is there now, in order.
  template <class F>
  void take_all(F&& f) {
    const std::size_t end = written_.load(std::memory_order_acquire);
    for (std::size_t at = read_.load(std::memory_order_relaxed); at != end; ++at) {
      f(static_cast<const T&>(places_[at % kSize]));
      read_.store(at + 1, std::memory_order_release);
    }
  }

 private:
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
  std::array<T, kSize> places_{};
};

}  // namespace mayfly
