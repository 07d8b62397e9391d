// Distinguishes UTF-8 text from other bytes, before it is parsed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mayfly::config {

/// A position in a text.
struct TextPosition {
  int line = 1, column = 1;  ///< from 1; columns count bytes
};

/// The first byte that is neither part of a well-formed UTF-8 sequence (RFC 3629) nor allowed as a
/// control character in YAML (tab, line feed, carriage return); nullopt if all is text.
std::optional<TextPosition> find_non_text(std::string_view text);

/// The length in bytes of the well-formed UTF-8 sequence that `text` begins with, 1 to 4; 0 if it
/// begins with none (RFC 3629 4).
std::size_t sequence_length(std::string_view text);

/// The character of one well-formed sequence.
char32_t character_of(std::string_view sequence);

/// True if the character stands for itself within a line of YAML (YAML 1.2 5.1, 5.4): it is no
/// control character, no line separator and no byte order mark.
bool is_printable(char32_t character);

/// The text, with each octet that is not part of a well-formed sequence replaced by the character
/// of that number (ISO 8859-1).
std::string well_formed(std::string_view text);

}  // namespace mayfly::config
