// The admin server: one thread that accepts callers on the control socket and on the page's
// address, frames their requests, lets the Api answer, and sends events to those who stream. It
// waits for nobody: what a caller does not read is kept up to a limit, then the caller goes.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "admin/actions.h"
#include "admin/api.h"
#include "admin/settings.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace mayfly::admin {

class AdminServer {
 public:
  /// Connected at once, for each of the two places. One more takes the place of the one that has
  /// been silent for longest, so idle callers lock nobody out.
  static constexpr std::size_t kOnSocketMax = 16, kOnPageMax = 64;
  static constexpr std::size_t kStreamsMax = 32;         ///< of all places
  static constexpr std::size_t kUnreadMax = 256 * 1024;  ///< bytes that a stream may lag behind
  static constexpr Duration kIdleMax = Duration::from_s(60);

  /// Makes the socket and listens at the page's address, each if the settings have it; null if
  /// they have neither. Callers that send and take nothing for `idle_max` are disconnected, except
  /// those that stream.
  static Result<std::unique_ptr<AdminServer>> create(const AdminSettings& settings, Actions actions,
                                                     Duration idle_max = kIdleMax);
  /// Ends the thread and removes the socket.
  ~AdminServer();

 private:
  struct Client;
  /// A place where callers connect.
  struct Door {
    Fd listener;
    bool is_socket;
    std::size_t clients_max;
  };

  AdminServer(std::string path, std::vector<Door> doors, Fd end, Actions actions, AccessRules rules,
              Duration idle_max);
  void run();
  void each_round();
  void accept_some(const Door& door);
  bool accept_at(const Door& door);
  void make_room_at(const Door& door);
  void serve(Client& client, short events);
  void answer_requests(Client& client);
  void answer_one(Client& client, const std::string& request);
  void remove_gone();
  std::size_t streams() const;

  std::string path_;
  std::vector<Door> doors_;
  Fd end_;  // an eventfd, readable when the thread is to end
  std::function<void()> on_start_, on_round_;
  Api api_;
  std::chrono::microseconds idle_max_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::chrono::steady_clock::time_point next_round_{};
  std::thread thread_;
};

}  // namespace mayfly::admin
