// The control socket: a UNIX stream socket on which each line is answered by a line. requests.h
// defines the lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace mayfly::admin {

/// Answers clients on its own thread, one line after the other, until it is destroyed.
class ControlServer {
 public:
  /// The longest line in bytes. A longer one is answered with an error, and its client
  /// disconnected.
  static constexpr std::size_t kLineMax = 64 * 1024;
  static constexpr std::size_t kClientsMax = 16;  ///< connected at once
  static constexpr Duration kIdleMax = Duration::from_s(60);

  /// The answer to a line, both without their line feed. Runs on the server's thread.
  using Answer = std::function<std::string(std::string_view line)>;

  /// Makes the socket, accessible to this user alone. A socket that an ended process has left is
  /// replaced. It is an error if another process listens on it, or if `path` is not a socket.
  /// Clients that send nothing for `idle_max` are disconnected.
  static Result<std::unique_ptr<ControlServer>> create(const std::string& path, Answer answer,
                                                       Duration idle_max = kIdleMax);
  /// Ends the thread and removes the socket.
  ~ControlServer();

 private:
  struct Client;

  ControlServer(std::string path, Fd listener, Fd end, Answer answer, Duration idle_max);
  void run();
  void accept_one();
  void serve(Client& client, short events);
  void answer_lines(Client& client);

  std::string path_;
  Fd listener_, end_;  // end_: an eventfd, readable when the thread is to end
  Answer answer_;
  Duration idle_max_;
  std::vector<Client> clients_;
  std::thread thread_;
};

/// Why no control socket can be made at `path`; nothing if it can. Makes none.
std::optional<std::string> why_no_socket(const std::string& path);

/// A client: sends one line to the socket at `path` and returns the answer, both without line feed.
/// Waits at most `patience` for it.
Result<std::string> ask_control(const std::string& path, std::string_view line, Duration patience);

}  // namespace mayfly::admin
