// Keeps the polling cores out of a device while another thread takes away what the device's driver
// works on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace mayfly::nic {

class Gate {
 public:
  /// Closed at first.
  explicit Gate(std::uint32_t cores);

  // -- for the polling core of that index

  /// True: the core is inside until it leaves. False: the gate is closed, and it is not.
  bool enter(std::uint32_t core) noexcept {
    // The core says that it is inside and then looks at the gate; close() closes and then looks who
    // is inside. With a fence between the two on either side at least one of them sees the other.
    // close() has the kernel put the core's: one here would wait at each poll until all frames that
    // the core has just written for another are in its cache.
    places_[core].is_inside.store(true, std::memory_order_relaxed);
    if (fences_itself_) [[unlikely]]
      std::atomic_thread_fence(std::memory_order_seq_cst);
    else
      std::atomic_signal_fence(std::memory_order_seq_cst);
    if (open_.load(std::memory_order_acquire)) [[likely]]
      return true;
    leave(core);
    return false;
  }
  void leave(std::uint32_t core) noexcept {
    places_[core].is_inside.store(false, std::memory_order_release);
  }

  // -- for one other thread at a time

  void open() noexcept { open_.store(true, std::memory_order_release); }
  /// Returns when no core is inside, and none will be before open().
  void close() noexcept;

  // -- for any thread

  bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }

 private:
  struct alignas(64) Place {
    std::atomic<bool> is_inside{false};
  };

  std::atomic<bool> open_{false};
  std::uint32_t cores_;
  bool fences_itself_;  // the kernel has no membarrier(2) for us
  std::unique_ptr<Place[]> places_;
};

}  // namespace mayfly::nic
