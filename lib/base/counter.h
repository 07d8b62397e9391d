// A number that one polling core writes and the control plane reads while it runs.
#pragma once

#include <atomic>
#include <cstdint>

namespace mayfly {

/// A count. Only one thread, its owner, may change it; any thread may read it. Adding costs as much
/// as for a plain integer: there is no locked instruction.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) noexcept : value_(other.get()) {}
  Counter& operator=(const Counter& other) noexcept {
    set(other.get());
    return *this;
  }

  /// May lag behind the owner, but is never torn.
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }
  /// The owner alone.
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  void add(std::uint64_t n = 1) noexcept { set(get() + n); }
  /// For peaks: the owner alone.
  void raise_to(std::uint64_t n) noexcept {
    if (n > get()) set(n);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace mayfly
