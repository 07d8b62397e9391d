// Every key of every configuration file, declared once: name, place in the settings, form and
// meaning.
#pragma once

#include <cstdint>
#include <string>

#include "config/form.h"
#include "config/settings.h"

namespace mayfly::config {

/// What provides the ports: devices that the file names, or the lab, which makes its own pair.
enum class Wiring : std::uint8_t { devices, lab };

Schema<ServeSettings> serve_schema(Wiring wiring = Wiring::devices);
/// A program with an app of its own; `close` is for the app to follow.
Schema<ProgramSettings> program_schema();
Schema<LoadSettings> load_schema(Wiring wiring = Wiring::devices);

/// The two ends of an experiment, when all layers are merged.
Schema<BothEnds> pair_schema();

/// What a preset says of itself. Nothing that runs depends on it.
struct PresetAbout {
  std::uint32_t place = 0;  ///< among the presets, from 1 on; 0 = after all others
  std::string harm;         ///< what it costs however much room there is; empty = nothing
};

/// A preset of conf/policy/: what it changes at either end.
struct PresetFile : BothEnds {
  PresetAbout about;
};
Schema<PresetFile> policy_schema();

/// The lab's own file. `base` and the ends of the experiments are layers here: checked key by key,
/// and of no use until they are merged.
struct LabFile : LabSettings {
  BothEnds base, hazard_base;
};
Schema<LabFile> lab_schema();

}  // namespace mayfly::config
