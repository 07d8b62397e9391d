// Settings that follow from others unless the file says otherwise.
#pragma once

#include <string>

#include "config/rules.h"
#include "config/settings.h"

namespace mayfly::config {

/// `file` is the configuration file: its folder is where relative ones begin.
void derive(ServeSettings& settings, const Scope& scope, const std::string& file);
void derive(ProgramSettings& settings, const Scope& scope);
void derive(LoadSettings& settings, const Scope& scope);

/// What the lab starts from, before any file is read.
BothEnds lab_defaults();
/// Addresses and ports by which the two ends find each other.
void derive(BothEnds& pair, const Scope& server, const Scope& client, const std::string& file);
/// `scope` is the experiment's own part of the file.
void derive(LabExperiment& experiment, const Scope& scope);

}  // namespace mayfly::config
