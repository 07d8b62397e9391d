#include "admin/default_socket.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "admin/endpoints.h"

namespace mayfly::admin {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".sock";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The folders that are looked at, the best one first.
std::vector<fs::path> folders() {
  std::vector<fs::path> all;
  // systemd.exec(5): the folders of RuntimeDirectory=, with colons between them.
  const std::string given = variable("RUNTIME_DIRECTORY");
  if (given.starts_with('/')) all.emplace_back(given.substr(0, given.find(':')));
  if (geteuid() == 0) all.emplace_back("/run/mayfly");
  const std::string own = variable("XDG_RUNTIME_DIR");
  if (own.starts_with('/')) all.push_back(fs::path(own) / "mayfly");
  return all;
}

/// The sockets in the default folders on which somebody listens.
std::vector<std::string> sockets_in_use() {
  std::vector<std::string> sockets;
  for (const fs::path& folder : folders()) {
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(folder, failure)) {
      const std::string path = entry.path().string();
      const bool is_new = std::ranges::find(sockets, path) == sockets.end();
      if (path.ends_with(kEnding) && is_new && is_listened_at(path)) sockets.push_back(path);
    }
  }
  return sockets;
}

}  // namespace

Result<std::string> default_socket(const std::string& kind) {
  const std::vector<fs::path> all = folders();
  if (all.empty())
    return Error{
        "there is no folder for it: this user has no XDG_RUNTIME_DIR (admin.socket: PATH "
        "names one, admin.socket: none says that there is to be none)"};
  const fs::path& folder = all.front();
  if (mkdir(folder.c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) != 0 &&
      errno != EEXIST)
    return Error{fmt::format("{}: {}", folder.string(), std::strerror(errno))};
  const std::string path = (folder / (kind + kEnding)).string();
  if (!is_listened_at(path)) return path;
  return (folder / fmt::format("{}-{}{}", kind, getpid(), kEnding)).string();
}

Result<std::string> socket_meant(const std::string& given) {
  if (given.find('/') != std::string::npos) return given;
  std::vector<std::string> sockets = sockets_in_use();
  if (given.empty() && sockets.size() == 1) return sockets.front();
  if (!given.empty()) {
    for (const std::string& path : sockets)
      if (fs::path(path).stem() == given) return path;
    return given;  // a file in the present folder
  }
  if (sockets.empty())
    return Error{
        "no server or generator runs with a control socket in the default place; --socket "
        "PATH names another (its admin.socket)"};
  std::ranges::sort(sockets);
  return Error{fmt::format("several have a control socket: choose one with --socket {}",
                           fmt::join(sockets, " or "))};
}

}  // namespace mayfly::admin
