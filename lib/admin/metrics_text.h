// The counters in Prometheus' text format: names and help texts come from the lists that make the
// JSON. doc/control.md says how a name follows from a key.
#pragma once

#include <string>

#include "admin/reading.h"

namespace mayfly::admin {

std::string metrics_text(const Reading& reading);

}  // namespace mayfly::admin
