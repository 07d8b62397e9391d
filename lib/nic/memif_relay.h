// Stands between a memif peer and DPDK's driver on their control channel. The driver of DPDK 22.11
// unmaps the shared memory from its own thread as soon as it hears that the peer is gone, whether
// or not a core is inside a receive or transmit call. So it does not hear it from the peer: the
// relay does, closes the device's gate, which waits for the cores to leave, and only then tells the
// driver. A gate is open just while its device is connected.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "nic/gate.h"
#include "nic/unix_socket.h"

namespace mayfly::nic {

class MemifRelay {
 public:
  /// A device of the driver, which a peer asks for by its number.
  struct Device {
    std::uint32_t id = 0;
    Gate* gate = nullptr;
    std::function<bool()> is_up;  ///< the driver has mapped the memory, and its queues work
  };
  /// The two control channels that belong together.
  struct Pair {
    Fd peer, driver;
  };
  /// Where pairs come from.
  struct Source {
    Fd listener;  ///< readable when there may be one; not open: ask again and again
    std::function<std::optional<Pair>(const Fd& listener)> next;  ///< on the relay's thread
    std::size_t pairs_max = 16;
  };

  explicit MemifRelay(Source source);
  /// Ends all connections first; see remove().
  ~MemifRelay();

  /// `device.gate` outlives its place here.
  void add(Device device);
  /// Ends the connections of the device with this gate; afterwards the gate stays closed.
  void remove(const Gate& gate);

 private:
  struct Channel {
    Pair pair;
    std::optional<std::uint32_t> id{};  ///< of the device, once one was asked for
    bool is_connected = false, awaits_driver = false;
  };

  void run();
  void wait();
  void take_new();
  /// False: the connection is over.
  bool serve(Channel& channel);
  bool pass_on(Channel& channel, const Message& message, const Fd& to);
  bool connect(Channel& channel);
  void end(Channel& channel);
  void await_driver(const Fd& driver);
  Device* device_of(const Channel& channel);

  Source source_;
  Fd wake_;
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;  // guards what follows: the relay's thread, and add() and remove()
  std::vector<Device> devices_;
  std::list<Channel> channels_;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace mayfly::nic
