#include "service/target.h"

#include <algorithm>

#include "service/grammar.h"

namespace mayfly::service {
namespace {

// The value of a hexadecimal digit, or -1.
int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 9110 4.2.1, 4.2.4: a host, which is not empty, and no userinfo: it serves to deceive.
bool is_authority(std::string_view text) noexcept {
  return !text.empty() && text.front() != ':' && is_host(text);
}

// RFC 9112 3.2.2: a server must accept the absolute form. The host that it names does not matter:
// there is one site.
std::optional<std::span<char>> without_authority(std::span<char> target) noexcept {
  if (!target.empty() && target[0] == '/') return target;
  const std::string_view text(target.data(), target.size());
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    if (!equals_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
    const std::size_t slash = std::min(text.find('/', scheme.size()), text.size());
    if (!is_authority(text.substr(scheme.size(), slash - scheme.size()))) return std::nullopt;
    return target.subspan(slash);
  }
  return std::nullopt;
}

// RFC 3986 2.1, in place. Returns the new length; none for a bad triplet or NUL.
std::optional<std::size_t> decode_percent(std::span<char> text) noexcept {
  std::size_t out = 0;
  for (std::size_t in = 0; in < text.size(); ++in) {
    char c = text[in];
    if (c == '%') {
      if (text.size() - in < 3) return std::nullopt;
      const int high = hex_value(text[in + 1]), low = hex_value(text[in + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      in += 2;
    }
    if (c == '\0') return std::nullopt;
    text[out++] = c;
  }
  return out;
}

// RFC 3986 5.2.4, in place; `path` begins with "/". Returns the new length.
std::size_t remove_dot_segments(std::span<char> path) noexcept {
  std::size_t out = 0;
  for (std::size_t in = 0; in < path.size();) {
    const auto next =
        std::find(path.begin() + static_cast<std::ptrdiff_t>(in) + 1, path.end(), '/');
    const std::size_t end = static_cast<std::size_t>(next - path.begin());
    const std::string_view segment(&path[in], end - in);  // with its leading "/"
    const bool up = segment == "/..";
    if (up) {
      while (out > 0 && path[--out] != '/') continue;
    } else if (segment != "/.") {
      std::copy(segment.begin(), segment.end(), path.begin() + static_cast<std::ptrdiff_t>(out));
      out += segment.size();
    }
    const bool dots = up || segment == "/.";
    if (dots && end == path.size()) path[out++] = '/';  // "/a/.." names the folder "/"
    in = end;
  }
  return out;
}

}  // namespace

std::optional<std::string_view> canonical_path(std::span<char> target) noexcept {
  const std::optional<std::span<char>> path = without_authority(target);
  if (!path) return std::nullopt;
  if (path->empty()) return "/";  // RFC 9112 3.2.1: an empty path is sent as "/"
  const std::optional<std::size_t> decoded = decode_percent(*path);
  if (!decoded) return std::nullopt;
  return std::string_view(path->data(), remove_dot_segments(path->first(*decoded)));
}

}  // namespace mayfly::service
