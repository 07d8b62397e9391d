// A number that one polling core writes and the control plane reads while it runs.
#pragma once

#include <atomic>
#include <cstdint>

namespace mayfly {

/// Only its owner may change it. Adding costs what it costs for a plain integer: no locked
/// instruction.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) noexcept : value_(other.get()) {}
  Counter& operator=(const Counter& other) noexcept {
    set(other.get());
    return *this;
  }

  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  void add(std::uint64_t n = 1) noexcept { set(get() + n); }
  void raise_to(std::uint64_t n) noexcept {
    if (n > get()) set(n);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace mayfly
