#include "admin/http_framing.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace mayfly::admin {
namespace {

using State = FramedRequest::State;

// Accept-Encoding, Range and the multipart types are not among them: the answers are small, and the
// library reads those fields with regular expressions.
constexpr auto kObeyed =
    std::to_array<std::string_view>({"host", "connection", "content-length", "content-type",
                                     "authorization", "origin", "sec-fetch-site"});

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

FramedRequest refused(int status, std::string_view why) {
  FramedRequest request;
  request.state = State::refused;
  request.status = status;
  request.why = why;
  return request;
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_plain(std::string_view line) {
  return std::ranges::all_of(line,
                             [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

/// What the header fields say of the body.
struct Head {
  std::string text;  // the lines that are obeyed
  std::optional<std::size_t> length;
  int status = 0;  // not 0: refused
  std::string_view why;
};

void take_field(Head& head, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || colon == 0 || !is_plain(line)) {
    head.status = 400;
    head.why = "a header field is malformed";
    return;
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "transfer-encoding" || name == "expect") {
    head.status = 411;
    head.why = "a body needs a Content-Length";
  } else if (name == "content-length") {
    // RFC 9112 6.3: several that differ, or one that is no number, end the connection.
    const auto length = number(value);
    if (!length || (head.length && head.length != length)) {
      head.status = 400;
      head.why = "the Content-Length is no number";
    } else {
      head.length = length;
    }
    return;
  } else if (name == "content-type" && !lower(value).starts_with("application/json")) {
    return;  // the API says that it takes JSON
  }
  if (std::ranges::find(kObeyed, name) != kObeyed.end())
    head.text += name + ": " + std::string(value) + "\r\n";
}

Head read_head(std::string_view lines) {
  Head head;
  while (!lines.empty() && head.status == 0) {
    const std::size_t end = lines.find("\r\n");
    take_field(head, lines.substr(0, end));
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 2);
  }
  return head;
}

}  // namespace

FramedRequest frame_request(std::string_view in) {
  const std::size_t end = in.substr(0, kHeadMax).find("\r\n\r\n");
  if (end == in.npos) {
    if (in.size() >= kHeadMax) return refused(431, "the header fields are too long");
    return {};
  }
  const std::size_t line_end = in.find("\r\n");
  const std::string_view request_line = in.substr(0, line_end);
  if (request_line.empty() || request_line.size() > 2'048 || !is_plain(request_line))
    return refused(400, "the request line is malformed");
  const bool has_fields = line_end < end;
  const Head head = read_head(has_fields ? in.substr(line_end + 2, end - line_end - 2) : "");
  if (head.status != 0) return refused(head.status, head.why);
  const std::size_t body = head.length.value_or(0);
  if (body > kBodyMax) return refused(413, "a body has at most 64 KiB");
  if (in.size() < end + 4 + body) return {};
  FramedRequest request;
  request.state = State::whole;
  request.length = end + 4 + body;
  request.text = std::string(request_line) + "\r\n" + head.text;
  request.text += "content-length: " + std::to_string(body) + "\r\n\r\n";
  request.text += in.substr(end + 4, body);
  return request;
}

}  // namespace mayfly::admin
