#include "config/utf8.h"

#include <cstdint>

#include "base/assert.h"

namespace mayfly::config {
namespace {

bool is_forbidden_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\t' && c != '\n' && c != '\r') || octet == 0x7f;
}

}  // namespace

std::size_t sequence_length(std::string_view text) {
  const auto octet = [text](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto is_tail = [&octet](std::size_t i) { return (octet(i) & 0xc0) == 0x80; };
  if (text.empty()) return 0;
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

char32_t character_of(std::string_view sequence) {
  MAYFLY_ASSERT(!sequence.empty() && sequence_length(sequence) == sequence.size());
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first;
  char32_t character = first & (0x7fu >> sequence.size());
  for (const char c : sequence.substr(1))
    character = character << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  return character;
}

bool is_printable(char32_t c) {
  constexpr char32_t kLineSeparator = 0x2028, kParagraphSeparator = 0x2029, kByteOrderMark = 0xfeff;
  const bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool is_special = c == kLineSeparator || c == kParagraphSeparator || c == kByteOrderMark;
  return !is_control && !is_special && c != 0xfffe && c != 0xffff;
}

std::string well_formed(std::string_view text) {
  std::string whole;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      const auto octet = static_cast<unsigned char>(text[0]);
      whole += {static_cast<char>(0xc0 | octet >> 6), static_cast<char>(0x80 | (octet & 0x3f))};
    } else {
      whole += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return whole;
}

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

}  // namespace mayfly::config
