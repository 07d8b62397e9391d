// What the two ends of virtio need around them, net_vhost (the host's) and net_virtio_user (the
// guest's): one listens on a socket and the other connects to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mayfly::nic {

struct VhostSocket {
  std::string path;
  bool listens = false;  ///< this end does
  /// The driver wants its peer before it starts: it blocks, or fails.
  bool needs_peer = false;
};

/// The socket of a device with these devargs; nothing if it is no virtio device.
std::optional<VhostSocket> vhost_socket(std::string_view devargs);

/// Removes the file that an ended process left, which would fail the start. Sockets that someone
/// listens on are left alone.
void remove_stale_socket(const VhostSocket& socket);

/// Whether somebody listens on it.
bool has_listener(const VhostSocket& socket);

}  // namespace mayfly::nic
