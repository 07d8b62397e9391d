// The live figures as lines of a terminal: what `mayfly top` shows.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mayfly::admin {

/// How a line is shown.
enum class TopStyle { plain, title, good, warn, bad };

struct TopLine {
  std::string text;
  TopStyle style = TopStyle::plain;
};

/// The page of the newest of these samples (sampler.h), the oldest first, in lines of at most
/// `width` columns. The rate of the others is drawn as a row of bars.
std::vector<TopLine> top_lines(const std::vector<nlohmann::ordered_json>& samples,
                               std::size_t width);

}  // namespace mayfly::admin
