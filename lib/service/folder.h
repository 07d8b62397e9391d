// A folder of files, read into memory once at start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/http_date.h"

namespace mayfly::service {

/// A file in memory.
struct LoadedFile {
  std::string path;  ///< below the folder, with "/" between the parts and none in front
  std::vector<std::byte> bytes;
  UnixSeconds modified = 0;
};

/// What is below a folder, sorted by path.
struct LoadedFolder {
  std::vector<LoadedFile> files;
  std::vector<std::string> folders;  ///< as LoadedFile::path; the folder itself is ""
};

/// Reads every regular file below `folder`. A symbolic link to a file counts as that file if its
/// target is inside the folder; other links are left out. Names that begin with a dot are left out
/// too, with all that is below them, unless `dot_names`. More than `bytes_max` in all is an error,
/// and so is anything that cannot be read.
Result<LoadedFolder> load_folder(const std::string& folder, std::uint64_t bytes_max,
                                 bool dot_names);

}  // namespace mayfly::service
