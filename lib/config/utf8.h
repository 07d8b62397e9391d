// Tells text from everything else before a parser sees it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mayfly::config {

struct TextPosition {
  int line = 1, column = 1;  ///< from 1; columns count bytes
};

/// The first byte that is neither part of a well-formed UTF-8 sequence (RFC 3629) nor allowed as a
/// control character in YAML (tab, line feed, carriage return); nothing if all is text.
std::optional<TextPosition> find_non_text(std::string_view text);

/// The length in bytes of the well-formed UTF-8 sequence that `text` begins with, 1 to 4; 0 if it
/// begins with none (RFC 3629 4).
std::size_t sequence_length(std::string_view text);

/// The character of one well-formed sequence.
char32_t character_of(std::string_view sequence);

/// Whether YAML takes the character for itself within a line (YAML 1.2 5.1, 5.4): no control
/// character, no line separator, no byte order mark.
bool is_printable(char32_t character);

/// Text in which each octet that is part of no well-formed sequence is the character of that number
/// (ISO 8859-1).
std::string well_formed(std::string_view text);

}  // namespace mayfly::config
