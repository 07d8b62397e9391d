#include "config/utf8.h"

#include <utf8cpp/utf8.h>

#include <iterator>

#include "base/assert.h"

namespace mayfly::config {
namespace {

bool is_forbidden_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\t' && c != '\n' && c != '\r') || octet == 0x7f;
}

}  // namespace

std::size_t sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  auto at = text.begin();
  try {
    utf8::next(at, text.end());
  } catch (const utf8::exception&) {
    return 0;
  }
  return static_cast<std::size_t>(at - text.begin());
}

char32_t character_of(std::string_view sequence) {
  MAYFLY_ASSERT(!sequence.empty() && sequence_length(sequence) == sequence.size());
  auto at = sequence.begin();
  return utf8::unchecked::next(at);
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
      utf8::append(static_cast<unsigned char>(text[0]), std::back_inserter(whole));
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
