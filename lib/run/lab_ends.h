// Both ends of a lab: a server and a generator as cores of this process, on a pair of devices.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "nic/clock.h"
#include "nic/device.h"
#include "nic/eal.h"
#include "run/load_run.h"
#include "run/memory_plan.h"
#include "run/serve_run.h"
#include "run/start.h"

namespace mayfly::run {

/// Both ends' devices, open for all that a lab runs.
struct LabDevices {
  std::vector<nic::Device> server, client;

  static Result<LabDevices> open(const config::BothEnds& settings, const StartProgress& progress);
};

/// What the server needs, and what the client does.
std::vector<MemoryPlan> plans_of(const config::BothEnds& settings);

/// Both runs. All calls are for the control thread.
struct LabEnds {
  std::unique_ptr<ServeRun> server;
  std::unique_ptr<LoadRun> client;

  /// All arguments outlive the runs. Fails if there is no memory, or the server has nothing to
  /// serve.
  static Result<LabEnds> create(const config::BothEnds& settings, LabDevices& devices,
                                const nic::TscClock& clock);
  /// On the first workers of the EAL, those of the server first.
  void start(nic::Eal& eal, const config::BothEnds& settings);
  /// Resets open connections and ends the poll loops.
  void stop();
};

}  // namespace mayfly::run
