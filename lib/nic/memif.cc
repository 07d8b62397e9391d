#include "nic/memif.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "nic/devargs.h"
#include "nic/quirks.h"

namespace mayfly::nic {
namespace {

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

bool is_abstract(std::string_view devargs) {
  return device_argument(devargs, "socket-abstract") != "no";  // the driver's default is yes
}

std::uint32_t id_of(std::string_view devargs) {
  const std::string_view text = device_argument(devargs, "id");
  std::uint32_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  return id;
}

/// Of a socket between relay and driver, in the folder that only this user may enter.
std::string inner_path() {
  static unsigned made = 0;
  return fmt::format("{}/memif{}", rte_eal_get_runtime_dir(), made++);
}

bool is_port_up(std::uint16_t port_id) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(port_id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace

bool is_memif(std::string_view devargs) {
  return quirks_of(device_name(devargs)).has_server_socket;
}

bool is_memif_client(std::string_view devargs) { return is_memif(devargs) && !is_server(devargs); }

bool is_zero_copy(std::string_view devargs) {
  return device_argument(devargs, "zero-copy") == "yes";
}

void remove_stale_memif_socket(std::string_view devargs) {
  if (!is_memif(devargs) || !is_server(devargs)) return;
  if (is_abstract(devargs)) return;  // leaves nothing behind
  const std::string path = socket_path(devargs);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  if (is_refused(path)) unlink(path.c_str());
}

std::string memif_peer_words(std::string_view devargs) {
  const std::string_view id = device_argument(devargs, "id");
  return fmt::format("a memif server on {}, id {}", socket_path(devargs), id.empty() ? "0" : id);
}

namespace {

using Next = std::function<std::optional<MemifRelay::Pair>(const Fd&)>;

/// Takes a peer, and connects to the driver for it.
Next next_of_server(const UnixAddress& driver) {
  return [driver](const Fd& listener) -> std::optional<MemifRelay::Pair> {
    MemifRelay::Pair pair{accept_from(listener), {}};
    if (!pair.peer.is_open()) return std::nullopt;
    pair.driver = connect_to(driver);
    if (!pair.driver.is_open()) return std::nullopt;
    return pair;
  };
}

/// Connects to the peer. DPDK's driver connects when it is started, and then only.
Next next_of_client(const UnixAddress& server, const Fd& from_driver, std::uint16_t port_id) {
  return [server, &from_driver, port_id](const Fd&) -> std::optional<MemifRelay::Pair> {
    MemifRelay::Pair pair{connect_to(server), {}};
    if (!pair.peer.is_open()) return std::nullopt;
    while (accept_from(from_driver).is_open()) {
    }  // what a start left that failed
    rte_eth_dev_stop(port_id);
    if (rte_eth_dev_start(port_id) != 0) return std::nullopt;
    pair.driver = accept_from(from_driver);
    if (!pair.driver.is_open()) return std::nullopt;
    return pair;
  };
}

}  // namespace

/// Both sockets, and the relay between them from begin() on.
struct MemifControl::Socket {
  std::string inner, outer;  ///< the driver's; the peers', as a file, or empty
  UnixAddress driver;        ///< of `inner`
  Fd listener;               ///< of a server's peers, until the relay has it; of a client's driver
  std::optional<MemifRelay> relay;

  ~Socket() {
    relay.reset();
    unlink(inner.c_str());
    if (!outer.empty()) unlink(outer.c_str());
  }
};

MemifControl::MemifControl(std::string_view devargs, std::uint32_t cores)
    : devargs_(devargs), gate_(cores) {}

Result<std::shared_ptr<MemifControl::Socket>> MemifControl::new_socket() {
  auto socket = std::make_shared<Socket>();
  socket->inner = inner_path();
  unlink(socket->inner.c_str());  // of a process that had this one's number
  const auto address = UnixAddress::of(socket->inner, false);
  if (!address) return address.error();
  socket->driver = *address;
  return socket;
}

Result<std::shared_ptr<MemifControl::Socket>> MemifControl::server_socket(
    std::string_view devargs) {
  static std::map<std::string, std::weak_ptr<Socket>> open;
  const std::string name = socket_path(devargs);
  if (auto known = open[name].lock()) return known;
  remove_stale_memif_socket(devargs);
  const auto address = UnixAddress::of(name, is_abstract(devargs));
  if (!address) return address.error();
  auto listener = listen_at(*address, name);
  if (!listener) return listener.error();
  auto socket = new_socket();
  if (!socket) return socket;
  if (!is_abstract(devargs)) (*socket)->outer = name;
  (*socket)->listener = std::move(*listener);
  open[name] = *socket;
  return socket;
}

Result<std::shared_ptr<MemifControl::Socket>> MemifControl::client_socket() {
  auto socket = new_socket();
  if (!socket) return socket;
  auto listener = listen_at((*socket)->driver, (*socket)->inner);
  if (!listener) return listener.error();
  (*socket)->listener = std::move(*listener);
  return socket;
}

Result<std::unique_ptr<MemifControl>> MemifControl::create(std::string_view devargs,
                                                           std::uint32_t cores) {
  std::unique_ptr<MemifControl> control(new MemifControl(devargs, cores));
  const auto peers = UnixAddress::of(socket_path(devargs), is_abstract(devargs));
  if (!peers) return peers.error();
  control->peers_ = *peers;
  auto socket = is_server(devargs) ? server_socket(devargs) : client_socket();
  if (!socket) return socket.error();
  control->socket_ = std::move(*socket);
  control->driver_devargs_ = with_argument(
      with_argument(devargs, "socket", control->socket_->inner), "socket-abstract", "no");
  return control;
}

MemifControl::~MemifControl() {
  if (socket_ != nullptr && socket_->relay) socket_->relay->remove(gate_);
}

void MemifControl::begin(std::uint16_t port_id) {
  if (!socket_->relay) {
    MemifRelay::Source source{.listener = {}, .next = {}};
    if (is_server(devargs_)) {
      source.listener = std::move(socket_->listener);
      source.next = next_of_server(socket_->driver);
    } else {
      source.next = next_of_client(peers_, socket_->listener, port_id);
      source.pairs_max = 1;
    }
    socket_->relay.emplace(std::move(source));
  }
  socket_->relay->add({id_of(devargs_), &gate_, [port_id] { return is_port_up(port_id); }});
}

}  // namespace mayfly::nic
