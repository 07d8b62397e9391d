#include "origin.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "version.h"

namespace mayfly::app {
namespace {

std::string value_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key)) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return {};
}

std::string machine() {
  utsname system{};
  uname(&system);
  std::string model = value_in("/proc/cpuinfo", "model name");
  if (model.empty()) model = system.machine;
  return fmt::format("{}, {} cores, {} of memory, {} {}", model,
                     std::thread::hardware_concurrency(), value_in("/proc/meminfo", "MemTotal"),
                     system.sysname, system.release);
}

}  // namespace

lab::LabOrigin origin_of(const std::string& config_file) {
  std::ifstream file(config_file);
  return {.version = MAYFLY_VERSION,
          .commit = MAYFLY_COMMIT,
          .machine = machine(),
          .when = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr))),
          .config_name = std::filesystem::path(config_file).filename().string(),
          .config = {std::istreambuf_iterator<char>(file), {}}};
}

}  // namespace mayfly::app
