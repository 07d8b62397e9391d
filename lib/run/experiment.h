// One experiment of the lab: server and generator as cores of this process on a pair of devices,
// with regular samples of the counters of both.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "lab/result.h"
#include "nic/clock.h"
#include "nic/eal.h"
#include "run/lab_ends.h"
#include "run/stop.h"

namespace mayfly::run {

/// The memory plans of the experiment that needs most memory. Experiments run one after the other.
std::vector<MemoryPlan> largest_plans(const config::LabSettings& lab);

/// Called with each sample, on the thread that runs the experiment.
using OnSample = std::function<void(const lab::LabSample&)>;

/// Runs an experiment to its end, or until a stop is asked for (ExperimentRun::interrupted). Frames
/// that are still between the devices afterwards are discarded. Fails if there is no memory, or the
/// server has nothing to serve.
Result<lab::ExperimentRun> run_experiment(const config::LabExperiment& settings,
                                          Duration sample_every, LabDevices& devices, nic::Eal& eal,
                                          const nic::TscClock& clock, const StopAsked& stop_asked,
                                          const OnSample& on_sample);

}  // namespace mayfly::run
