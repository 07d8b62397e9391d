// All answers of the HTTP service, made at start and shared by all cores. Each resource's
// responses are whole byte strings, so that the answer to a common request is one send() of memory
// that stays in place. Nothing is formatted or copied while requests are served.
//
// There is no Date field: a service has only the time of the poll loop, which begins at the start
// of the process, and "an origin server without a clock MUST NOT generate a Date header field" (RFC
// 9110 6.6.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "service/folder.h"
#include "service/path_table.h"
#include "service/settings.h"
#include "service/status.h"

namespace mayfly::service {

/// What an answer says about keeping the connection.
enum class Persistence : std::uint8_t {
  implied,  ///< HTTP/1.1 keeps the connection unless told otherwise
  stated,   ///< HTTP/1.0: `Connection: keep-alive`
  close,    ///< `Connection: close`
};

/// One answer. `lead` is the head and, if the body is short, the body; a longer body follows it.
struct Response {
  std::span<const std::byte> lead;
  std::size_t head_size = 0;        ///< the part of `lead` that answers HEAD
  std::span<const std::byte> body;  ///< repeated up to `body_bytes`; at least 4 KiB, or all
  std::uint64_t body_bytes = 0;     ///< after `lead`
  HttpStatus status = HttpStatus::ok;
};

/// Names a Response of a Site; 0 is none.
using ResponseIndex = std::uint32_t;

/// The resources and their responses. Read-only once loaded, so all cores may share it.
class Site {
 public:
  /// The most bytes of all folders together.
  static constexpr std::uint64_t kFolderBytesMax = std::uint64_t{1} << 30;

  /// Reads the folders and makes all answers. On failure the error has a line for each mistake.
  static Result<Site> load(const HttpSettings& settings,
                           std::uint64_t folder_bytes_max = kFolderBytesMax);

  /// The resource at a canonical path, as the index of its first response; 0 if there is none.
  ResponseIndex find(std::string_view path) const noexcept { return paths_.find(path); }

  /// The response of `resource` (from find(), not 0) that says `persistence`.
  static ResponseIndex variant(ResponseIndex resource, Persistence persistence) noexcept {
    return resource + static_cast<ResponseIndex>(persistence);
  }

  /// The answer with that status: an error with its text and `Connection: close`, or 100 Continue.
  ResponseIndex answer(HttpStatus status) const noexcept;

  /// The response; `index` is from find(), variant() or answer(), and not 0.
  const Response& operator[](ResponseIndex index) const noexcept {
    MAYFLY_ASSERT(index != 0 && index < responses_.size());
    return responses_[index];
  }

  /// The bytes of heads, bodies and their index, for the memory plan.
  std::uint64_t memory_bytes() const noexcept;

 private:
  Site();

  void add_status(HttpStatus status, std::string_view reason);
  void add_route(const RouteSettings& route, std::uint64_t& folder_bytes_left, std::string& errors);
  void add_folder(const RouteSettings& route, std::uint64_t& bytes_left, std::string& errors);
  void add_path(std::string path, ResponseIndex resource);
  ResponseIndex add_resource(std::span<const std::byte> body, std::uint64_t body_bytes,
                             std::string_view content_type);
  Response make_response(std::string_view head, std::span<const std::byte> body,
                         std::uint64_t body_bytes, HttpStatus status);
  std::span<const std::byte> keep(std::vector<std::byte> bytes);

  std::deque<std::vector<std::byte>> kept_;  // what the responses point to
  std::deque<std::string> kept_paths_;       // what the table points to
  std::vector<Response> responses_{1};       // three in a row a resource; the first is none
  std::vector<ResponseIndex> by_status_;     // in the order of MAYFLY_HTTP_STATUSES
  PathTable paths_;
};

}  // namespace mayfly::service
