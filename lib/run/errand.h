// Something that the control side lets a polling core do in small steps, one at each poll. The core
// waits for nobody, and takes no lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

namespace mayfly::run {

/// `T` is what the work is done on. It is copied to the core and back, so the caller may give up.
template <class T>
class Errand {
 public:
  struct NobodySleeps {
    void operator()() const noexcept {}
  };

  /// Gives `work` to the core and waits until it is done. When `patience` is over the core is asked
  /// for what it has so far, and has another 100 ms for that. False: it does not answer, and `work`
  /// is as it was. One thread at a time.
  /// wake() is called when there is work, in case the core sleeps.
  template <class Wake = NobodySleeps>
  bool run(T& work, std::chrono::microseconds patience, const Wake& wake = {}) {
    if (state_.load(std::memory_order_acquire) == State::asked) return false;  // still the last one
    work_ = work;
    ends_.store(false, std::memory_order_relaxed);
    state_.store(State::asked, std::memory_order_release);
    wake();
    if (!wait(patience)) {
      ends_.store(true, std::memory_order_relaxed);
      if (!wait(std::chrono::milliseconds(100))) return false;
    }
    work = work_;
    return true;
  }

  // -- for the polling core --
  bool is_asked() const noexcept { return state_.load(std::memory_order_acquire) == State::asked; }
  /// Calls step(T&), which returns whether the work is done. Returns the amount of work: 1.
  template <class Step>
  std::size_t step(Step&& step) noexcept {
    if (step(work_) || ends_.load(std::memory_order_relaxed))
      state_.store(State::done, std::memory_order_release);
    return 1;
  }

 private:
  enum class State : std::uint8_t { idle, asked, done };

  bool wait(std::chrono::microseconds patience) const {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (state_.load(std::memory_order_acquire) != State::done) {
      if (std::chrono::steady_clock::now() >= give_up) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
  }

  std::atomic<State> state_{State::idle};
  std::atomic<bool> ends_{false};
  T work_;  // of the core while it is asked
};

}  // namespace mayfly::run
