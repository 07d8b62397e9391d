// A folder of files, read into memory once at start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mayfly::service {

/// A file in memory.
struct LoadedFile {
  std::string path;  ///< below the folder, with "/" between the parts and none in front
  std::vector<std::byte> bytes;
};

/// Reads every regular file below `folder`, sorted by path. A symbolic link to a file counts as
/// that file if its target is inside the folder; other links are left out. More than
/// `bytes_max` in all is an error, and so is anything that cannot be read.
Result<std::vector<LoadedFile>> load_folder(const std::string& folder, std::uint64_t bytes_max);

/// The media type that goes with a file name's suffix; application/octet-stream if it is not known.
std::string_view content_type_of(std::string_view file_name) noexcept;

}  // namespace mayfly::service
