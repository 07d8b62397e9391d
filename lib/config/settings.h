// Everything that a configuration file can say, validated: each folder's own settings, composed to
// what a process is run with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/settings.h"
#include "base/time.h"
#include "lab/settings.h"
#include "load/settings.h"
#include "nic/settings.h"
#include "service/settings.h"

namespace mayfly::config {

struct ServeSettings : service::ServerSettings {
  nic::ProcessSettings process;
  admin::AdminSettings admin;
  Duration drain_timeout =
      Duration::from_s(10);  ///< Ctrl-C: open connections may take this long to finish
};

/// A program with an app of its own (run/program.h).
struct ProgramSettings : shard::EndSettings {
  nic::ProcessSettings process;
  admin::AdminSettings admin;
  Duration drain_timeout = Duration::from_s(10);  ///< as in ServeSettings
};

struct LoadSettings : load::ClientSettings {
  nic::ProcessSettings process;
  admin::AdminSettings admin;
};

/// Both ends under one policy, as a process runs them: the lab's own settings, a preset of
/// conf/policy/ over them, and what the experiment changes over that.
struct BothEnds {
  std::string name, policy;  ///< as in LabPair
  ServeSettings server;
  LoadSettings client;

  /// What the lab evaluates of it: all but how the process runs it.
  lab::LabPair lab_pair() const { return {name, policy, server, client}; }
};

struct LabExperiment : BothEnds, lab::ExperimentAim {
  lab::ExperimentSettings lab_settings() const { return {lab_pair(), *this}; }
};

enum class LabWire : std::uint8_t { ring, memif };

/// Experiments with server and generator as two cores of one process.
struct LabSettings {
  LabWire wire = LabWire::ring;
  Duration sample = Duration::from_ms(100);  ///< between two samples
  std::vector<LabExperiment> experiments;    ///< in the order in which they run
  lab::HazardSettings hazards;               ///< run after them
};

}  // namespace mayfly::config
