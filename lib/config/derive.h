// Defaults that depend on other settings. They are set unless the file sets the key.
#pragma once

#include <string>

#include "config/rules.h"
#include "config/settings.h"

namespace mayfly::config {

/// `file` is the configuration file: relative folders begin at its folder.
void derive(ServeSettings& settings, const Scope& scope, const std::string& file);
void derive(ProgramSettings& settings, const Scope& scope);
void derive(LoadSettings& settings, const Scope& scope);

/// The defaults of the lab, before a file is read.
BothEnds lab_defaults();
/// Sets addresses and ports so that the two ends reach each other.
void derive(BothEnds& pair, const Scope& server, const Scope& client, const std::string& file);
/// `scope` is the part of the file for this experiment.
void derive(LabExperiment& experiment, const Scope& scope);

/// Makes the load last for `duration`, and the warm-up the same part of it as before.
void last_for(LabExperiment& experiment, Duration duration);

}  // namespace mayfly::config
