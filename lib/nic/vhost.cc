#include "nic/vhost.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "nic/devargs.h"
#include "nic/quirks.h"
#include "nic/unix_socket.h"

namespace mayfly::nic {
namespace {

/// 0, or the errno of a connection to it.
int try_to_connect(const std::string& path) {
  const auto address = UnixAddress::of(path, false);
  if (!address) return ENAMETOOLONG;
  const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(fd.get(), address->get(), address->size) == 0 ? 0 : errno;
}

}  // namespace

std::optional<VhostSocket> vhost_socket(std::string_view devargs) {
  const DriverQuirks& driver = quirks_of(device_name(devargs));
  if (driver.socket_argument.empty()) return std::nullopt;
  VhostSocket socket{.path = std::string(device_argument(devargs, driver.socket_argument))};
  socket.listens = driver.listens_argument.empty()
                       ? device_argument(devargs, driver.connects_argument) != "1"
                       : device_argument(devargs, driver.listens_argument) == "1";
  socket.needs_peer = driver.shares_memory;
  return socket;
}

void remove_stale_socket(const VhostSocket& socket) {
  struct stat file {};
  if (!socket.listens || stat(socket.path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  if (try_to_connect(socket.path) == ECONNREFUSED) unlink(socket.path.c_str());
}

bool has_listener(const VhostSocket& socket) { return try_to_connect(socket.path) == 0; }

}  // namespace mayfly::nic
