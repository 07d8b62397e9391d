// Who may ask the page and its API. On the loopback address everybody on this machine may, but no
// web page of another site in somebody's browser; from elsewhere only who has the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mayfly::admin {

struct AccessRules {
  std::string token;  ///< empty = none is needed
};

/// What of a request decides whether it is answered.
struct Caller {
  bool is_on_socket = false;  ///< the file's mode has decided already
  bool changes = false;       ///< the method is not GET or HEAD
  bool is_public = false;     ///< a file of the page, which holds nothing secret
  std::string host, origin, fetch_site, authorization;  ///< header fields; empty = not there
};

/// An HTTP status and words for it.
struct Refusal {
  int status;
  std::string why;
};

/// Why this caller is not answered; nothing if it is.
std::optional<Refusal> why_refused(const AccessRules& rules, const Caller& caller);

/// Whether two texts are the same, in a time that depends on `given` alone.
bool is_same_secret(std::string_view given, std::string_view wanted);

}  // namespace mayfly::admin
