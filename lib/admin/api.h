// The API and the page over HTTP: one request in, one answer out, without a socket. cpp-httplib
// reads the request and finds its handler; doc/control.md lists the paths.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "admin/access.h"
#include "admin/actions.h"
#include "base/time.h"

namespace mayfly::admin {

/// The answer's bytes, and what becomes of the connection.
struct HttpAnswer {
  std::string bytes;
  bool closes = false;     ///< nothing follows
  bool is_stream = false;  ///< the head of a stream: what next_event() returns follows
};

/// Not thread-safe.
class Api {
 public:
  /// Samples that are kept for a page that is opened later: ten minutes and some fast ones.
  static constexpr std::size_t kSamplesMax = 700;
  /// The time between two events, and the one for a while after a change, so that it is seen at
  /// once.
  static constexpr std::chrono::milliseconds kEvery{1'000}, kSoon{250}, kSoonFor{2'000};

  Api(Actions actions, AccessRules rules);
  ~Api();

  /// The answer to one framed request (http_framing.h). Throws nothing, whatever the request is.
  HttpAnswer answer(const std::string& request, bool is_on_socket);
  /// The answer to what is no request.
  static HttpAnswer refusal(int status, std::string_view why);

  /// Takes a sample if it is time, and returns it as an event for all streams (HTML: server-sent
  /// events); empty otherwise. Call it several times a second.
  std::string next_event(std::chrono::steady_clock::time_point now);

 private:
  class Router;

  Actions actions_;
  AccessRules rules_;
  std::deque<std::string> samples_;  // as JSON, the oldest first
  std::chrono::steady_clock::time_point next_{}, soon_until_{};
  bool was_changed_ = false;
  std::unique_ptr<Router> router_;
};

}  // namespace mayfly::admin
