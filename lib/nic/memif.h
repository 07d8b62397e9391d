// What net_memif needs around it: a control channel that takes nothing away from a polling core, a
// client that connects again, and a stale socket file out of the way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "nic/gate.h"
#include "nic/memif_relay.h"

namespace mayfly::nic {

/// True if a device with these devargs is a memif that waits for its server.
bool is_memif_client(std::string_view devargs);
bool is_memif(std::string_view devargs);

/// True if it shares the memory of its frames with the other end. Frames then stay in its rings.
bool is_zero_copy(std::string_view devargs);

/// For a memif server on a socket file: removes the file if a process that has ended left it. With
/// the file, the start would fail with "Address already in use". Does nothing for other devices,
/// and for sockets on which a process listens.
void remove_stale_memif_socket(std::string_view devargs);

/// What a memif client waits for, in words: "a memif server on /run/mayfly.sock, id 0".
std::string memif_peer_words(std::string_view devargs);

/// The control channel of one memif device, which leads by a relay to the driver's own socket.
/// Devices of one server socket share it. Control thread.
class MemifControl {
 public:
  /// Before the driver is probed: the server's socket is there from now on, and its peers wait.
  static Result<std::unique_ptr<MemifControl>> create(std::string_view devargs,
                                                      std::uint32_t cores);
  /// Ends the connection. No core polls, and the device has not been closed yet.
  ~MemifControl();

  /// What the driver is to be probed with: a socket of this process.
  const std::string& driver_devargs() const { return driver_devargs_; }
  /// Open while the device is connected. Every core passes it on its way into the driver.
  Gate& gate() { return gate_; }
  /// The device is configured. A server is started already; a client is started with each
  /// connection that it makes, and again whenever its server has gone and come back.
  void begin(std::uint16_t port_id);

 private:
  struct Socket;
  MemifControl(std::string_view devargs, std::uint32_t cores);

  static Result<std::shared_ptr<Socket>> new_socket();
  static Result<std::shared_ptr<Socket>> server_socket(std::string_view devargs);
  static Result<std::shared_ptr<Socket>> client_socket();

  std::string devargs_, driver_devargs_;
  UnixAddress peers_;
  Gate gate_;
  std::shared_ptr<Socket> socket_;
};

}  // namespace mayfly::nic
