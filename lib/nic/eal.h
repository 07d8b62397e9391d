// The start of DPDK's environment layer (EAL), and the threads that poll.
//
// Who runs where: the thread that calls start_eal becomes EAL's main lcore 0 and stays the control
// thread; EAL keeps it on the CPUs that do not poll, or, where every CPU polls, lets it share all
// of them. Each core of EalOptions::cores gets one EAL worker thread (lcores 1, 2, ... in that
// order) pinned to it, so that mempool caches work there; a worker sleeps until Eal::run_on gives
// it a poll loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "nic/settings.h"

namespace mayfly::nic {

struct EalOptions {
  HugePagesMode hugepages = HugePagesMode::automatic;
  std::vector<std::uint32_t> cores;  ///< CPUs that poll, each once; at most 127, or none
  std::vector<std::string>
      vdevs;  ///< devargs of virtual devices to make at once; Device::open can do it later
  std::vector<std::string> pci;       ///< PCI addresses; without any, the PCI bus is not looked at
  std::string file_prefix;            ///< empty = "mayfly-" and the process id
  std::size_t memory_mb = 256;        ///< taken at start
  bool single_file_segments = false;  ///< memif zero-copy and virtio-user want it

  /// Puts down what EAL must know of a port at its start: a PCI address, or that memory is shared
  /// by zero-copy.
  void expect(const PortSettings& port);
};

/// The running EAL: one a process, and once a process. Its end stops the devices and frees all of
/// its memory, so it is destroyed last, on the thread that started it.
class Eal {
 public:
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();

  /// Runs `loop` on the i-th of EalOptions::cores. False if that core still runs an earlier one.
  /// The loop must not throw.
  [[nodiscard]] bool run_on(std::size_t core_index, std::function<void()> loop);
  /// Waits for all loops to return.
  void wait();

  /// For the start's report: which memory, and why. A sentence.
  const std::string& memory_words() const;
  bool hugepages() const;

 private:
  struct State;
  explicit Eal(std::unique_ptr<State> state);
  friend Result<Eal> start_eal(const EalOptions& options);
  std::unique_ptr<State> state_;
};

/// Errors name what can be done about them, with EAL's own words where it said any.
Result<Eal> start_eal(const EalOptions& options);

/// What DPDK has logged since it was last asked, without line breaks; at most some kilobytes. Empty
/// before start_eal.
std::string take_eal_log();

/// " (DPDK says: ...)" or nothing: the tail of an error message.
std::string eal_log_suffix();

}  // namespace mayfly::nic
