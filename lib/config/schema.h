// Every key of every configuration file, declared once: name, place in the settings, form and
// meaning.
#pragma once

#include "config/form.h"
#include "config/settings.h"

namespace mayfly {

/// What provides the ports: devices that the file names, or the lab, which makes its own pair.
enum class Wiring : std::uint8_t { devices, lab };

Schema<ServeSettings> serve_schema(Wiring wiring = Wiring::devices);
Schema<LoadSettings> load_schema(Wiring wiring = Wiring::devices);
Schema<LabSettings> lab_schema();

}  // namespace mayfly
