// The status codes that the server answers with (RFC 9110 15).
#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly::service {

// X(name, code, reason phrase)
#define MAYFLY_HTTP_STATUSES(X)                               \
  X(continue_, 100, "Continue")                               \
  X(ok, 200, "OK")                                            \
  X(partial_content, 206, "Partial Content")                  \
  X(moved_permanently, 301, "Moved Permanently")              \
  X(not_modified, 304, "Not Modified")                        \
  X(bad_request, 400, "Bad Request")                          \
  X(not_found, 404, "Not Found")                              \
  X(method_not_allowed, 405, "Method Not Allowed")            \
  X(request_timeout, 408, "Request Timeout")                  \
  X(precondition_failed, 412, "Precondition Failed")          \
  X(content_too_large, 413, "Content Too Large")              \
  X(uri_too_long, 414, "URI Too Long")                        \
  X(range_not_satisfiable, 416, "Range Not Satisfiable")      \
  X(expectation_failed, 417, "Expectation Failed")            \
  X(header_too_large, 431, "Request Header Fields Too Large") \
  X(not_implemented, 501, "Not Implemented")                  \
  X(unavailable, 503, "Service Unavailable")                  \
  X(version_not_supported, 505, "HTTP Version Not Supported")

enum class HttpStatus : std::uint16_t {
#define MAYFLY_X(name, code, reason) name = code,
  MAYFLY_HTTP_STATUSES(MAYFLY_X)
#undef MAYFLY_X
};

#define MAYFLY_X(name, code, reason) +1
inline constexpr std::size_t kHttpStatusCount = 0 MAYFLY_HTTP_STATUSES(MAYFLY_X);
#undef MAYFLY_X

/// Where a status stands in the list.
constexpr std::size_t position_of(HttpStatus status) noexcept {
  constexpr HttpStatus all[] = {
#define MAYFLY_X(name, code, reason) HttpStatus::name,
      MAYFLY_HTTP_STATUSES(MAYFLY_X)
#undef MAYFLY_X
  };
  std::size_t position = 0;
  while (all[position] != status) ++position;
  return position;
}

constexpr int code_of(HttpStatus status) noexcept { return static_cast<int>(status); }

}  // namespace mayfly::service
