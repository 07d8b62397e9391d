#include "run/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "base/fd.h"

namespace mayfly::run {
namespace {

/// All of `text` in the file, or an error.
bool write_all(const Fd& fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// So that the file has its new name after a power cut, too.
void sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Fd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.is_open()) fsync(fd.get());
}

}  // namespace

int replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
               S_IRUSR | S_IWUSR));
  if (!fd.is_open()) return errno;
  if (fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 || !write_all(fd, text) || fsync(fd.get()) != 0 ||
      rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(fresh.c_str());
    return error;
  }
  sync_folder_of(path);
  return 0;
}

}  // namespace mayfly::run
