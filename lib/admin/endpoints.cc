#include "admin/endpoints.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

namespace mayfly::admin {
namespace {

constexpr std::size_t kTokenMin = 16, kTokenMax = 1'024;

Error system_error(const std::string& what) {
  return Error{fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error{
        fmt::format("{}: a socket's path has 1 to {} bytes", path, sizeof address.sun_path - 1)};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

template <class Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Fd new_socket(int family, int more = 0) {
  return Fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | more, 0));
}

/// True if the socket refuses connections: a process left it that ended without removing it.
bool is_abandoned(const std::string& path, const sockaddr_un& address) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const Fd probe = new_socket(AF_UNIX);
  return connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
}

/// The socket address of either family; its length is 0 if `host` is no address.
struct InetAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  bool is_loopback = false;
};

InetAddress inet_address(const std::string& host, std::uint16_t port) {
  InetAddress address;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&address.storage, &four, sizeof four);
    address.length = sizeof four;
    address.is_loopback = (ntohl(four.sin_addr.s_addr) >> 24) == 127;
  } else if (inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&address.storage, &six, sizeof six);
    address.length = sizeof six;
    address.is_loopback = IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
  }
  return address;
}

}  // namespace

Result<PageAddress> parse_page_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == text.npos ? text : text.substr(colon + 1);
  PageAddress address;
  address.host = colon == text.npos ? "127.0.0.1" : text.substr(0, colon);
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
    address.host = address.host.substr(1, address.host.size() - 2);
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  const InetAddress inet = inet_address(address.host, address.port);
  if (failure != std::errc{} || end != port.data() + port.size() || inet.length == 0)
    return Error{fmt::format("\"{}\" is not ADDRESS:PORT, such as 127.0.0.1:9000", text)};
  address.is_loopback = inet.is_loopback;
  return address;
}

Result<Fd> listen_at(const PageAddress& address) {
  const InetAddress inet = inet_address(address.host, address.port);
  const std::string name = fmt::format("{} port {}", address.host, address.port);
  Fd listener = new_socket(inet.storage.ss_family, SOCK_NONBLOCK);
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  setsockopt(listener.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (bind(listener.get(), generic(inet.storage), inet.length) != 0 ||
      listen(listener.get(), 128) != 0)
    return system_error("admin.page: " + name);
  return listener;
}

Result<Fd> listen_at_socket(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return address.error();
  Fd listener = new_socket(AF_UNIX, SOCK_NONBLOCK);
  const auto bind_it = [&] {
    return bind(listener.get(), generic(*address), sizeof *address) == 0;
  };
  bool is_bound = bind_it();
  if (!is_bound && errno == EADDRINUSE) {
    if (!is_abandoned(path, *address))
      return Error{fmt::format("{}: another process listens there, or it is no socket", path)};
    unlink(path.c_str());
    is_bound = bind_it();
  }
  if (!is_bound) return system_error(path);
  // Nobody can connect before listen(), so the socket is never open to others.
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(listener.get(), 128) != 0) {
    Error error = system_error(path);
    unlink(path.c_str());
    return error;
  }
  return listener;
}

bool is_listened_at(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return false;
  const Fd probe = new_socket(AF_UNIX);
  return connect(probe.get(), generic(*address), sizeof *address) == 0;
}

std::optional<std::string> why_no_socket(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return address.error().what;
  struct stat file {};
  if (lstat(path.c_str(), &file) == 0) {
    if (S_ISSOCK(file.st_mode)) return std::nullopt;  // whether somebody listens, a start finds out
    return fmt::format("{}: there is something that is no socket", path);
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (access(folder.c_str(), W_OK | X_OK) == 0) return std::nullopt;
  return fmt::format("{}: {}", path, std::strerror(errno));
}

std::optional<std::string> why_no_page(const AdminSettings& settings) {
  const auto address = parse_page_address(settings.page);
  if (!address) return address.error().what;
  if (!address->is_loopback && settings.token_file.empty())
    return fmt::format(
        "{} can be reached from elsewhere, so callers need a token. Make one, \"head -c 24 "
        "/dev/urandom | base64 > TOKEN; chmod 600 TOKEN\", and set admin.token_file: TOKEN; or "
        "use 127.0.0.1:{}",
        address->host, address->port);
  if (const auto token = read_token(settings); !token) return token.error().what;
  return std::nullopt;
}

Result<std::string> read_token(const AdminSettings& settings) {
  if (settings.token_file.empty()) return std::string();
  std::ifstream file(settings.token_file);
  std::string token;
  if (!file || !std::getline(file, token))
    return Error{fmt::format("no token can be read from {}", settings.token_file)};
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.size() < kTokenMin || token.size() > kTokenMax)
    return Error{fmt::format("the token in {} has {} characters; it needs {} to {}",
                             settings.token_file, token.size(), kTokenMin, kTokenMax)};
  return token;
}

}  // namespace mayfly::admin
