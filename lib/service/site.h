// All answers of the HTTP service, made at start and shared by all cores. Each resource's
// responses are whole byte strings, so that the answer to a common request is two send()s of memory
// that stays in place: the lines that all answers have in common (preambles.h), and the rest. But
// for parts of files (RFC 9110 14), nothing is formatted or copied while requests are served.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "service/conditions.h"
#include "service/folder.h"
#include "service/media_types.h"
#include "service/path_table.h"
#include "service/preambles.h"
#include "service/settings.h"
#include "service/status.h"

namespace mayfly::service {

/// What an answer says about keeping the connection.
enum class Persistence : std::uint8_t {
  implied,  ///< HTTP/1.1 keeps the connection unless told otherwise
  stated,   ///< HTTP/1.0: `Connection: keep-alive`
  close,    ///< `Connection: close`
};

/// One answer. `lead` is the head behind its preamble and, if the body is short, the body; a longer
/// body follows it.
struct Response {
  std::span<const std::byte> lead;
  std::size_t head_size = 0;        ///< the part of `lead` that answers HEAD
  std::span<const std::byte> body;  ///< repeated up to `body_bytes`; at least 4 KiB, or all
  std::uint64_t body_bytes = 0;     ///< after `lead`
  HttpStatus status = HttpStatus::ok;
  std::uint8_t preamble = position_of(HttpStatus::ok);
  std::uint16_t validators_at = 0;  ///< where the lines of `lead` begin that 304 has as well
  std::uint32_t file = 0;           ///< Site::file; 0 = it has no validators
};

/// What conditional requests and ranges need to know of a file.
struct FileFacts {
  Validators validators;
  std::span<const std::byte> bytes;
  std::string content_type;
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

  /// How many sites, each with a slot of its own, may be answered from at the same time.
  static constexpr std::uint8_t kSlots = 8;
  /// Reads the folders again, into a site that takes over from this one: it has that slot, and both
  /// share the clock of Date.
  Result<Site> reload(const HttpSettings& settings, std::uint8_t slot) const;
  std::uint8_t slot() const noexcept { return slot_; }

  /// What Date says in all answers from now on. One thread at a time.
  void set_time(UnixSeconds now) const { preambles_->set_time(now); }

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

  /// What an answer with such a status (Response::preamble) begins with, as of now.
  std::span<const std::byte> preamble(std::size_t position) const noexcept {
    return (*preambles_)[position];
  }

  /// Of a response whose `file` is not 0.
  const FileFacts& file(const Response& response) const noexcept {
    MAYFLY_ASSERT(response.file != 0 && response.file < files_.size());
    return files_[response.file];
  }

  /// The bytes of heads, bodies and their index, for the memory plan.
  std::uint64_t memory_bytes() const noexcept;

 private:
  Site();

  void add_status(HttpStatus status, std::string_view reason);
  void add_route(const RouteSettings& route, std::uint64_t& folder_bytes_left, std::string& errors);
  void add_folder(const RouteSettings& route, std::uint64_t& bytes_left, std::string& errors);
  void add_path(std::string path, ResponseIndex resource);
  void add_file(const RouteSettings& route, LoadedFile file);
  void add_redirect(const std::string& folder);
  ResponseIndex add_resource(HttpStatus status, std::string_view content_type,
                             std::span<const std::byte> body, std::uint64_t body_bytes,
                             std::string_view more_lines = "");
  Response make_response(std::string_view head, std::span<const std::byte> body,
                         std::uint64_t body_bytes, HttpStatus status);
  std::span<const std::byte> keep(std::vector<std::byte> bytes);

  std::deque<std::vector<std::byte>> kept_;  // what the responses point to
  std::deque<std::string> kept_paths_;       // what the table points to
  std::vector<Response> responses_{1};       // three in a row a resource; the first is none
  std::vector<ResponseIndex> by_status_;     // in the order of MAYFLY_HTTP_STATUSES
  std::deque<FileFacts> files_{1};           // the first is none
  PathTable paths_;
  MediaTypes types_ = MediaTypes::load();
  std::uint8_t slot_ = 0;
  std::shared_ptr<Preambles> preambles_ = std::make_shared<Preambles>();
};

}  // namespace mayfly::service
