// Reads an HTTP/1.x response as it arrives, with eight bytes of state; the common head and body
// take one step each, the rest is read octet by octet. Strict: what RFC 9112 calls malformed is
// malformed here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::load {

/// One response. A value-initialised parser is before the first octet.
class ResponseParser {
 public:
  enum class Outcome : std::uint8_t {
    more,        ///< all octets given were taken, the response goes on
    complete,    ///< the response ended with the last octet taken
    bad_status,  ///< well formed so far, but not 2xx (1xx is skipped, RFC 9110 15.2)
    malformed,
  };

  /// Takes octets up to the end of the head (status line, headers, empty line) or of `text`, and
  /// sets `used` to their number. `more` with in_head() false: the body follows.
  Outcome take_head(std::span<const std::byte> text, std::size_t& used) noexcept;
  /// Takes octets of the body; in_head() must be false. If there is no body, it takes none and
  /// returns `complete`.
  Outcome take_body(std::span<const std::byte> text, std::size_t& used) noexcept;
  /// The status, once `bad_status` was returned.
  std::uint16_t bad_status() const noexcept { return static_cast<std::uint16_t>(length_); }
  /// Handles the peer's FIN: `complete` if the end of the connection ends the body (RFC 9112 6.3,
  /// rule 8), otherwise `malformed`, as the response is cut short.
  Outcome on_end() noexcept;

  /// True before the first octet.
  bool at_start() const noexcept { return step_ == Step::version && matched_ == 0; }
  bool in_head() const noexcept { return step_ < Step::body; }
  /// True if the server accepts no more requests on this connection (RFC 9112 9.3). Valid after the
  /// head.
  bool closes() const noexcept { return close_ || (http_1_0_ && !keep_alive_); }

 private:
  // clang-format off
  enum class Step : std::uint8_t {
    version, status, reason, line_lf, line_start, name,
    length_space, length_digits, length_end,   // the value of Content-Length
    coding_space, coding, coding_end,          // of Transfer-Encoding
    option_start, option, option_end,          // of Connection
    other_value, head_lf,
    body, body_until_close,
    chunk_start, chunk_size, chunk_extension, chunk_size_lf, chunk, chunk_cr, chunk_lf,
    trailer_start, trailer, trailer_lf, last_lf,
    complete,
  };
  // clang-format on

  Outcome on_head_octet(char c) noexcept;
  Outcome on_status_octet(char c) noexcept;
  Outcome on_status() noexcept;
  Outcome on_name_octet(char c) noexcept;
  Outcome on_colon() noexcept;
  Outcome on_length_octet(char c) noexcept;
  Outcome on_coding_octet(char c) noexcept;
  Outcome on_option_octet(char c) noexcept;
  Outcome on_head_end() noexcept;
  Outcome on_chunk_octet(char c) noexcept;
  Outcome on_chunk_digit(char c) noexcept;
  Outcome on_trailer_octet(char c) noexcept;

  Outcome go(Step step) noexcept {
    step_ = step;
    matched_ = 0;
    return Outcome::more;
  }
  Outcome expect(char c, char wanted, Step then) noexcept {
    return c == wanted ? go(then) : Outcome::malformed;
  }
  template <std::size_t N>
  bool narrow(const std::array<const char*, N>& words, char c) noexcept;
  template <std::size_t N>
  int matched_word(const std::array<const char*, N>& words) const noexcept;

  /// One more octet of the word that is being read.
  void count_octet() noexcept { matched_ = (matched_ + 1) & 31; }
  /// False if the new length is too large to keep.
  bool set_length(std::uint64_t length) noexcept {
    length_ = length & (kLengthEnd - 1);
    return length < kLengthEnd;
  }

  static constexpr unsigned kLengthBits = 40;
  static constexpr std::uint64_t kLengthEnd = std::uint64_t{1} << kLengthBits;  ///< 1 TiB

  /// Octets of body or chunk to come; the status, while it is read.
  std::uint64_t length_ : kLengthBits = 0;
  Step step_ = Step::version;
  std::uint8_t matched_ : 5 = 0;     ///< octets of the word read so far
  std::uint8_t candidates_ : 3 = 0;  ///< the words, a bit each, that it may still become
  bool interim_ : 1 = false;         ///< 1xx
  bool no_body_ : 1 = false;         ///< 204
  bool has_length_ : 1 = false;
  bool chunked_ : 1 = false;
  bool http_1_0_ : 1 = false;
  bool close_ : 1 = false;
  bool keep_alive_ : 1 = false;
};
static_assert(sizeof(ResponseParser) == 8);

/// Reads responses that mostly have the same head. It keeps the last head that came in one piece,
/// and the parser's state after it. A response that begins with the same octets leads to the same
/// state, so its head is not parsed again.
class ResponseReader {
 public:
  /// Takes octets up to the end of the response or of `text`, and sets `used` to their number.
  ResponseParser::Outcome read(ResponseParser& parser, std::span<const std::byte> text,
                               std::size_t& used) noexcept;

 private:
  bool begins_with_known_head(std::span<const std::byte> text) const noexcept;
  void learn(std::span<const std::byte> head, const ResponseParser& after) noexcept;

  std::array<std::byte, 512> head_{};
  std::size_t head_length_ = 0;  ///< 0 = none yet
  ResponseParser after_head_;
};

}  // namespace mayfly::load
