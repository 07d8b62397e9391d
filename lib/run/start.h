// From settings to running devices: the EAL and the ports. Nothing is printed here: who starts
// them hears how it gets on.
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

/// What a start tells its caller. Both are called on the caller's thread.
struct StartProgress {
  /// What there is to know: the memory plan, what memory the EAL took, what each device is. One or
  /// more lines, the last one not ended.
  std::function<void(const std::string& text)> on_step;
  /// Called about ten times a second while a device waits for its other end; false gives up.
  std::function<bool(const std::string& waiting_for)> on_wait;
};

/// Tells the memory plan, refuses what cannot be (an error of usage), and starts the EAL for
/// `cores` in all.
Result<nic::Eal> start_process(std::span<const MemoryPlan> plans,
                               const nic::ProcessSettings& process,
                               const std::vector<std::uint32_t>& cores,
                               const StartProgress& progress);

/// Opens the ports of one role, for so many cores, and tells what each got.
Result<std::vector<nic::Device>> open_devices(const nic::ProcessSettings& process,
                                              std::size_t cores, const StartProgress& progress);

}  // namespace mayfly::run
