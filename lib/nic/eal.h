// The start of DPDK's environment layer (EAL), and the threads that poll.
//
// The threads: the thread that calls start_eal becomes EAL's main lcore 0 and stays the control
// thread. It is bound to the CPUs that do not poll or, if every CPU polls, to all of them. Each
// core of EalOptions::cores has one EAL worker thread (lcores 1, 2, ... in that order) bound to it,
// so that mempool caches work there. A worker sleeps until Eal::run_on gives it a poll loop.
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

/// How to start the EAL.
struct EalOptions {
  HugePagesMode hugepages = HugePagesMode::automatic;
  std::vector<std::uint32_t> cores;  ///< CPUs that poll, each once; at most 127, or none
  std::vector<std::string>
      vdevs;  ///< devargs of virtual devices to make at once; Device::open can do it later
  std::vector<std::string> pci;       ///< PCI addresses; without any, the PCI bus is not scanned
  std::string file_prefix;            ///< empty = "mayfly-" and the process id
  bool telemetry = false;             ///< DPDK's socket for it, in its runtime folder
  std::size_t memory_mb = 256;        ///< MiB allocated at start
  bool single_file_segments = false;  ///< needed by zero-copy memif and virtio-user

  /// Adds the options that the EAL needs at start for a port: its PCI address, or those for memory
  /// shared by zero-copy.
  void expect(const PortSettings& port);
};

/// The running EAL. A process can start one, once. Its destructor stops the devices and frees all
/// of its memory, so it is destroyed last, on the thread that started it.
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

  /// A sentence for the user: the kind of memory, and why.
  const std::string& memory_words() const;
  bool hugepages() const;

 private:
  struct State;
  explicit Eal(std::unique_ptr<State> state);
  friend Result<Eal> start_eal(const EalOptions& options);
  std::unique_ptr<State> state_;
};

/// "DPDK 22.11.9", of the library that is loaded.
std::string dpdk_version();

/// Starts the EAL. Errors say what can be done, and quote the EAL's own messages.
Result<Eal> start_eal(const EalOptions& options);

/// The log of DPDK since the last call, without line breaks; at most some kilobytes. Empty before
/// start_eal.
std::string take_eal_log();

/// The end of an error message: " (DPDK says: ...)", or an empty text.
std::string eal_log_suffix();

}  // namespace mayfly::nic
