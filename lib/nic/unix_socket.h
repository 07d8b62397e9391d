// UNIX sockets of the kind that memif's control channel is made of: whole messages
// (SOCK_SEQPACKET), which may carry file descriptors.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace mayfly::nic {

struct UnixAddress {
  sockaddr_un socket{};
  socklen_t size = 0;

  /// A file, or a name in the abstract name space.
  static Result<UnixAddress> of(const std::string& name, bool is_abstract);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&socket); }
};

/// A socket that others can connect to; it does not block. The error names the address.
Result<Fd> listen_at(const UnixAddress& address, const std::string& name);

/// Not open, and errno says why, if nobody listens there. The socket does not block.
Fd connect_to(const UnixAddress& address);

/// Not open if nobody waits to be accepted. The socket does not block.
Fd accept_from(const Fd& listener);

struct Message {
  std::array<std::byte, 256> bytes{};
  std::size_t size = 0;
  std::vector<Fd> files;
};

enum class Arrival : std::uint8_t {
  message,
  nothing,  ///< not yet
  end,      ///< the other end has closed, or the connection is broken
};
Arrival receive(const Fd& from, Message& message);

/// False: the other end is gone, or does not read.
bool send(const Fd& to, const Message& message);

}  // namespace mayfly::nic
