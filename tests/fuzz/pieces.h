// A text and the places where it is cut: what a parser of streams is given.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/input.h"

namespace mayfly::testing {

struct CutText {
  std::string text;
  std::vector<std::size_t> cuts;  ///< rising, inside the text

  /// Input: how many cuts (0..7, in the low bits), a byte for the length of each piece, the text.
  explicit CutText(FuzzInput& in) {
    const std::uint32_t count = in.below(8);
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < count; ++i) cuts.push_back(at += in.between(1, 64));
    text = in.text();
    while (!cuts.empty() && cuts.back() >= text.size()) cuts.pop_back();
  }

  std::vector<std::string_view> pieces() const {
    std::vector<std::string_view> all;
    std::size_t from = 0;
    for (const std::size_t to : cuts) {
      all.push_back(std::string_view(text).substr(from, to - from));
      from = to;
    }
    all.push_back(std::string_view(text).substr(from));
    return all;
  }
};

}  // namespace mayfly::testing
