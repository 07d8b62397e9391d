// What the service needs of a request, and the scan that recognises the common ones.
//
// scan_request accepts a GET or HEAD that lies in one piece, with a plain path and nothing that
// changes how it is read: no body, no expectation. The full parser (request_parser.h) decides about
// all others. It reads what the scan accepts in the same way; a test compares the two.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "service/grammar.h"

namespace mayfly::service {

/// What the request asks of the connection (RFC 9112 9.3).
enum class Wish : std::uint8_t { none, keep_alive, close };

/// A request. The functions that return one say how long `path` is valid.
struct Request {
  std::string_view path;
  bool head = false;      ///< HEAD, not GET
  bool http_1_0 = false;  ///< HTTP/1.0, not 1.1
  Wish wish = Wish::none;
};

/// `size` is the request's length on the wire; 0 if it is not a simple one, or not complete.
struct ScannedRequest {
  std::size_t size = 0;
  Request request;
};

namespace detail {

class RequestScan {
 public:
  explicit RequestScan(std::string_view text) noexcept
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

  ScannedRequest operator()() noexcept {
    if (!request_line()) return {};
    while (!skip("\r\n")) {
      if (!field()) return {};
    }
    // RFC 9112 3.2: a request of HTTP/1.1 without Host is refused; by the full parser.
    if (!has_host_ && !request_.http_1_0) return {};
    return {static_cast<std::size_t>(at_ - begin_), request_};
  }

 private:
  bool skip(std::string_view text) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) return false;
    if (std::memcmp(at_, text.data(), text.size()) != 0) return false;
    at_ += text.size();
    return true;
  }

  // Takes the run of characters in these classes.
  std::string_view take(std::uint8_t classes) noexcept {
    const char* const from = at_;
    while (at_ < end_ && is_http(*at_, classes)) ++at_;
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  // As take(field_value), eight bytes at a time: values are most of a request.
  std::string_view take_value() noexcept {
    const char* const from = at_;
    while (end_ - at_ >= 8) {
      std::uint64_t word;
      std::memcpy(&word, at_, sizeof word);
      if (may_hold_control(word)) break;
      at_ += 8;
    }
    take(http_char::field_value);
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  // True if one of the eight bytes is below 0x20, or 0x7f. (A byte is below n if subtracting n
  // borrows its high bit, which it must not have had.)
  static bool may_hold_control(std::uint64_t word) noexcept {
    constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101, kHigh = 0x80 * kOnes;
    const std::uint64_t del = word ^ 0x7f * kOnes;
    return ((((word - 0x20 * kOnes) & ~word) | ((del - kOnes) & ~del)) & kHigh) != 0;
  }

  bool request_line() noexcept {
    if (!skip("GET ")) {
      if (!skip("HEAD ")) return false;
      request_.head = true;
    }
    request_.path = take(http_char::plain_path);
    if (skip(" HTTP/1.1\r\n")) return true;
    request_.http_1_0 = true;
    return skip(" HTTP/1.0\r\n");
  }

  bool field() noexcept {
    const std::string_view name = take(http_char::token);
    if (name.empty() || !skip(":")) return false;
    const std::string_view value = take_value();
    return skip("\r\n") && is_simple(name, value);
  }

  // Fields that matter have names of few lengths: most need no comparison.
  bool is_simple(std::string_view name, std::string_view value) noexcept {
    switch (name.size()) {
      case 4: return !equals_ignoring_case(name, "host") || take_host(trimmed(value));
      case 5: return !equals_ignoring_case(name, "range");
      case 6: return !equals_ignoring_case(name, "expect");
      case 8:
        return !equals_ignoring_case(name, "if-match") && !equals_ignoring_case(name, "if-range");
      case 10: return !equals_ignoring_case(name, "connection") || take_wish(trimmed(value));
      case 13: return !equals_ignoring_case(name, "if-none-match");
      case 14: return !equals_ignoring_case(name, "content-length");
      case 16: return !equals_ignoring_case(name, "proxy-connection");
      case 17:
        return !equals_ignoring_case(name, "transfer-encoding") &&
               !equals_ignoring_case(name, "if-modified-since");
      case 19: return !equals_ignoring_case(name, "if-unmodified-since");
      default: return true;
    }
  }

  bool take_host(std::string_view value) noexcept {
    if (has_host_ || !is_host(value)) return false;
    return has_host_ = true;
  }

  bool take_wish(std::string_view value) noexcept {
    if (request_.wish != Wish::none) return false;
    if (equals_ignoring_case(value, "close")) {
      request_.wish = Wish::close;
    } else if (equals_ignoring_case(value, "keep-alive")) {
      request_.wish = Wish::keep_alive;
    }
    return request_.wish != Wish::none;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  Request request_;
  bool has_host_ = false;
};

}  // namespace detail

/// Scans a request at the start of `text`, at most the first `bytes_max` bytes. The path points
/// into `text`.
inline ScannedRequest scan_request(std::span<const std::byte> text,
                                   std::size_t bytes_max) noexcept {
  const auto* chars = reinterpret_cast<const char*>(text.data());
  return detail::RequestScan({chars, std::min(text.size(), bytes_max)})();
}

}  // namespace mayfly::service
