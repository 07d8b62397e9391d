// From settings to running devices: the memory plan, the EAL, the ports, and what the start says
// about them.
#pragma once

#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/settings.h"
#include "nic/device.h"
#include "nic/eal.h"

namespace mayfly {

/// What the process will take, before it takes anything.
struct MemoryPlan {
  std::string text;           ///< one line a part
  std::size_t bytes = 0;      ///< all of it
  std::size_t eal_bytes = 0;  ///< what of it comes from the EAL: packet buffers and flow tables
};

/// The plan for one role (a server, a generator) of the process. `extra_bytes`: of the app, for
/// each core.
MemoryPlan plan_memory(const CommonSettings& settings, const std::string& role,
                       std::size_t extra_bytes);

/// Bytes that could be had now: ordinary memory and free hugepages.
std::size_t free_memory();

/// Prints the plans and their sum. Empty when that can be had now; else the arithmetic and what to
/// change.
std::string print_memory(std::span<const MemoryPlan> plans);

/// Prints the plan, refuses what cannot be, and starts the EAL for `cores` in all. Exit status
/// kBadUsage or kRunFailed in `status` on failure, which has been told to the user.
std::optional<Eal> start_process(std::span<const MemoryPlan> plans, const CommonSettings& settings,
                                 const std::vector<std::uint32_t>& cores, int& status);

/// Opens the ports of one role and says what each got. Failures have been told to the user.
std::optional<std::vector<Device>> open_devices(const CommonSettings& settings);

/// "port 80 http, port 7 echo" and "198.18.0.1/15": for the line that says that the server is
/// ready.
std::string listens_in_words(const ServeSettings& settings);
std::string addresses_in_words(const CommonSettings& settings);

/// Tells the user all that is wrong with a configuration.
template <class Errors>
void print_errors(const Errors& errors) {
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", to_string(error).c_str());
}

}  // namespace mayfly
