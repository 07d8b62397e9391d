// Configuration files to settings: YAML, overrides, every error at once. doc/configuration.md
// lists the keys.
#pragma once

#include <span>
#include <string>

#include "config/error.h"
#include "config/settings.h"

namespace mayfly::config {

/// Reads the file at `path`, lays a preset over it and the overrides, "KEY=VALUE" each as given to
/// --set, over that. Whatever is in none of them has the default of settings.h. Folders come back
/// relative to the file's own folder. `policy` names the preset: a path if it has a '/' or ends in
/// ".yaml", else a file of conf/policy/ (see Presets); empty = none. Reads no other file, but looks
/// whether folders to be served are there. Throws nothing.
Loaded<ServeSettings> read_serve_settings(const std::string& path,
                                          std::span<const std::string> overrides = {},
                                          const std::string& policy = "");
Loaded<ProgramSettings> read_program_settings(const std::string& path,
                                              std::span<const std::string> overrides = {},
                                              const std::string& policy = "");
Loaded<LoadSettings> read_load_settings(const std::string& path,
                                        std::span<const std::string> overrides = {},
                                        const std::string& policy = "");

/// Each pair of ends is the file's own `server` and `client`, a preset over these, and what the
/// experiment says over that. Overrides are laid over the file, so under the presets, unless they
/// name an experiment. Without experiments and hazards there is one experiment, "run". The lab's
/// own defaults are: 198.18.0.1/15 on core 0 for the server, which listens on port 80
/// for HTTP; 198.18.1.1-198.18.1.100/15 on core 1 for the client, which connects to that. Each has
/// just one port, without a device, as the lab makes the pair.
Loaded<LabSettings> read_lab_settings(const std::string& path,
                                      std::span<const std::string> overrides = {});

/// Both ends as a preset has them and nothing else: its name, or a file like those of conf/policy/.
Loaded<BothEnds> read_policy(const std::string& policy);

}  // namespace mayfly::config
