// Keeps the polling cores out of a device while another thread takes away what the device's driver
// works on.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace mayfly::nic {

class Gate {
 public:
  /// Closed at first.
  explicit Gate(std::uint32_t cores) : cores_(cores), places_(std::make_unique<Place[]>(cores)) {}

  // -- for the polling core of that index

  /// True: the core is inside until it leaves. False: the gate is closed, and it is not.
  bool enter(std::uint32_t core) noexcept {
    if (!open_.load(std::memory_order_relaxed)) return false;
    // The core says that it is inside and then looks again; close() closes and then looks who is
    // inside. Each in one total order: at least one of them sees the other.
    places_[core].is_inside.store(true, std::memory_order_seq_cst);
    if (open_.load(std::memory_order_seq_cst)) [[likely]]
      return true;
    leave(core);
    return false;
  }
  void leave(std::uint32_t core) noexcept {
    places_[core].is_inside.store(false, std::memory_order_release);
  }

  // -- for one other thread at a time

  void open() noexcept { open_.store(true, std::memory_order_seq_cst); }
  /// Returns when no core is inside, and none will be before open().
  void close() noexcept {
    open_.store(false, std::memory_order_seq_cst);
    for (std::uint32_t core = 0; core < cores_; ++core)
      while (places_[core].is_inside.load(std::memory_order_seq_cst)) sched_yield();
  }

  // -- for any thread

  bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }

 private:
  struct alignas(64) Place {
    std::atomic<bool> is_inside{false};
  };

  std::atomic<bool> open_{false};
  std::uint32_t cores_;
  std::unique_ptr<Place[]> places_;
};

}  // namespace mayfly::nic
