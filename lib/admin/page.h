// The files of the page, as the build embeds them (embed.py).
#pragma once

#include <span>
#include <string_view>

namespace mayfly::admin {

struct PageFile {
  std::string_view path;     ///< "/page.js"
  std::string_view pattern;  ///< the same as a regular expression
  std::string_view type;     ///< its media type
  std::string_view text;
};

std::span<const PageFile> page_files();
/// The file of this path; null if there is none.
const PageFile* page_file(std::string_view path);

}  // namespace mayfly::admin
