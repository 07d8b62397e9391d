// Two devices connected in memory, for a server and a generator as two cores of one process.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace mayfly::nic {

/// The names of two devices, for PortSettings::device. What one sends the other receives, queue by
/// queue.
struct RingPair {
  std::string a, b;
};

/// `ring_size`: frames in each direction and queue, rounded up to a power of two. Set
/// PortSettings::descriptors to the same, as the frames in a ring come from the pool of the sender.
/// `queues`: 1..16 each way. The rings live until the EAL ends.
Result<RingPair> make_ring_pair(const std::string& name, std::uint32_t ring_size,
                                std::uint16_t queues = 1);

}  // namespace mayfly::nic
