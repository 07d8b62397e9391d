#include "run/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>
#include <utility>

#include "base/fd.h"
#include "run/engine.h"
#include "run/private_file.h"

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr std::size_t kSizeMax = 4'096;
constexpr Instant kFirstOrigin{1'000'000};              // zero Instants are in the past
constexpr std::int64_t kUsMax = std::int64_t{1} << 56;  // 2,283 years
constexpr Duration kLockPatience = Duration::from_s(2);

Error cannot(std::string_view what, const std::string& path, int error = errno) {
  return {fmt::format("cannot {} the state file {}: {}", what, path, std::strerror(error)),
          ErrorKind::usage};
}

/// Held while the file is read and replaced. The file itself cannot be locked, as it is replaced.
Result<Fd> lock(const std::string& path, Duration patience) {
  const std::string name = path + ".lock";
  Fd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd.is_open()) return cannot("lock", path);
  constexpr Duration kPause = Duration::from_ms(10);
  for (Duration waited{}; flock(fd.get(), LOCK_EX | LOCK_NB) != 0; waited = waited + kPause) {
    if (errno != EWOULDBLOCK) return cannot("lock", path);
    if (waited >= patience)
      return Error{fmt::format("another process holds the lock of the state file {} and does not "
                               "let go: end it, or give this one a file of its own (state)",
                               path),
                   ErrorKind::usage};
    std::this_thread::sleep_for(std::chrono::microseconds(kPause.us));
  }
  return fd;
}

/// The whole file; none if there is none.
Result<std::optional<std::string>> text_of(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open() && errno == ENOENT) return std::optional<std::string>();
  if (!fd.is_open()) return cannot("read", path);
  std::string text(kSizeMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0) return cannot("read", path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return std::optional(std::move(text));
}

std::optional<std::int64_t> us_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  const auto us = found->get<std::int64_t>();
  return us < 0 || us > kUsMax ? std::nullopt : std::optional(us);
}

}  // namespace

/// What is in the file.
struct StateFile::Content {
  tcp::Secret secret{};
  Instant clock;     ///< of the process that wrote it, when it did
  Duration wall{};   ///< the time of day then
  Instant reserved;  ///< nobody has used a later value
  std::string text() const {
    const Json json{{"format", kFormat},
                    {"secret", hex_of(secret)},
                    {"clock_us", clock.us},
                    {"wall_us", wall.us},
                    {"reserved_us", reserved.us}};
    return json.dump(1) + "\n";
  }
  static std::optional<Content> of(const std::string& text) {
    const Json json = text.size() > kSizeMax ? Json() : Json::parse(text, nullptr, false);
    if (!json.is_object() || json.value("format", Json()) != kFormat) return std::nullopt;
    const Json hex = json.value("secret", Json());
    const auto secret = secret_of(hex.is_string() ? hex.get<std::string>() : "");
    const auto clock = us_of(json, "clock_us"), wall = us_of(json, "wall_us"),
               reserved = us_of(json, "reserved_us");
    if (!secret || !clock || !wall || !reserved || *reserved < *clock) return std::nullopt;
    return Content{*secret, {*clock}, {*wall}, {*reserved}};
  }
};

Result<StateFile> StateFile::open(const std::string& path, Duration wall) {
  return open_as(path, wall, nullptr);
}

Result<StateFile> StateFile::open_or_replace(const std::string& path, Duration wall,
                                             std::string& damage) {
  return open_as(path, wall, &damage);
}

/// None: there is no file, or only a damaged one, which `damage` permits.
Result<std::optional<StateFile::Content>> StateFile::read(const std::string& path,
                                                          std::string* damage) {
  const auto text = text_of(path);
  if (!text) return text.error();
  if (!*text) return std::optional<Content>();
  std::optional<Content> content = Content::of(**text);
  if (content) return content;
  const std::string what = fmt::format("the state file {} is damaged", path);
  if (damage == nullptr)
    return Error{what + ": remove it, and the next start makes a new one", ErrorKind::usage};
  *damage = what;
  return std::optional<Content>();
}

Result<StateFile> StateFile::open_as(const std::string& path, Duration wall, std::string* damage) {
  const auto locked = lock(path, kLockPatience);
  if (!locked) return locked.error();
  const auto earlier = read(path, damage);
  if (!earlier) return earlier.error();
  StateFile file(path);
  if (*earlier) {
    const Content& was = **earlier;
    const Duration gap = std::clamp(wall - was.wall, Duration{}, kGapMax);
    file.secret_ = was.secret;
    file.origin_ = std::max(was.reserved, was.clock + gap);
  } else {
    file.secret_ = random_secret();
    file.origin_ = kFirstOrigin;
  }
  file.reserved_ = file.origin_ + kReserve;
  if (const auto written = file.write({file.secret_, file.origin_, wall, file.reserved_}); !written)
    return written.error();
  return file;
}

Result<void> StateFile::keep(Instant now, Duration wall) {
  if (now + kReserve / 2 < reserved_) return {};
  const auto renew = [&]() -> Result<void> {
    const auto locked = lock(path_, Duration{});
    if (!locked) return locked.error();
    std::string damage;
    const auto earlier = read(path_, &damage);
    if (!earlier) return earlier.error();
    if (*earlier && (*earlier)->secret != secret_) return {};  // a new file, for others
    Content content{secret_, now, wall, now + kReserve};
    // Another process may be ahead.
    if (*earlier && (*earlier)->clock > now) {
      content.clock = (*earlier)->clock;
      content.wall = (*earlier)->wall;
    }
    if (*earlier) content.reserved = std::max(content.reserved, (*earlier)->reserved);
    return write(content);
  };
  const Result<void> renewed = renew();
  if (renewed) {
    reserved_ = now + kReserve;
    is_failing_ = false;
    return {};
  }
  const bool is_urgent = now + kReserve / 4 >= reserved_;  // before that, the next call tries again
  return !is_urgent || std::exchange(is_failing_, true) ? Result<void>() : renewed;
}

Result<void> StateFile::write(const Content& content) const {
  if (const int error = replace_file(path_, content.text())) return cannot("write", path_, error);
  return {};
}

std::string default_state_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  // The XDG base directory specification: a path that is not absolute is ignored.
  if (state != nullptr && state[0] == '/') return std::string(state) + "/mayfly/state.json";
  if (geteuid() == 0) return "/var/lib/mayfly/state.json";
  if (home == nullptr || home[0] != '/') return "";
  return std::string(home) + "/.local/state/mayfly/state.json";
}

Duration wall_clock() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count()};
}

namespace {

/// In the default place, whose folder is made.
Result<StateFile> open_default(std::string& damage) {
  const std::string path = default_state_file();
  if (path.empty()) return Error{"there is no folder for the state file: HOME is not set"};
  std::error_code failure;
  const fs::path folder = fs::path(path).parent_path();
  if (fs::create_directories(folder, failure))
    fs::permissions(folder, fs::perms::owner_all, failure);
  return StateFile::open_or_replace(path, wall_clock(), damage);
}

}  // namespace

Result<Numbers> open_numbers(const std::string& state) {
  const Numbers forgotten{{random_secret()}, kFirstOrigin, std::nullopt, ""};
  if (state == "none") return forgotten;
  std::string damage;
  auto file = state == "auto" ? open_default(damage) : StateFile::open(state, wall_clock());
  if (file) {
    const tcp::Secret secret = file->secret();
    const Instant origin = file->origin();
    if (!damage.empty())
      damage += " and was replaced: sequence numbers and timestamps begin anew with this run";
    return Numbers{{secret}, origin, *std::move(file), damage};
  }
  if (state != "auto") return file.error();
  Numbers numbers = forgotten;
  numbers.warning = fmt::format(
      "{}; sequence numbers and timestamps will not go on in the next run (state: FILE puts them "
      "elsewhere, state: none says so)",
      file.error().what);
  return numbers;
}

// The time of day goes on while devices are opened.
Instant Numbers::clock_begins() const {
  return secrets.are_shared ? Instant{wall_clock().us} : origin;
}

Result<Numbers> numbers_of_cluster(const std::string& secret_file) {
  auto secrets = read_secret_file(secret_file);
  if (!secrets) return secrets.error();
  return Numbers{*secrets, Instant{wall_clock().us}, std::nullopt, ""};
}

}  // namespace mayfly::run
