// Where a result comes from: this program, this machine, this configuration.
#pragma once

#include <string>

#include "lab/result.h"

namespace mayfly::app {

/// `config_file`: read again, so that the result can say what it was made with.
lab::LabOrigin origin_of(const std::string& config_file);

}  // namespace mayfly::app
