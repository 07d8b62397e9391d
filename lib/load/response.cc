#include "load/response.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace mayfly::load {
namespace {

using Words = std::array<const char*, 3>;
constexpr Words kHeaders{"content-length", "transfer-encoding", "connection"};
constexpr std::array<const char*, 2> kOptions{"close", "keep-alive"};
constexpr std::string_view kVersion = "HTTP/1.", kChunked = "chunked";

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t'; }

enum Class : std::uint8_t { kToken = 1, kText = 2 };

/// What each octet may be part of.
constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  // RFC 9110 5.5: a header's value or a reason phrase has no control character but the tab.
  for (std::size_t c = 0x20; c < classes.size(); ++c) classes[c] = kText;
  classes[0x7f] = 0;
  classes['\t'] = kText;
  // RFC 9110 5.6.2: what a header's name is made of.
  for (const unsigned char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                                "abcdefghijklmnopqrstuvwxyz"
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    classes[c] |= kToken;
  return classes;
}();

constexpr bool is_token(char c) { return (kClasses[static_cast<unsigned char>(c)] & kToken) != 0; }
constexpr bool is_text(char c) { return (kClasses[static_cast<unsigned char>(c)] & kText) != 0; }

/// The number of octets in `wanted` that `text` begins with.
std::size_t run_of(std::span<const std::byte> text, Class wanted) noexcept {
  std::size_t n = 0;
  while (n < text.size() && (kClasses[std::to_integer<std::uint8_t>(text[n])] & wanted) != 0) ++n;
  return n;
}

/// -1 if `c` is not a hexadecimal digit.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

ResponseParser::Outcome ResponseParser::take_head(std::span<const std::byte> text,
                                                  std::size_t& used) noexcept {
  for (used = 0; used < text.size() && in_head();) {
    const Outcome outcome = on_head_octet(static_cast<char>(text[used++]));
    if (outcome != Outcome::more) return outcome;
    // Most of a head is ignored.
    if (step_ == Step::other_value || step_ == Step::reason)
      used += run_of(text.subspan(used), kText);
    else if (step_ == Step::name && candidates_ == 0)
      used += run_of(text.subspan(used), kToken);
  }
  return Outcome::more;
}

ResponseParser::Outcome ResponseParser::take_body(std::span<const std::byte> text,
                                                  std::size_t& used) noexcept {
  used = 0;
  while (step_ != Step::complete && used < text.size()) {
    const std::size_t left = text.size() - used;
    if (step_ == Step::body_until_close) {
      used += left;
    } else if (step_ == Step::body || step_ == Step::chunk) {
      const std::uint64_t taken = std::min<std::uint64_t>(length_, left);
      used += taken;
      set_length(length_ - taken);
      if (length_ == 0) go(step_ == Step::body ? Step::complete : Step::chunk_cr);
    } else if (on_chunk_octet(static_cast<char>(text[used++])) == Outcome::malformed) {
      return Outcome::malformed;
    }
  }
  return step_ == Step::complete ? Outcome::complete : Outcome::more;
}

ResponseParser::Outcome ResponseParser::on_end() noexcept {
  return step_ == Step::body_until_close ? Outcome::complete : Outcome::malformed;
}

ResponseParser::Outcome ResponseParser::on_head_octet(char c) noexcept {
  switch (step_) {
    case Step::version:
    case Step::status: return on_status_octet(c);
    case Step::reason:
    case Step::other_value:
      if (c == '\r') return go(Step::line_lf);
      return is_text(c) ? Outcome::more : Outcome::malformed;
    case Step::line_lf: return expect(c, '\n', Step::line_start);
    case Step::line_start:
      if (c == '\r') return go(Step::head_lf);
      candidates_ = (1U << kHeaders.size()) - 1;
      go(Step::name);
      [[fallthrough]];
    case Step::name: return on_name_octet(c);
    case Step::length_space:
    case Step::length_digits:
    case Step::length_end: return on_length_octet(c);
    case Step::coding_space:
    case Step::coding:
    case Step::coding_end: return on_coding_octet(c);
    case Step::option_start:
    case Step::option:
    case Step::option_end: return on_option_octet(c);
    default:  // head_lf: the caller asks only while in_head()
      return c == '\n' ? on_head_end() : Outcome::malformed;
  }
}

// RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ]. The second space is
// often left out with the phrase, and nothing depends on it.
ResponseParser::Outcome ResponseParser::on_status_octet(char c) noexcept {
  const unsigned at = matched_;
  if (step_ == Step::version) {
    count_octet();
    if (at < kVersion.size()) return c == kVersion[at] ? Outcome::more : Outcome::malformed;
    if (at > kVersion.size()) return expect(c, ' ', Step::status);
    http_1_0_ = c == '0';
    return is_digit(c) ? Outcome::more : Outcome::malformed;
  }
  if (at < 3) {
    count_octet();
    set_length(length_ * 10 + static_cast<unsigned>(c - '0'));
    return is_digit(c) ? Outcome::more : Outcome::malformed;
  }
  if (c != ' ' && c != '\r') return Outcome::malformed;
  go(c == ' ' ? Step::reason : Step::line_lf);
  return on_status();
}

ResponseParser::Outcome ResponseParser::on_status() noexcept {
  const auto status = static_cast<unsigned>(length_);
  length_ = 0;
  if (status < 100 || status > 999) return Outcome::malformed;
  // 101 would change the protocol, which was not asked for.
  if (status == 101 || status >= 300) {
    set_length(status);
    return Outcome::bad_status;
  }
  interim_ = status < 200;
  no_body_ = status == 204;  // RFC 9112 6.3, rule 1
  return Outcome::more;
}

/// Removes the words whose next octet is not `c`; the word being read is then one octet longer.
/// True if a word is left.
template <std::size_t N>
bool ResponseParser::narrow(const std::array<const char*, N>& words, char c) noexcept {
  unsigned left = 0;
  for (unsigned i = 0; i < N; ++i) {
    // A candidate has matched_ octets at least, so reading its terminating zero is the furthest.
    if ((candidates_ >> i & 1) != 0 && words[i][matched_] == lower(c)) left |= 1U << i;
  }
  candidates_ = left & 7;
  if (left != 0) count_octet();
  return left != 0;
}

/// The index of the word that has been read to its end, or -1.
template <std::size_t N>
int ResponseParser::matched_word(const std::array<const char*, N>& words) const noexcept {
  for (unsigned i = 0; i < N; ++i)
    if ((candidates_ >> i & 1) != 0 && words[i][matched_] == '\0') return static_cast<int>(i);
  return -1;
}

ResponseParser::Outcome ResponseParser::on_name_octet(char c) noexcept {
  if (c == ':') return on_colon();
  // RFC 9112 5.1, 5.2: no space before the colon, no folded lines.
  if (!is_token(c)) return Outcome::malformed;
  if (candidates_ != 0) narrow(kHeaders, c);
  return Outcome::more;
}

ResponseParser::Outcome ResponseParser::on_colon() noexcept {
  switch (matched_word(kHeaders)) {
    case 0:
      // RFC 9112 6.3, rule 5: more than one length is an error.
      if (has_length_) return Outcome::malformed;
      has_length_ = true;
      return go(Step::length_space);
    case 1:
      if (chunked_) return Outcome::malformed;
      chunked_ = true;
      return go(Step::coding_space);
    case 2: return go(Step::option_start);
    default: return go(Step::other_value);
  }
}

ResponseParser::Outcome ResponseParser::on_length_octet(char c) noexcept {
  if (is_digit(c) && step_ != Step::length_end) {
    step_ = Step::length_digits;
    const bool fits = set_length(length_ * 10 + static_cast<unsigned>(c - '0'));
    return fits ? Outcome::more : Outcome::malformed;
  }
  if (is_space(c)) return step_ == Step::length_space ? Outcome::more : go(Step::length_end);
  return c == '\r' && step_ != Step::length_space ? go(Step::line_lf) : Outcome::malformed;
}

// No coding but chunked was offered (no TE in the request), so no other may come (RFC 9112 6.1).
ResponseParser::Outcome ResponseParser::on_coding_octet(char c) noexcept {
  const unsigned at = matched_;
  if (step_ == Step::coding_space && is_space(c)) return Outcome::more;
  if (step_ == Step::coding_end || at == kChunked.size()) {
    if (c == '\r') return go(Step::line_lf);
    return is_space(c) ? go(Step::coding_end) : Outcome::malformed;
  }
  step_ = Step::coding;
  count_octet();
  return lower(c) == kChunked[at] ? Outcome::more : Outcome::malformed;
}

// RFC 9110 7.6.1: a list of options; two of them are used.
ResponseParser::Outcome ResponseParser::on_option_octet(char c) noexcept {
  if (step_ == Step::option_start && is_space(c)) return Outcome::more;
  if (c == ',' || c == '\r' || is_space(c)) {
    if (step_ == Step::option) {
      const int option = matched_word(kOptions);
      if (option == 0) close_ = true;
      if (option == 1) keep_alive_ = true;
    }
    if (c == '\r') return go(Step::line_lf);
    return go(c == ',' ? Step::option_start : Step::option_end);
  }
  if (!is_token(c) || step_ == Step::option_end) return Outcome::malformed;
  if (step_ == Step::option_start) {
    go(Step::option);
    candidates_ = (1U << kOptions.size()) - 1;
  }
  narrow(kOptions, c);
  return Outcome::more;
}

// RFC 9112 6.3: the length of the body.
ResponseParser::Outcome ResponseParser::on_head_end() noexcept {
  if (interim_) {  // another head follows
    *this = {};
    return Outcome::more;
  }
  // Rule 3: both a length and chunks may be an attempt at request smuggling. 6.1: HTTP/1.0 has no
  // chunks.
  if (chunked_ && (has_length_ || http_1_0_)) return Outcome::malformed;
  if (no_body_) return go(Step::complete);
  if (chunked_) return go(Step::chunk_start);
  if (has_length_) return go(length_ > 0 ? Step::body : Step::complete);
  close_ = true;
  return go(Step::body_until_close);
}

// RFC 9112 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
ResponseParser::Outcome ResponseParser::on_chunk_octet(char c) noexcept {
  switch (step_) {
    case Step::chunk_start:
    case Step::chunk_size: return on_chunk_digit(c);
    case Step::chunk_extension:
      if (c == '\r') return go(Step::chunk_size_lf);
      return is_text(c) ? Outcome::more : Outcome::malformed;
    case Step::chunk_size_lf:
      return expect(c, '\n', length_ > 0 ? Step::chunk : Step::trailer_start);
    case Step::chunk_cr: return expect(c, '\r', Step::chunk_lf);
    case Step::chunk_lf: return expect(c, '\n', Step::chunk_start);
    default: return on_trailer_octet(c);
  }
}

ResponseParser::Outcome ResponseParser::on_chunk_digit(char c) noexcept {
  if (const int digit = hex_value(c); digit >= 0) {
    const bool fits = set_length(length_ * 16 + static_cast<unsigned>(digit));
    return fits ? go(Step::chunk_size) : Outcome::malformed;
  }
  if (step_ == Step::chunk_start) return Outcome::malformed;
  if (c == '\r') return go(Step::chunk_size_lf);
  return c == ';' || is_space(c) ? go(Step::chunk_extension) : Outcome::malformed;
}

// RFC 9112 7.1.2: header lines after the last chunk, which do not matter here, and an empty line.
ResponseParser::Outcome ResponseParser::on_trailer_octet(char c) noexcept {
  switch (step_) {
    case Step::trailer_start:
      if (c == '\r') return go(Step::last_lf);
      return is_token(c) ? go(Step::trailer) : Outcome::malformed;
    case Step::trailer:
      if (c == '\r') return go(Step::trailer_lf);
      return is_text(c) ? Outcome::more : Outcome::malformed;
    case Step::trailer_lf: return expect(c, '\n', Step::trailer_start);
    default:  // last_lf
      return expect(c, '\n', Step::complete);
  }
}

ResponseParser::Outcome ResponseReader::read(ResponseParser& parser,
                                             std::span<const std::byte> text,
                                             std::size_t& used) noexcept {
  std::size_t head = 0;
  if (parser.at_start() && begins_with_known_head(text)) {
    parser = after_head_;
    head = head_length_;
  } else if (parser.in_head()) {
    const bool from_start = parser.at_start();
    const ResponseParser::Outcome outcome = parser.take_head(text, head);
    used = head;
    if (outcome != ResponseParser::Outcome::more || parser.in_head()) return outcome;
    if (from_start) learn(text.first(head), parser);
  }
  const ResponseParser::Outcome outcome = parser.take_body(text.subspan(head), used);
  used += head;
  return outcome;
}

bool ResponseReader::begins_with_known_head(std::span<const std::byte> text) const noexcept {
  return head_length_ != 0 && text.size() >= head_length_ &&
         std::memcmp(text.data(), head_.data(), head_length_) == 0;
}

void ResponseReader::learn(std::span<const std::byte> head, const ResponseParser& after) noexcept {
  if (head.size() > head_.size()) return;
  std::memcpy(head_.data(), head.data(), head.size());
  head_length_ = head.size();
  after_head_ = after;
}

}  // namespace mayfly::load
