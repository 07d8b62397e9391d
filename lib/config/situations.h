// The experiments that compare policies in a situation: each policy as it is, with the clock, the
// table and the close order of the situation.
#pragma once

#include <string>

#include "config/settings.h"
#include "lab/settings.h"

namespace mayfly::config {

/// The experiment of `policy`, without its ends.
LabExperiment experiment_in(const lab::SituationSettings& situation, const std::string& policy);

/// Gives the two ends the capacity and the clock of the situation, and for a proxy its close order.
void put_into(const lab::SituationSettings& situation, BothEnds& ends);

}  // namespace mayfly::config
