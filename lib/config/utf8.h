// Tells text from everything else before a parser sees it.
#pragma once

#include <optional>
#include <string_view>

namespace mayfly {

struct TextPosition {
  int line = 1, column = 1;  ///< from 1; columns count bytes
};

/// The first byte that is neither part of a well-formed UTF-8 sequence (RFC 3629) nor allowed as a
/// control character in YAML (tab, line feed, carriage return); nothing if all is text.
std::optional<TextPosition> find_non_text(std::string_view text);

}  // namespace mayfly
