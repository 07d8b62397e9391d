#include "admin/server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "admin/endpoints.h"
#include "admin/http_framing.h"

namespace mayfly::admin {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kRound{250};

}  // namespace

struct AdminServer::Client {
  Fd fd;
  bool is_on_socket = false;
  bool is_stream = false;
  bool is_ending = false;  // no more input: dropped once everything is answered and sent
  std::string in, out;     // not yet answered, not yet sent
  steady_clock::time_point last_moved = steady_clock::now();

  short wanted() const {
    // Who has not read the last answer gets no next one, so its requests can wait.
    if (is_stream) return static_cast<short>(POLLIN | (out.empty() ? 0 : POLLOUT));
    return out.empty() ? POLLIN : POLLOUT;
  }

  void read() {
    std::array<char, 16 * 1024> some;
    const ssize_t got = recv(fd.get(), some.data(), some.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      is_ending = true;
      if (is_stream) out.clear();
      return;
    }
    if (is_stream) return;  // it has said all
    in.append(some.data(), static_cast<std::size_t>(got));
    last_moved = steady_clock::now();
  }

  void write() {
    const ssize_t sent = send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      out.erase(0, static_cast<std::size_t>(sent));
      last_moved = steady_clock::now();
    } else if (errno != EAGAIN && errno != EINTR) {
      drop();
    }
  }

  void drop() {
    in.clear();
    out.clear();
    is_ending = true;
  }
};

AdminServer::AdminServer(std::string path, std::vector<Door> doors, Fd end, Actions actions,
                         AccessRules rules, Duration idle_max)
    : path_(std::move(path)),
      doors_(std::move(doors)),
      end_(std::move(end)),
      on_start_(actions.on_start),
      on_round_(actions.each_round),
      api_(std::move(actions), std::move(rules)),
      idle_max_(idle_max.us),
      thread_([this] { run(); }) {}

Result<std::unique_ptr<AdminServer>> AdminServer::create(const AdminSettings& settings,
                                                         Actions actions, Duration idle_max) {
  if (settings.socket.empty() && settings.page.empty()) return std::unique_ptr<AdminServer>();
  Fd end(eventfd(0, EFD_CLOEXEC));
  if (!end.is_open()) return Error{fmt::format("eventfd: {}", std::strerror(errno))};
  std::vector<Door> doors;
  AccessRules rules;
  if (!settings.page.empty()) {  // first: a failure leaves no socket behind
    if (const auto why = why_no_page(settings)) return Error{*why};
    auto listener = listen_at(*parse_page_address(settings.page));
    if (!listener) return listener.error();
    doors.push_back({std::move(*listener), false, kOnPageMax});
    rules.token = *read_token(settings);
  }
  if (!settings.socket.empty()) {
    auto listener = listen_at_socket(settings.socket);
    if (!listener) return listener.error();
    doors.push_back({std::move(*listener), true, kOnSocketMax});
  }
  return std::unique_ptr<AdminServer>(new AdminServer(settings.socket, std::move(doors),
                                                      std::move(end), std::move(actions),
                                                      std::move(rules), idle_max));
}

AdminServer::~AdminServer() {
  eventfd_write(end_.get(), 1);
  thread_.join();
  if (!path_.empty()) unlink(path_.c_str());
}

void AdminServer::run() {
  on_start_();
  std::vector<pollfd> fds;
  for (;;) {
    fds.assign(1, {end_.get(), POLLIN, 0});
    for (const Door& door : doors_) fds.push_back({door.listener.get(), POLLIN, 0});
    for (const auto& client : clients_) fds.push_back({client->fd.get(), client->wanted(), 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::clamp<steady_clock::duration>(next_round_ - steady_clock::now(), {}, kRound));
    poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    if (fds[0].revents != 0) return;
    for (std::size_t i = 0; i < clients_.size(); ++i)
      serve(*clients_[i], fds[i + 1 + doors_.size()].revents);
    each_round();
    remove_gone();
    for (std::size_t i = 0; i < doors_.size(); ++i)
      if (fds[i + 1].revents != 0) accept_some(doors_[i]);
  }
}

void AdminServer::each_round() {
  const auto now = steady_clock::now();
  if (now < next_round_) return;
  next_round_ = now + std::min<steady_clock::duration>(kRound, idle_max_);
  if (on_round_) on_round_();
  const std::string event = api_.next_event(now);
  if (event.empty()) return;
  for (const auto& client : clients_) {
    if (!client->is_stream || client->is_ending) continue;
    if (client->out.size() + event.size() > kUnreadMax) {
      client->drop();
      continue;
    }
    client->out += event;
    client->write();
  }
}

void AdminServer::remove_gone() {
  const auto oldest = steady_clock::now() - idle_max_;
  std::erase_if(clients_, [&](const auto& client) {
    if (client->is_ending && client->out.empty()) return true;
    return client->last_moved < oldest && (!client->is_stream || !client->out.empty());
  });
}

// Some callers in each round, after those that have left are removed.
void AdminServer::accept_some(const Door& door) {
  constexpr int kARound = 16;
  for (int i = 0; i < kARound; ++i)
    if (!accept_at(door)) return;
}

bool AdminServer::accept_at(const Door& door) {
  Fd fd(accept4(door.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.is_open()) {
    // Out of descriptors: the connection stays in the queue, so poll() would not wait.
    if (errno != EAGAIN) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return false;
  }
  make_room_at(door);
  auto client = std::make_unique<Client>();
  client->fd = std::move(fd);
  client->is_on_socket = door.is_socket;
  clients_.push_back(std::move(client));
  return true;
}

void AdminServer::make_room_at(const Door& door) {
  const auto is_here = [&](const auto& c) { return c->is_on_socket == door.is_socket; };
  if (static_cast<std::size_t>(std::ranges::count_if(clients_, is_here)) < door.clients_max) return;
  auto longest = clients_.end();
  for (auto it = clients_.begin(); it != clients_.end(); ++it) {
    if (!is_here(*it)) continue;
    // A stream is in use; it goes only if all are.
    const auto rank = [](const Client& c) { return std::pair(c.is_stream, c.last_moved); };
    if (longest == clients_.end() || rank(**it) < rank(**longest)) longest = it;
  }
  clients_.erase(longest);
}

void AdminServer::serve(Client& client, short events) {
  if (events == 0) return;
  if ((events & POLLIN) != 0 || (events & (POLLHUP | POLLERR)) != 0) client.read();
  if ((events & POLLOUT) != 0 && !client.out.empty()) client.write();
  if (!client.is_stream) answer_requests(client);
}

/// One answer at a time: a caller that does not read gets no second one.
void AdminServer::answer_requests(Client& client) {
  while (client.out.empty() && !client.is_stream && !client.in.empty()) {
    const FramedRequest request = frame_request(client.in);
    if (request.state == FramedRequest::State::incomplete) return;
    if (request.state == FramedRequest::State::refused) {
      client.in.clear();
      client.out = Api::refusal(request.status, request.why).bytes;
      client.is_ending = true;
    } else {
      client.in.erase(0, request.length);
      answer_one(client, request.text);
    }
    client.write();
  }
}

void AdminServer::answer_one(Client& client, const std::string& request) {
  HttpAnswer answer = api_.answer(request, client.is_on_socket);
  if (answer.is_stream && streams() >= kStreamsMax)
    answer = Api::refusal(503, "too many streams of events are open");
  client.is_stream = answer.is_stream;
  client.out = std::move(answer.bytes);
  if (!answer.closes || answer.is_stream) return;
  client.in.clear();
  client.is_ending = true;
}

std::size_t AdminServer::streams() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(clients_, [](const auto& client) { return client->is_stream; }));
}

}  // namespace mayfly::admin
