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
/// `width` columns. The rate of the others is drawn as columns in the rows that are left of
/// `height`; where there are too few for the rest, what matters least is left out.
std::vector<TopLine> top_lines(const std::vector<nlohmann::ordered_json>& samples,
                               std::size_t width, std::size_t height);

}  // namespace mayfly::admin
