#include "run/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/fd.h"
#include "run/engine.h"
#include "run/private_file.h"

namespace mayfly::run {
namespace {

Error cannot(const char* what, const std::string& path, int error) {
  return {fmt::format("cannot {} the secret {}: {}", what, path, std::strerror(error)),
          ErrorKind::usage};
}

std::string text_of(const ShardSecrets& secrets) {
  return "# The secret of a cluster: the same file on each of its servers, for its owner alone. "
         "The\n"
         "# first line is in use; cookies made with the second, the one before, count too.\n" +
         hex_of(secrets.now) + "\n" +
         (secrets.former ? hex_of(*secrets.former) + "\n" : std::string());
}

bool is_there(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0;
}

}  // namespace

std::string hex_of(const tcp::Secret& secret) {
  return fmt::format("{:016x}{:016x}", secret[0], secret[1]);
}

std::optional<tcp::Secret> secret_of(const std::string& hex) {
  if (hex.size() != 32) return std::nullopt;
  tcp::Secret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const char* first = hex.data() + i * 16;
    const auto [end, error] = std::from_chars(first, first + 16, secret[i], 16);
    if (error != std::errc{} || end != first + 16) return std::nullopt;
  }
  return secret;
}

Result<void> make_secret_file(const std::string& path, bool rotate) {
  ShardSecrets secrets{.now = random_secret()};
  if (is_there(path)) {
    if (!rotate)
      return Error{fmt::format("{} exists; --rotate makes a new secret, and keeps this one as the "
                               "former",
                               path),
                   ErrorKind::usage};
    const auto before = read_secret_file(path);
    if (!before) return before.error();
    secrets.former = before->now;
  }
  if (const int error = replace_file(path, text_of(secrets))) return cannot("write", path, error);
  return {};
}

Result<ShardSecrets> read_secret_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat file {};
  if (!fd.is_open() && errno == ENOENT)
    return Error{
        fmt::format("there is no secret {}: `mayfly secret {}` makes one, and every server "
                    "needs a copy of it",
                    path, path),
        ErrorKind::usage};
  if (!fd.is_open() || fstat(fd.get(), &file) != 0) return cannot("read", path, errno);
  if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{fmt::format("the secret {} may be read by others: chmod 600 {}", path, path),
                 ErrorKind::usage};
  std::ifstream lines(path);
  std::vector<tcp::Secret> secrets;
  for (std::string line; secrets.size() < 3 && std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto secret = secret_of(line);
    if (!secret || secrets.size() == 2)
      return Error{fmt::format("{} is no secret: expected one or two lines of 32 hexadecimal "
                               "digits, as `mayfly secret` makes them",
                               path),
                   ErrorKind::usage};
    secrets.push_back(*secret);
  }
  if (secrets.empty())
    return Error{fmt::format("{} has no secret in it: `mayfly secret {}` makes one", path, path),
                 ErrorKind::usage};
  return ShardSecrets{.now = secrets.front(),
                      .former = secrets.size() > 1 ? std::optional(secrets[1]) : std::nullopt,
                      .are_shared = true};
}

}  // namespace mayfly::run
