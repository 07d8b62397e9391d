// One experiment of the lab: server and generator as two cores of this process on a pair of
// devices, with a look at both every so often.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "lab/result.h"
#include "nic/clock.h"
#include "nic/device.h"
#include "nic/eal.h"
#include "run/memory_plan.h"
#include "run/stop.h"

namespace mayfly::run {

/// Both ends' devices, open for all experiments of a lab.
struct LabDevices {
  std::vector<nic::Device> server, client;
};

/// The memory plans of the experiment that takes most; the others come before or after it.
std::vector<MemoryPlan> largest_plans(const config::LabSettings& lab);

/// Called with each sample.
using OnSample = std::function<void(const lab::LabSample&)>;

/// Runs it to its end, or until a stop is asked for (ExperimentRun::interrupted). Frames that
/// are still between the devices afterwards are gone. Fails when there is no memory, or the server
/// has nothing to serve.
Result<lab::ExperimentRun> run_experiment(const config::LabExperiment& settings,
                                          Duration sample_every, LabDevices& devices, nic::Eal& eal,
                                          const nic::TscClock& clock, const StopAsked& stop_asked,
                                          const OnSample& on_sample);

}  // namespace mayfly::run
