#include "service/folder.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>

namespace mayfly::service {
namespace fs = std::filesystem;
namespace {

// True if `path` is the folder itself or below it. Both are canonical.
bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

bool is_wanted(const fs::directory_entry& entry, const fs::path& root) {
  std::error_code failed;
  if (!entry.is_regular_file(failed)) return false;
  if (!entry.is_symlink(failed)) return true;
  const fs::path target = fs::canonical(entry.path(), failed);
  return !failed && is_inside(target, root);
}

Result<std::vector<std::byte>> read_file(const fs::path& path, std::uint64_t bytes_max) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = in ? std::streamoff{in.tellg()} : -1;
  if (size < 0) return Error{"cannot read " + path.string()};
  if (static_cast<std::uint64_t>(size) > bytes_max) {
    return Error{path.string() +
                 " does not fit: the folder's files are too large to hold in memory"};
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  in.seekg(0);
  if (size > 0 && !in.read(reinterpret_cast<char*>(bytes.data()), size)) {
    return Error{"cannot read " + path.string()};
  }
  return bytes;
}

// A time before 1970 is none that HTTP can state.
UnixSeconds modified_at(const fs::directory_entry& entry) {
  const auto time = std::chrono::file_clock::to_sys(entry.last_write_time());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return std::max<UnixSeconds>(seconds, 0);
}

}  // namespace

Result<LoadedFolder> load_folder(const std::string& folder, std::uint64_t bytes_max,
                                 bool dot_names) try {
  const fs::path root = fs::canonical(folder);
  LoadedFolder loaded;
  loaded.folders.emplace_back();
  // Links to folders are not entered, so there is no way out and no loop.
  for (auto at = fs::recursive_directory_iterator(root); at != fs::end(at); ++at) {
    const fs::directory_entry& entry = *at;
    if (!dot_names && entry.path().filename().string().starts_with('.')) {
      at.disable_recursion_pending();
      continue;
    }
    const std::string path = entry.path().lexically_relative(root).generic_string();
    if (entry.is_directory() && !entry.is_symlink()) loaded.folders.push_back(path);
    if (!is_wanted(entry, root)) continue;
    Result<std::vector<std::byte>> bytes = read_file(entry.path(), bytes_max);
    if (!bytes) return bytes.error();
    bytes_max -= bytes->size();
    loaded.files.push_back({path, *std::move(bytes), modified_at(entry)});
  }
  std::ranges::sort(loaded.files, {}, &LoadedFile::path);
  std::ranges::sort(loaded.folders);
  return loaded;
} catch (const fs::filesystem_error& e) {
  return Error{"cannot read the folder " + folder + ": " + e.code().message()};
}

}  // namespace mayfly::service
