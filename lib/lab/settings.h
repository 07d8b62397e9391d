// Settings that the lab evaluates and compares: experiments, and policies under hazards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "load/settings.h"
#include "service/settings.h"
#include "world/settings.h"

namespace mayfly::lab {

/// Both ends under one policy.
struct LabPair {
  std::string name;    ///< unique in the lab; letters, digits, '-' and '.'
  std::string policy;  ///< name of the preset, without ".yaml"; empty = none
  service::ServerSettings server;
  load::ClientSettings client;
};

/// What an experiment is expected to show. The lab compares the measured rate with it.
enum class Expectation : std::uint8_t {
  none,
  flat,      ///< the offered rate is carried all the time
  bound,     ///< the rate settles at what the arithmetic allows (Little's law)
  collapse,  ///< at most half of what is offered, and it swings
};

/// The aim of an experiment.
struct ExperimentAim {
  std::string title;       ///< one line for the report; empty = the name
  std::uint8_t story = 0;  ///< its place in the tour: 1 to 6; 0 = none
  Expectation expect = Expectation::none;
  Duration warm_up = Duration::from_s(1);  ///< from the start; not in the figures
  /// It measures what this machine carries; the experiments after it may be offered a share of
  /// that.
  bool calibrates = false;
  double share = 0;  ///< of the calibration, 0..1: what is offered; 0 = client.load.rate
  std::optional<world::Situation> situation;  ///< in which its policy is compared
};

/// A situation, in which all policies meet the same load, sources and table.
struct SituationSettings {
  world::Situation situation = world::Situation::many_clients;
  std::string title;  ///< one line for the report; empty = that of the situation
  double share = 0.8;
  /// The clock runs faster by this: the holds of all policies are divided by it, so that a minute
  /// passes within the experiment.
  std::uint32_t clock = 1;
  std::uint32_t capacity = 0;  ///< TIME_WAIT entries a server core under every policy; 0 = its own
  Duration warm_up = Duration::from_ms(250);
};

struct ExperimentSettings : LabPair, ExperimentAim {};

/// The hazard lab: the policies in simulated worlds.
struct HazardSettings : world::HazardWorldSettings {
  std::vector<LabPair> policies;  ///< only tcp, close, fin_wait_2 and time_wait are used
};

}  // namespace mayfly::lab
