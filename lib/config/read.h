// Configuration files to settings: YAML, overrides, every error at once. doc/configuration.md
// lists the keys.
#pragma once

#include <span>
#include <string>

#include "config/error.h"
#include "config/machine.h"
#include "config/settings.h"

namespace mayfly::config {

/// Reads the file at `path`, lays a preset over it, and over that the overrides, each "KEY=VALUE"
/// as given to --set. Keys that are in none of them have the default of settings.h. Relative
/// folders are taken from the folder of the file. `policy` names the preset: a path if it has a '/'
/// or ends in
/// ".yaml", else a file of conf/policy/ (see Presets); empty = none. Reads no other file, but
/// checks that folders to be served exist. The settings are also held against `machine`. Throws
/// nothing.
Loaded<ServeSettings> read_serve_settings(const std::string& path,
                                          std::span<const std::string> overrides = {},
                                          const std::string& policy = "",
                                          const Machine& machine = {});
Loaded<ProgramSettings> read_program_settings(const std::string& path,
                                              std::span<const std::string> overrides = {},
                                              const std::string& policy = "",
                                              const Machine& machine = {});
Loaded<LoadSettings> read_load_settings(const std::string& path,
                                        std::span<const std::string> overrides = {},
                                        const std::string& policy = "",
                                        const Machine& machine = {});

/// The two ends of an experiment are the file's `server` and `client`, with a preset laid over
/// them, and the experiment's own keys over that. Overrides are laid over the file, and so under
/// the presets, unless they name an experiment. Without experiments and hazards there is one
/// experiment, "run". The defaults of the lab are: the server has 198.18.0.1/15 and core 0, and
/// listens on port 80 for HTTP; the client has 198.18.1.1-198.18.1.100/15 and core 1, and connects
/// to it. Each has one port, without a device, as the lab makes the devices.
Loaded<LabSettings> read_lab_settings(const std::string& path,
                                      std::span<const std::string> overrides = {},
                                      const Machine& machine = {});

/// The two ends of a file like those, for the live lab: as its `server` and `client` say, the
/// preset laid over them, and over that the overrides ("server.time_wait.hold=5s").
Loaded<BothEnds> read_live_pair(const std::string& path, const std::string& policy,
                                std::span<const std::string> overrides = {},
                                const Machine& machine = {});

/// Both ends with the keys of a preset alone. `policy` is its name, or a file like those of
/// conf/policy/.
Loaded<BothEnds> read_policy(const std::string& policy);

enum class FileKind : std::uint8_t { serve, load, lab, policy };

/// What a file is for, by the keys that it and the overrides have. A file that tells nothing is one
/// of serve.
FileKind kind_of(const std::string& path, std::span<const std::string> overrides = {});

}  // namespace mayfly::config
