// The facts about the presets of conf/policy that `mayfly plan` calculates with.
#pragma once

#include <string>
#include <vector>

#include "config/error.h"
#include "plan/demand.h"

namespace mayfly::config {

/// Those of every preset that --policy finds by its name beside the configuration file `config`
/// (empty = in the current folder; see Presets), in the order of `about.place`, then by name. Empty
/// if there are none. A mistake in any of them is an error.
Loaded<std::vector<plan::PresetFacts>> read_preset_facts(const std::string& config = "");

}  // namespace mayfly::config
