// The character classes of HTTP (RFC 9110, RFC 3986) as a table, and comparisons without case.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::service {

/// Character classes; the bits combine to sets.
namespace http_char {
inline constexpr std::uint8_t token = 1u << 0;        ///< RFC 9110 5.6.2: tchar
inline constexpr std::uint8_t field_value = 1u << 1;  ///< RFC 9110 5.5, with HTAB and obs-text
inline constexpr std::uint8_t host = 1u << 2;         ///< RFC 3986 3.2.2, 3.2.3: host [":" port]
inline constexpr std::uint8_t plain_path = 1u << 3;   ///< RFC 3986 3.3 without "%"
}  // namespace http_char

namespace detail {
constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view chars, std::uint8_t bits) {
    for (const char c : chars) classes[static_cast<unsigned char>(c)] |= bits;
  };
  using http_char::field_value, http_char::host, http_char::plain_path, http_char::token;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (c == '\t' || (c >= ' ' && c != 0x7f)) classes[c] |= field_value;
  }
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", token | host | plain_path);
  add("-._~", token | host | plain_path);    // RFC 3986: unreserved
  add("!$&'*+", token | host | plain_path);  // sub-delims that are also tchar
  add("(),;=", host | plain_path);           // the other sub-delims
  add("#%^`|", token);
  add("%[]:", host);
  add("/:@", plain_path);
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kHttpClasses = make_classes();
}  // namespace detail

/// True if `c` is in one of the `classes`, a set of http_char bits.
constexpr bool is_http(char c, std::uint8_t classes) noexcept {
  return (detail::kHttpClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

/// True if `text` equals `lower` when case is ignored. `lower` consists of lower-case letters and
/// of
/// "-:/0123456789", and `text` contains no control characters.
constexpr bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) | 0x20u) != static_cast<unsigned char>(lower[i]))
      return false;
  }
  return true;
}

/// `text` without the optional whitespace around it (RFC 9110 5.6.3).
constexpr std::string_view trimmed(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// True if `value` may be that of a Host field (RFC 9110 7.2, RFC 3986 3.2). It may be empty.
constexpr bool is_host(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) { return is_http(c, http_char::host); });
}

}  // namespace mayfly::service
