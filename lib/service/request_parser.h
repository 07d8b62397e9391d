// The full HTTP/1 request parser: any request, in pieces of any size. llhttp parses the grammar;
// the checks around it reject requests that two readers could understand in two ways (RFC
// 9112 11.2).
#pragma once

#include <llhttp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "service/conditions.h"
#include "service/request.h"
#include "service/settings.h"
#include "service/status.h"

namespace mayfly::service {

/// Reads the bytes of a head one by one, before llhttp does, and rejects what llhttp 8 would
/// accept: a line must end in CR LF, none begins with a space (obs-fold, RFC 9112 5.2), the parts
/// of the request line are one space apart, and there is no NUL nor any other control character
/// (RFC 9110 5.5). It knows the lines of trailers as well.
class HeadGuard {
 public:
  enum class State : std::uint8_t {
    start,
    start_cr,
    request_line,
    request_space,
    line,
    in_line,
    line_cr,
    end_cr,
    end,
    bad
  };

  /// Takes bytes up to the end of the head or the first bad one, and returns how many were good.
  /// Writes these to `to`, with a space for each tab in a field line: both are whitespace (RFC 9110
  /// 5.6.3), and llhttp 8 knows the space alone behind a word.
  std::size_t scan(std::string_view text, char* to) noexcept;
  /// From here on there are trailers (RFC 9112 7.1.2), which end as a head does.
  void enter_trailers() noexcept { state_ = State::line; }

  bool at_end() const noexcept { return state_ == State::end; }
  /// True as long as there is no field line, nor the end of the head.
  bool in_request_line() const noexcept {
    return state_ == State::request_line || state_ == State::request_space;
  }
  bool is_bad() const noexcept { return state_ == State::bad; }

 private:
  static State next(State state, char c) noexcept;

  State state_ = State::start;
};

/// One request that is being read. A plain block; call start() before use.
class RequestParser {
 public:
  /// The longest target without its query, and the longest decoded path.
  static constexpr std::size_t kTargetMax = 1'024;

  enum class Outcome : std::uint8_t {
    more,      ///< all the text was taken and the request goes on
    head,      ///< the head is complete, and valid
    complete,  ///< the body is complete too
    refused,   ///< answer with `status` and close
  };
  /// What feed() did.
  struct Step {
    std::size_t taken = 0;
    Outcome outcome = Outcome::more;
    HttpStatus status = HttpStatus::ok;
  };

  /// Prepares for a new request.
  void start() noexcept;

  /// Takes bytes of the request up to the next outcome. After `head`, call it again for the body if
  /// has_body(). `limits` gives the longest head and body.
  Step feed(std::span<const std::byte> text, const HttpSettings& limits) noexcept;

  /// The method is HEAD, as far as it can be told: whatever is wrong, the answer has no content.
  bool is_head() const noexcept { return method_ != Verb::other && method_at_ == kHead.size(); }

  // Once the head is complete:

  /// False: it is another method of HTTP.
  bool is_get_or_head() const noexcept {
    return llhttp_.method == HTTP_GET || llhttp_.method == HTTP_HEAD;
  }
  /// The path points into the parser.
  const Request& request() const noexcept { return request_; }
  /// What the conditional fields ask for.
  const Conditions& conditions() const noexcept { return conditions_; }
  bool has_body() const noexcept { return body_ != Body::none; }
  /// True if the client waits for 100 Continue (RFC 9110 10.1.1).
  bool wants_continue() const noexcept { return expects_continue_; }

 private:
  enum class Field : std::uint8_t {
    other,
    host,
    expect,
    transfer_encoding,
    range,
    if_range,
    if_match,
    if_none_match,
    if_modified_since,
    if_unmodified_since,
  };
  enum class Verb : std::uint8_t { unknown, head, other };
  enum class Body : std::uint8_t { none, sized, chunked };
  struct Callbacks;
  static constexpr std::string_view kHead = "HEAD";

  Step feed_head(std::string_view text, const HttpSettings& limits) noexcept;
  Step feed_sized(std::string_view text) noexcept;
  Step feed_chunked(std::string_view text) noexcept;
  Step feed_chunks(std::string_view text) noexcept;
  Step feed_trailers(std::string_view text) noexcept;
  void note_method(std::string_view text) noexcept;
  std::optional<HttpStatus> finish_head(const HttpSettings& limits) noexcept;
  std::optional<HttpStatus> finish_framing(const HttpSettings& limits) noexcept;
  std::optional<HttpStatus> finish_target() noexcept;
  HttpStatus status_of_error() const noexcept;
  HttpStatus status_of_long_head() const noexcept;

  void take_target(std::string_view part) noexcept;
  void take_name(std::string_view part) noexcept;
  void end_name() noexcept;
  void take_value(std::string_view part) noexcept;
  void end_value() noexcept;
  void take_condition() noexcept;
  std::string_view value() const noexcept { return trimmed({value_.data(), value_size_}); }

  llhttp_t llhttp_;
  Request request_;
  Conditions conditions_;
  HeadGuard guard_;
  Verb method_;
  std::uint8_t method_at_;  // how much of kHead the request begins with
  bool head_done_;
  bool in_trailers_;
  bool query_;  // the rest of the target is its query: skipped
  bool target_too_long_;
  Field field_;
  Body body_;
  bool expects_continue_;
  bool expects_other_;  // an expectation that we cannot meet
  bool has_range_;
  bool value_too_long_;
  bool is_bad_;           // a field that we judge ourselves is invalid
  bool coding_unknown_;   // a transfer coding that is not `chunked`
  std::uint8_t hosts_;    // Host fields, up to 2
  std::uint8_t codings_;  // Transfer-Encoding fields, up to 2
  std::uint8_t name_size_;
  std::uint16_t value_size_;
  std::uint16_t target_size_;
  std::uint32_t head_bytes_;
  std::uint64_t body_left_;  // bytes of content that may still come
  std::uint64_t wire_left_;  // of a chunked body, its framing included
  std::array<char, 20> name_;
  std::array<char, 300> value_;  // enough for a host name and its port
  std::array<char, kTargetMax> target_;
};
static_assert(std::is_trivially_destructible_v<RequestParser>);

}  // namespace mayfly::service
