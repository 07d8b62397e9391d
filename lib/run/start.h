// From settings to running devices: the EAL and the ports. Nothing is printed here; the caller is
// told of the progress.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nic/device.h"
#include "nic/eal.h"
#include "nic/settings.h"
#include "run/memory_plan.h"

namespace mayfly::run {

/// How a start reports its progress. The functions are called on the caller's thread.
struct StartProgress {
  /// Called with the table of the memory that is planned: several lines, without a line break at
  /// the end.
  std::function<void(const std::string& table)> on_plan;
  /// Called with text for the user: the memory of the EAL, the properties of each device. One or
  /// more lines, without a line break at the end.
  std::function<void(const std::string& text)> on_step;
  /// Called about ten times a second while a device waits for its other end; false gives up.
  std::function<bool(const std::string& waiting_for)> on_wait;
};

/// Reports the memory plan and starts the EAL for `cores`. An error of usage if there is too little
/// memory.
Result<nic::Eal> start_process(std::span<const MemoryPlan> plans,
                               const nic::ProcessSettings& process,
                               const std::vector<std::uint32_t>& cores,
                               const StartProgress& progress);

/// Opens the ports of one role for `cores` cores, and reports the properties of each.
Result<std::vector<nic::Device>> open_devices(const nic::ProcessSettings& process,
                                              std::size_t cores, const StartProgress& progress);

}  // namespace mayfly::run
