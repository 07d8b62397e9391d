// Configuration files to settings: YAML, overrides, every error at once. doc/configuration.md
// lists the keys.
#pragma once

#include <span>
#include <string>

#include "config/error.h"
#include "config/settings.h"

namespace mayfly {

/// Reads the file at `path` and lays the overrides, "KEY=VALUE" each as given to --set, over it.
/// Whatever is not in either has the default of settings.h. Folders come back relative to the
/// file's own folder. Reads no file beside that one, but looks whether folders to be served are
/// there. Throws nothing.
Loaded<ServeSettings> read_serve_settings(const std::string& path,
                                          std::span<const std::string> overrides = {});
Loaded<LoadSettings> read_load_settings(const std::string& path,
                                        std::span<const std::string> overrides = {});

/// The lab's own defaults are: 198.18.0.1/15 on core 0 for the server, which listens on port 80
/// for HTTP; 198.18.1.1-198.18.1.100/15 on core 1 for the client, which connects to that. Each has
/// just one port, without a device, as the lab makes the pair.
Loaded<LabSettings> read_lab_settings(const std::string& path,
                                      std::span<const std::string> overrides = {});

}  // namespace mayfly
