// Every key of every configuration file, declared once: name, place in the settings, form and
// meaning.
#pragma once

#include <cstdint>
#include <string>

#include "config/form.h"
#include "config/settings.h"

namespace mayfly::config {

/// Where the ports come from: devices that the file names, or a pair that the lab makes.
enum class Wiring : std::uint8_t { devices, lab };

Schema<ServeSettings> serve_schema(Wiring wiring = Wiring::devices);
/// A program with its own app, which has to obey `close` itself.
Schema<ProgramSettings> program_schema();
Schema<LoadSettings> load_schema(Wiring wiring = Wiring::devices);

/// The two ends of an experiment, when all layers are merged.
Schema<BothEnds> pair_schema();

/// How a preset is listed. It has no effect on a run.
struct PresetAbout {
  std::uint32_t place = 0;  ///< its position among the presets, from 1; 0 = after all others
  std::string harm;         ///< the harm that it does however much room there is; empty = none
};

/// A preset of conf/policy/: the changes to both ends.
struct PresetFile : BothEnds {
  PresetAbout about;
};
Schema<PresetFile> policy_schema();

struct SituationFile : BothEnds, lab::SituationSettings {};

/// The file of a lab. `base` and the ends of the experiments are layers here: they are checked key
/// by key, and complete only when they are merged.
struct LabFile : LabSettings {
  BothEnds base, hazard_base;
  std::vector<SituationFile> situation_files;
};
Schema<LabFile> lab_schema();

}  // namespace mayfly::config
