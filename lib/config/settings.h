// All settings that a configuration file can have, validated: the settings of each folder, composed
// to those of a process.
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

/// `mayfly serve`.
struct ServeSettings : service::ServerSettings {
  nic::ProcessSettings process;
  admin::AdminSettings admin;
  admin::LogSettings log;
  /// The file with what outlives the process (run/state_file.h), "auto" or "none".
  std::string state = "auto";
  shard::ClusterSettings cluster;
  /// After Ctrl-C, the time for open connections to finish before they are reset.
  Duration drain_timeout = Duration::from_s(10);
};

/// A program with its own app (run/program.h).
struct ProgramSettings : shard::EndSettings {
  nic::ProcessSettings process;
  admin::AdminSettings admin;
  Duration drain_timeout = Duration::from_s(10);  ///< as in ServeSettings
};

/// `mayfly load`.
struct LoadSettings : load::ClientSettings {
  nic::ProcessSettings process;
  admin::AdminSettings admin;
  std::string state = "auto";  ///< as in ServeSettings
};

/// Both ends of an experiment: the settings of the lab, a preset of conf/policy/ laid over them,
/// and the changes by the experiment over that.
struct BothEnds {
  std::string name, policy;  ///< as in LabPair
  ServeSettings server;
  LoadSettings client;

  /// The part that the lab evaluates: without the settings of the process.
  lab::LabPair lab_pair() const { return {name, policy, server, client}; }
};

/// One experiment.
struct LabExperiment : BothEnds, lab::ExperimentAim {
  lab::ExperimentSettings lab_settings() const { return {lab_pair(), *this}; }
};

/// What connects the two ends: rings of frames, or shared memory.
enum class LabWire : std::uint8_t { ring, memif };

/// Experiments with server and generator as two cores of one process.
struct LabSettings {
  LabWire wire = LabWire::ring;
  Duration sample = Duration::from_ms(100);  ///< time between two samples
  std::vector<LabExperiment> experiments;    ///< in the order in which they run
  lab::HazardSettings hazards;               ///< run after them
  /// In each of them the policies of `hazards` are run; they are among `experiments`, at the end.
  std::vector<lab::SituationSettings> situations;
};

}  // namespace mayfly::config
