// Settings of the services of a server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "shard/settings.h"

namespace mayfly::service {

enum class ServiceKind : std::uint8_t { http, echo, discard };

/// A TCP port (host order) and its service.
struct ListenSettings {
  std::uint16_t port = 80;
  ServiceKind service = ServiceKind::http;
};

/// One resource, or a folder of them. Exactly one of body, bytes and folder is set.
struct RouteSettings {
  std::string path;  ///< exact, or a prefix ending in "/" for a folder
  std::optional<std::string> body;
  std::optional<std::uint64_t> bytes;  ///< that many bytes of the pattern (pattern.h)
  std::optional<std::string> folder;   ///< its path; read into memory at start
  bool dot_names = false;              ///< the folder's names that begin with a dot are served too
  std::string content_type;            ///< empty: text/plain, octet-stream, by file suffix
  bool operator==(const RouteSettings&) const = default;
};

/// Which requests are told in the log.
struct AccessLogSettings {
  double sample = 0;  ///< the share of them, at random; 0 = none
};

/// The HTTP service.
struct HttpSettings {
  std::vector<RouteSettings> routes;
  bool date = true;                        ///< answers have a Date field
  std::uint32_t header_bytes_max = 8'192;  ///< request line and headers; more: 431
  std::uint64_t body_bytes_max = 65'536;   ///< request body; more: 413
  /// Time for a whole request to arrive; then it is answered with 408, and the connection closed.
  Duration request_timeout = Duration::from_s(10);
  /// Idle time between requests, after which the connection is closed.
  Duration keep_alive_timeout = Duration::from_s(15);
  std::uint32_t keep_alive_requests = 0;  ///< most requests on a connection; 0 = no limit
  AccessLogSettings access_log;
};

/// A server: its cores and connections, and what it serves.
struct ServerSettings : shard::EndSettings {
  std::vector<ListenSettings> listen;
  HttpSettings http;
};

}  // namespace mayfly::service
