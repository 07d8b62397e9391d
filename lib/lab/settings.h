// What the lab evaluates and compares: experiments, and policies under hazards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "link/settings.h"
#include "load/settings.h"
#include "service/settings.h"

namespace mayfly {

/// Both ends under one policy.
struct LabPair {
  std::string name;    ///< unique in the lab; letters, digits, '-' and '.'
  std::string policy;  ///< the preset's name, that is its file's without ".yaml"; empty = none
  ServerSettings server;
  ClientSettings client;
};

/// What an experiment is to show. The lab holds the measured rate against it.
enum class Expectation : std::uint8_t {
  none,
  flat,      ///< the offered rate, all the time
  bound,     ///< the rate settles at what the arithmetic allows (Little's law)
  collapse,  ///< at most half of what is offered, and swinging
};

/// What an experiment is about.
struct ExperimentAim {
  std::string title;       ///< one line for the report; empty = the name
  std::uint8_t story = 0;  ///< its place in the tour: 1 to 5; 0 = none
  Expectation expect = Expectation::none;
  Duration warm_up = Duration::from_s(1);  ///< from the start; not in the figures
};

struct ExperimentSettings : LabPair, ExperimentAim {};

/// The hazard lab: the policies over a simulated link that loses, delays, doubles and reorders.
struct HazardSettings {
  std::uint64_t seed = 1;
  std::uint32_t connections = 2'000;  ///< of each kind of client, for each policy
  /// Entries of a server whose policy does not refuse, at most: as scarce as in a busy one. 0 = as
  /// the policy says.
  std::uint32_t capacity = 0;
  bool nat = true;                ///< many hosts behind one address, each with its own clock
  FaultSettings link;             ///< `seed` is not used
  std::vector<LabPair> policies;  ///< only tcp, close, fin_wait_2 and time_wait count
};

}  // namespace mayfly
