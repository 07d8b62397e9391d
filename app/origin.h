// The origin of a result: this program, this machine, this configuration.
#pragma once

#include <string>

#include "lab/result.h"

namespace mayfly::app {

/// `config_file` is read again, so that the result contains its text.
lab::LabOrigin origin_of(const std::string& config_file);

}  // namespace mayfly::app
