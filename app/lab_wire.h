// The wire between the lab's two ends.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace mayfly::app {

constexpr std::uint16_t kRingSize = 16'384;

/// The devices at the two ends of a wire.
struct LabWireEnds {
  std::string server, client;
};

/// Makes a wire for as many cores as these ends have. The EAL has been started.
Result<LabWireEnds> make_wire(config::LabWire wire, const config::BothEnds& ends);

}  // namespace mayfly::app
