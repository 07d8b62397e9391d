#include "nic/memif.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "nic/devargs.h"
#include "nic/quirks.h"

namespace mayfly::nic {
namespace {

bool is_memif(std::string_view devargs) {
  return quirks_of(device_name(devargs)).has_server_socket;
}

bool is_server(std::string_view devargs) {
  const std::string_view role = device_argument(devargs, "role");
  return role == "server" || role == "master";
}

std::string socket_path(std::string_view devargs) {
  const std::string_view path = device_argument(devargs, "socket");
  return std::string(path.empty() ? "/run/memif.sock" : path);  // the driver's default
}

bool is_refused(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);  // memif's socket type
  if (fd < 0) return false;
  const int status = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = status != 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

}  // namespace

bool is_memif_client(std::string_view devargs) { return is_memif(devargs) && !is_server(devargs); }

bool is_zero_copy(std::string_view devargs) {
  return device_argument(devargs, "zero-copy") == "yes";
}

void remove_stale_memif_socket(std::string_view devargs) {
  if (!is_memif(devargs) || !is_server(devargs)) return;
  if (device_argument(devargs, "socket-abstract") != "no")
    return;  // abstract sockets leave nothing behind
  const std::string path = socket_path(devargs);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  if (is_refused(path)) unlink(path.c_str());
}

std::string memif_peer_words(std::string_view devargs) {
  const std::string_view id = device_argument(devargs, "id");
  return fmt::format("a memif server on {}, id {}", socket_path(devargs), id.empty() ? "0" : id);
}

}  // namespace mayfly::nic
