#include "service/request_parser.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "service/target.h"

namespace mayfly::service {
namespace {

std::string_view chars_of(std::span<const std::byte> text) noexcept {
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

// Appends as much as fits; false if not all of it did.
template <std::size_t N, class Size>
bool append(std::array<char, N>& to, Size& size, std::string_view part) noexcept {
  const std::size_t n = std::min(part.size(), N - size);
  std::memcpy(to.data() + size, part.data(), n);
  size = static_cast<Size>(size + n);
  return n == part.size();
}

RequestParser& parser_of(llhttp_t* llhttp) noexcept {
  return *static_cast<RequestParser*>(llhttp->data);
}

}  // namespace

std::size_t HeadGuard::scan(std::string_view text, char* to) noexcept {
  std::size_t n = 0;
  while (n < text.size() && state_ != State::end) {
    state_ = next(state_, text[n]);
    if (state_ == State::bad) break;
    to[n] = text[n] == '\t' && state_ == State::in_line ? ' ' : text[n];
    ++n;
  }
  return n;
}

HeadGuard::State HeadGuard::next(State state, char c) noexcept {
  switch (state) {
    // RFC 9112 2.2: empty lines ahead of the request line are ignored.
    case State::start:
      if (c == '\r') return State::start_cr;
      return is_http(c, http_char::token) ? State::request_line : State::bad;
    case State::start_cr: return c == '\n' ? State::start : State::bad;
    // RFC 9112 3: the parts of the request line are a single space apart.
    case State::request_line:
      if (c == ' ') return State::request_space;
      if (c == '\r') return State::line_cr;
      return is_http(c, http_char::field_value) ? State::request_line : State::bad;
    case State::request_space:
      return c != ' ' && is_http(c, http_char::field_value) ? State::request_line : State::bad;
    case State::line:
      if (c == '\r') return State::end_cr;
      return is_http(c, http_char::token) ? State::in_line : State::bad;
    case State::in_line:
      if (c == '\r') return State::line_cr;
      return is_http(c, http_char::field_value) ? State::in_line : State::bad;
    case State::line_cr: return c == '\n' ? State::line : State::bad;
    case State::end_cr: return c == '\n' ? State::end : State::bad;
    case State::end:
    case State::bad: return State::bad;
  }
  return State::bad;
}

// llhttp's callbacks: C functions; the parser is in `data`.
struct RequestParser::Callbacks {
  static int url(llhttp_t* l, const char* at, std::size_t n) noexcept {
    parser_of(l).take_target({at, n});
    return 0;
  }
  static int name(llhttp_t* l, const char* at, std::size_t n) noexcept {
    parser_of(l).take_name({at, n});
    return 0;
  }
  static int name_end(llhttp_t* l) noexcept {
    parser_of(l).end_name();
    return 0;
  }
  static int value(llhttp_t* l, const char* at, std::size_t n) noexcept {
    parser_of(l).take_value({at, n});
    return 0;
  }
  static int value_end(llhttp_t* l) noexcept {
    parser_of(l).end_value();
    return 0;
  }
  static int head_end(llhttp_t* l) noexcept {
    parser_of(l).head_done_ = true;
    return HPE_PAUSED;
  }
  static int body(llhttp_t* l, const char*, std::size_t n) noexcept {
    RequestParser& p = parser_of(l);
    if (n > p.body_left_) return HPE_USER;
    p.body_left_ -= n;
    return 0;
  }
  static int chunk_header(llhttp_t* l) noexcept {
    if (l->content_length != 0) return 0;
    parser_of(l).in_trailers_ = true;  // RFC 9112 7.1: they follow the last chunk
    parser_of(l).guard_.enter_trailers();
    return HPE_PAUSED;
  }
  static int message_end(llhttp_t*) noexcept { return HPE_PAUSED; }

  static constexpr llhttp_settings_t make() noexcept {
    llhttp_settings_t s{};
    s.on_url = url;
    s.on_header_field = name;
    s.on_header_field_complete = name_end;
    s.on_header_value = value;
    s.on_header_value_complete = value_end;
    s.on_headers_complete = head_end;
    s.on_body = body;
    s.on_chunk_header = chunk_header;
    s.on_message_complete = message_end;
    return s;
  }
};

void RequestParser::start() noexcept {
  static constexpr llhttp_settings_t kSettings = Callbacks::make();
  llhttp_init(&llhttp_, HTTP_REQUEST, &kSettings);
  llhttp_.data = this;
  // The version is checked below: one that is not supported is not bad syntax.
  llhttp_.lenient_flags = LENIENT_VERSION;
  request_ = {};
  conditions_ = {};
  guard_ = {};
  method_ = Verb::unknown;
  method_at_ = 0;
  head_done_ = in_trailers_ = query_ = target_too_long_ = is_bad_ = coding_unknown_ = false;
  expects_continue_ = expects_other_ = has_range_ = value_too_long_ = false;
  field_ = Field::other;
  body_ = Body::none;
  hosts_ = codings_ = name_size_ = 0;
  value_size_ = target_size_ = 0;
  head_bytes_ = 0;
  body_left_ = wire_left_ = 0;
}

RequestParser::Step RequestParser::feed(std::span<const std::byte> text,
                                        const HttpSettings& limits) noexcept {
  if (!head_done_) return feed_head(chars_of(text), limits);
  return body_ == Body::sized ? feed_sized(chars_of(text)) : feed_chunked(chars_of(text));
}

// Which method it is, though the request may turn out to be malformed a byte later.
void RequestParser::note_method(std::string_view text) noexcept {
  for (const char c : text) {
    if (method_ != Verb::unknown) return;
    const bool is_ahead = method_at_ == 0 && (c == '\r' || c == '\n');  // RFC 9112 2.2
    if (is_ahead) continue;
    if (method_at_ == kHead.size()) {
      method_ = is_http(c, http_char::token) ? Verb::other : Verb::head;
    } else if (c == kHead[method_at_]) {
      ++method_at_;
    } else {
      method_ = Verb::other;
    }
  }
}

RequestParser::Step RequestParser::feed_head(std::string_view text,
                                             const HttpSettings& limits) noexcept {
  std::array<char, 512> piece;
  std::size_t taken = 0;
  while (taken < text.size()) {
    const std::size_t room = limits.header_bytes_max - head_bytes_;
    if (room == 0) return {taken, Outcome::refused, status_of_long_head()};
    const std::size_t good =
        guard_.scan(text.substr(taken, std::min(room, piece.size())), piece.data());
    head_bytes_ += static_cast<std::uint32_t>(good);
    taken += good;
    note_method({piece.data(), good});
    const llhttp_errno_t error = llhttp_execute(&llhttp_, piece.data(), good);
    if (error != HPE_OK && !head_done_) return {taken, Outcome::refused, status_of_error()};
    // HeadGuard and llhttp must find the head's end at the same byte.
    if (guard_.is_bad() || head_done_ != guard_.at_end()) {
      return {taken, Outcome::refused, HttpStatus::bad_request};
    }
    if (head_done_) {
      const std::optional<HttpStatus> refused = finish_head(limits);
      return {taken, refused ? Outcome::refused : Outcome::head, refused.value_or(HttpStatus::ok)};
    }
  }
  if (head_bytes_ == limits.header_bytes_max)
    return {taken, Outcome::refused, status_of_long_head()};
  return {taken, Outcome::more};
}

RequestParser::Step RequestParser::feed_sized(std::string_view text) noexcept {
  const std::size_t n = std::min<std::uint64_t>(text.size(), body_left_);
  body_left_ -= n;
  return {n, body_left_ == 0 ? Outcome::complete : Outcome::more};
}

RequestParser::Step RequestParser::feed_chunked(std::string_view text) noexcept {
  const std::string_view part = text.substr(0, std::min<std::uint64_t>(text.size(), wire_left_));
  Step step = in_trailers_ ? Step{} : feed_chunks(part);
  if (in_trailers_ && step.outcome == Outcome::more) {
    const Step rest = feed_trailers(part.substr(step.taken));
    step = {step.taken + rest.taken, rest.outcome, rest.status};
  }
  wire_left_ -= step.taken;
  if (step.outcome == Outcome::more && wire_left_ == 0)
    return {step.taken, Outcome::refused, HttpStatus::content_too_large};
  return step;
}

// Up to the end of the last chunk's line.
RequestParser::Step RequestParser::feed_chunks(std::string_view text) noexcept {
  if (llhttp_get_errno(&llhttp_) == HPE_PAUSED) llhttp_resume(&llhttp_);
  const llhttp_errno_t error = llhttp_execute(&llhttp_, text.data(), text.size());
  if (error == HPE_OK) return {text.size()};
  if (error == HPE_USER) return {text.size(), Outcome::refused, HttpStatus::content_too_large};
  if (!in_trailers_) return {text.size(), Outcome::refused, HttpStatus::bad_request};
  return {static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - text.data())};
}

// RFC 9112 7.1.2: trailers have the form of header fields, so no line is folded (5.2).
RequestParser::Step RequestParser::feed_trailers(std::string_view text) noexcept {
  if (llhttp_get_errno(&llhttp_) == HPE_PAUSED) llhttp_resume(&llhttp_);
  std::array<char, 512> piece;
  std::size_t taken = 0;
  while (taken < text.size()) {
    const std::size_t good = guard_.scan(text.substr(taken, piece.size()), piece.data());
    taken += good;
    const llhttp_errno_t error = llhttp_execute(&llhttp_, piece.data(), good);
    const bool is_over = error == HPE_PAUSED && guard_.at_end();
    if (is_over) return {taken, Outcome::complete};
    if (error != HPE_OK || guard_.is_bad() || guard_.at_end())
      return {taken, Outcome::refused, HttpStatus::bad_request};
  }
  return {taken};
}

// Checks the head as a whole. nullopt: it is valid.
std::optional<HttpStatus> RequestParser::finish_head(const HttpSettings& limits) noexcept {
  // RFC 9110 15.6.6. A higher minor version is read as the highest that we know (RFC 9110 2.5).
  if (llhttp_.http_major != 1) return HttpStatus::version_not_supported;
  request_.http_1_0 = llhttp_.http_minor == 0;
  request_.head = llhttp_.method == HTTP_HEAD;
  if ((llhttp_.flags & F_CONNECTION_CLOSE) != 0) {
    request_.wish = Wish::close;
  } else if ((llhttp_.flags & F_CONNECTION_KEEP_ALIVE) != 0) {
    request_.wish = Wish::keep_alive;
  }
  // RFC 9112 3.2: 400 for no Host in HTTP/1.1, for more than one, and for an invalid one.
  if (is_bad_ || hosts_ > 1 || (hosts_ == 0 && !request_.http_1_0)) return HttpStatus::bad_request;
  if (const auto refused = finish_framing(limits)) return refused;
  // RFC 9110 10.1.1: an expectation in HTTP/1.0 is ignored, and without content there is nothing to
  // wait for.
  if (expects_other_ && !request_.http_1_0) return HttpStatus::expectation_failed;
  if (request_.http_1_0 || body_ == Body::none) expects_continue_ = false;
  return finish_target();
}

std::optional<HttpStatus> RequestParser::finish_target() noexcept {
  if (target_too_long_) return HttpStatus::uri_too_long;
  // RFC 9112 3.2.3, 3.2.4: CONNECT and OPTIONS have targets that are no paths.
  const bool is_special =
      llhttp_.method == HTTP_CONNECT ||
      (llhttp_.method == HTTP_OPTIONS && target_size_ == 1 && target_[0] == '*');
  if (is_special) return HttpStatus::method_not_allowed;
  const auto path = canonical_path(std::span(target_).first(target_size_));
  if (!path) return HttpStatus::bad_request;
  request_.path = *path;
  return std::nullopt;
}

std::optional<HttpStatus> RequestParser::finish_framing(const HttpSettings& limits) noexcept {
  if (codings_ > 0) {
    const bool chunked_last = (llhttp_.flags & F_CHUNKED) != 0;
    // RFC 9112 6.1: framing that may be understood in two ways is an attack: Transfer-Encoding in
    // HTTP/1.0 or beside Content-Length. RFC 9112 6.3: 400 when the last coding is not `chunked`.
    const bool ambiguous =
        request_.http_1_0 || (llhttp_.flags & F_CONTENT_LENGTH) != 0 || codings_ > 1;
    if (ambiguous || !chunked_last) return HttpStatus::bad_request;
    if (coding_unknown_) return HttpStatus::not_implemented;  // RFC 9112 6.1
    body_ = Body::chunked;
    body_left_ = limits.body_bytes_max;
    // Chunks of one byte take six on the wire; extensions and trailers are bounded with them.
    wire_left_ = 6 * limits.body_bytes_max + limits.header_bytes_max;
  } else if (llhttp_.content_length > 0) {
    if (llhttp_.content_length > limits.body_bytes_max) return HttpStatus::content_too_large;
    body_ = Body::sized;
    body_left_ = llhttp_.content_length;
  }
  return std::nullopt;
}

// RFC 9112 3: 414 for a target, query included, that is longer than any that is understood.
HttpStatus RequestParser::status_of_long_head() const noexcept {
  const bool is_for_target = guard_.in_request_line() || target_too_long_;
  return is_for_target ? HttpStatus::uri_too_long : HttpStatus::header_too_large;
}

HttpStatus RequestParser::status_of_error() const noexcept {
  switch (llhttp_get_errno(&llhttp_)) {
    case HPE_INVALID_METHOD: {
      // RFC 9110 15.6.2: an unknown method; but only if it can be one.
      const char* const at = llhttp_get_error_pos(&llhttp_);
      const bool is_token = at != nullptr && is_http(*at, http_char::token);
      return is_token ? HttpStatus::not_implemented : HttpStatus::bad_request;
    }
    default: return HttpStatus::bad_request;
  }
}

void RequestParser::take_target(std::string_view part) noexcept {
  if (query_) return;
  const std::size_t mark = part.find('?');
  query_ = mark != part.npos;
  if (!append(target_, target_size_, part.substr(0, mark))) target_too_long_ = true;
}

void RequestParser::take_name(std::string_view part) noexcept {
  // A name that does not fit is not one of those below; a full buffer is longer than all of them.
  static_cast<void>(append(name_, name_size_, part));
}

void RequestParser::end_name() noexcept {
  static constexpr std::pair<std::string_view, Field> kFields[] = {
      {"host", Field::host},
      {"expect", Field::expect},
      {"transfer-encoding", Field::transfer_encoding},
      {"range", Field::range},
      {"if-range", Field::if_range},
      {"if-match", Field::if_match},
      {"if-none-match", Field::if_none_match},
      {"if-modified-since", Field::if_modified_since},
      {"if-unmodified-since", Field::if_unmodified_since},
  };
  field_ = Field::other;
  const std::string_view name(name_.data(), head_done_ ? 0 : name_size_);  // not of trailers
  for (const auto& [known, field] : kFields) {
    if (equals_ignoring_case(name, known)) field_ = field;
  }
  name_size_ = 0;
  value_size_ = 0;
  value_too_long_ = false;
}

void RequestParser::take_value(std::string_view part) noexcept {
  if (field_ != Field::other && !append(value_, value_size_, part)) value_too_long_ = true;
}

void RequestParser::end_value() noexcept {
  switch (field_) {
    case Field::host:
      hosts_ = hosts_ < 2 ? hosts_ + 1 : 2;
      if (value_too_long_ || !is_host(value())) is_bad_ = true;
      break;
    case Field::expect:
      if (value_too_long_) is_bad_ = true;
      (equals_ignoring_case(value(), "100-continue") ? expects_continue_ : expects_other_) = true;
      break;
    case Field::transfer_encoding:
      codings_ = codings_ < 2 ? codings_ + 1 : 2;
      if (value_too_long_) is_bad_ = true;
      if (!equals_ignoring_case(value(), "chunked")) coding_unknown_ = true;
      break;
    case Field::other: break;
    default: take_condition();
  }
}

// A field that is too long or malformed asks for nothing: the whole file is always a right answer.
void RequestParser::take_condition() noexcept {
  Conditions& c = conditions_;
  const std::string_view text = value_too_long_ ? std::string_view() : value();
  switch (field_) {
    case Field::range:
      c.range = has_range_ ? std::nullopt : parse_range(text);
      has_range_ = true;
      break;
    case Field::if_range: c.add_if_range(text); break;
    case Field::if_match: c.if_match.add(text); break;
    case Field::if_none_match: c.if_none_match.add(text); break;
    case Field::if_modified_since: c.if_modified_since = parse_http_date(text); break;
    case Field::if_unmodified_since: c.if_unmodified_since = parse_http_date(text); break;
    default: break;
  }
}

}  // namespace mayfly::service
