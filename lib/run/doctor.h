// What a person would look at when a start fails or is slow: rights, memory, processors, devices.
// Each finding that is not good has the command that mends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/settings.h"
#include "nic/settings.h"

namespace mayfly::run {

struct Finding {
  enum class Level : std::uint8_t {
    good,
    slow,  ///< it works, but not as fast as it could
    bad,   ///< it will not work
  };
  Level level = Level::good;
  std::string what, remedy;  ///< remedy: empty = none is needed
};

/// The host that a generator has to reach; empty = none.
struct Target {
  std::optional<Ipv4Address> four;
  std::optional<Ipv6Address> six;
};

/// The machine, for a process with these devices on these processors, which has to reach `target`
/// if there is one. `root` is where /sys and /proc are.
std::vector<Finding> examine(const nic::ProcessSettings& process,
                             const std::vector<std::uint32_t>& cores, const std::string& root = "",
                             const Target& target = {});
/// Whether the places are free at which such a process answers.
std::vector<Finding> examine(const admin::AdminSettings& admin);

}  // namespace mayfly::run
