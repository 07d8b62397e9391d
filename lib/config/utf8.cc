#include "config/utf8.h"

#include <cstddef>
#include <cstdint>

namespace mayfly {
namespace {

/// The length of the UTF-8 sequence that `text` begins with; 0 if it begins with none (RFC 3629 4).
std::size_t sequence_length(std::string_view text) {
  const auto octet = [text](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto is_tail = [&octet](std::size_t i) { return (octet(i) & 0xc0) == 0x80; };
  const std::uint32_t first = octet(0), second = octet(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
  if ((first & 0xf0) == 0xe0) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second >= 0xa0;
    return is_tail(1) && is_tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool too_large = first == 0xf4 && second >= 0x90;
    return is_tail(1) && is_tail(2) && is_tail(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

bool is_forbidden_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\t' && c != '\n' && c != '\r') || octet == 0x7f;
}

}  // namespace

std::optional<TextPosition> find_non_text(std::string_view text) {
  TextPosition at;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0 || is_forbidden_control(text[0])) return at;
    if (text[0] == '\n') {
      at = {at.line + 1, 1};
    } else {
      at.column += static_cast<int>(length);
    }
    text.remove_prefix(length);
  }
  return std::nullopt;
}

}  // namespace mayfly
