#include "admin/control.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "admin/requests.h"

namespace mayfly::admin {
namespace {

using std::chrono::steady_clock;

Error system_error(const std::string& what) {
  return Error{fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error{
        fmt::format("{}: a socket's path has 1 to {} bytes", path, sizeof address.sun_path - 1)};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Fd new_socket(int more = 0) { return Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | more, 0)); }

/// True if the socket refuses connections: a process left it that ended without removing it.
bool is_abandoned(const std::string& path, const sockaddr_un& address) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const Fd probe = new_socket();
  return connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
}

Result<Fd> listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  Fd listener = new_socket(SOCK_NONBLOCK);
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
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(listener.get(), 16) != 0) {
    Error error = system_error(path);
    unlink(path.c_str());
    return error;
  }
  return listener;
}

}  // namespace

struct ControlServer::Client {
  Fd fd;
  std::string in, out;     // not yet answered, not yet sent
  bool is_ending = false;  // no more input: dropped once everything is answered and sent
  steady_clock::time_point last_heard = steady_clock::now();

  short wanted() const { return out.empty() ? POLLIN : POLLOUT; }

  /// Reads what has arrived, up to a limit that is above the longest line.
  void read() {
    std::array<char, 16 * 1024> some;
    const ssize_t got = recv(fd.get(), some.data(), some.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      is_ending = true;
      return;
    }
    in.append(some.data(), static_cast<std::size_t>(got));
    last_heard = steady_clock::now();
  }

  void write() {
    const ssize_t sent = send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      out.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      in.clear();
      out.clear();
      is_ending = true;
    }
  }
};

ControlServer::ControlServer(std::string path, Fd listener, Fd end, Answer answer,
                             Duration idle_max)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      end_(std::move(end)),
      answer_(std::move(answer)),
      idle_max_(idle_max),
      thread_([this] { run(); }) {}

Result<std::unique_ptr<ControlServer>> ControlServer::create(const std::string& path, Answer answer,
                                                             Duration idle_max) {
  Fd end(eventfd(0, EFD_CLOEXEC));
  if (!end.is_open()) return system_error("eventfd");
  auto listener = listen_at(path);
  if (!listener) return listener.error();
  return std::unique_ptr<ControlServer>(
      new ControlServer(path, std::move(*listener), std::move(end), std::move(answer), idle_max));
}

ControlServer::~ControlServer() {
  eventfd_write(end_.get(), 1);
  thread_.join();
  unlink(path_.c_str());
}

void ControlServer::run() {
  constexpr int kRoundMs = 1'000;
  for (;;) {
    std::vector<pollfd> fds{{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Client& client : clients_) fds.push_back({client.fd.get(), client.wanted(), 0});
    const int idle_ms = static_cast<int>(std::min<std::int64_t>(kRoundMs, idle_max_.us / 1'000));
    poll(fds.data(), fds.size(), idle_ms);
    if (fds[0].revents != 0) return;
    for (std::size_t i = 0; i < clients_.size(); ++i) serve(clients_[i], fds[i + 2].revents);
    const auto oldest = steady_clock::now() - std::chrono::microseconds(idle_max_.us);
    std::erase_if(clients_, [&](const Client& client) {
      return (client.is_ending && client.out.empty()) || client.last_heard < oldest;
    });
    if (fds[1].revents != 0) accept_one();
  }
}

// Accepts one client in each round, after those that have left are removed.
void ControlServer::accept_one() {
  Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.is_open()) {
    // Out of descriptors: the connection stays in the queue, so poll() would not wait.
    if (errno != EAGAIN) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return;
  }
  Client client;
  client.fd = std::move(fd);
  if (clients_.size() < kClientsMax) {
    clients_.push_back(std::move(client));
  } else {
    client.out = refusal(fmt::format("{} clients are connected already", kClientsMax)) + "\n";
    client.write();
  }
}

void ControlServer::serve(Client& client, short events) {
  if (events == 0) return;
  if (client.out.empty()) {
    client.read();
  } else {
    client.write();
  }
  answer_lines(client);
}

/// One answer at a time: a client that does not read gets no second one.
void ControlServer::answer_lines(Client& client) {
  while (client.out.empty()) {
    const std::size_t end = client.in.find('\n');
    if (std::min(end, client.in.size()) > kLineMax) {
      client.out = refusal(fmt::format("a line of more than {} bytes", kLineMax)) + "\n";
      client.in.clear();
      client.is_ending = true;
    } else if (end == std::string::npos) {
      return;
    } else {
      client.out = answer_(std::string_view(client.in).substr(0, end)) + "\n";
      client.in.erase(0, end + 1);
    }
    client.write();
  }
}

std::optional<std::string> why_no_socket(const std::string& path) {
  const auto address = address_of(path);
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

Result<std::string> ask_control(const std::string& path, std::string_view line, Duration patience) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const Fd fd = new_socket();
  if (connect(fd.get(), generic(*address), sizeof *address) != 0)
    return system_error("nobody listens on " + path);
  const timeval limit{.tv_sec = patience.us / 1'000'000, .tv_usec = patience.us % 1'000'000};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  std::string text = std::string(line) + "\n";
  while (!text.empty()) {
    const ssize_t sent = send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // the answer may say why
    text.erase(0, static_cast<std::size_t>(sent));
  }
  std::array<char, 16 * 1024> some;
  for (std::string answer;;) {
    const ssize_t got = recv(fd.get(), some.data(), some.size(), 0);
    if (got == 0) return Error{fmt::format("{}: closed without an answer", path)};
    if (got < 0)
      return errno == EAGAIN ? Error{fmt::format("{}: no answer in {} s", path, patience.seconds())}
                             : system_error(path);
    answer.append(some.data(), static_cast<std::size_t>(got));
    if (const std::size_t end = answer.find('\n'); end != std::string::npos)
      return answer.substr(0, end);
  }
}

}  // namespace mayfly::admin
