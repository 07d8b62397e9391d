#include "service/folder.h"

#include <algorithm>
#include <array>
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

}  // namespace

Result<std::vector<LoadedFile>> load_folder(const std::string& folder,
                                            std::uint64_t bytes_max) try {
  const fs::path root = fs::canonical(folder);
  std::vector<LoadedFile> files;
  // Links to folders are not entered, so there is no way out and no loop.
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (!is_wanted(entry, root)) continue;
    Result<std::vector<std::byte>> bytes = read_file(entry.path(), bytes_max);
    if (!bytes) return bytes.error();
    bytes_max -= bytes->size();
    files.push_back({entry.path().lexically_relative(root).generic_string(), *std::move(bytes)});
  }
  std::ranges::sort(files, {}, &LoadedFile::path);
  return files;
} catch (const fs::filesystem_error& e) {
  return Error{"cannot read the folder " + folder + ": " + e.code().message()};
}

std::string_view content_type_of(std::string_view file_name) noexcept {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"xml", "application/xml"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"ico", "image/vnd.microsoft.icon"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"wasm", "application/wasm"},
      {"pdf", "application/pdf"},
      {"mp4", "video/mp4"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
  };
  const std::size_t dot = file_name.rfind('.');
  if (dot != file_name.npos) {
    for (const auto& [suffix, type] : kTypes) {
      if (file_name.substr(dot + 1) == suffix) return type;
    }
  }
  return "application/octet-stream";
}

}  // namespace mayfly::service
