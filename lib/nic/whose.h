// Whose a received frame is, on a port that the kernel has a part of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "link/interface.h"

namespace mayfly::nic {

enum class Whose : std::uint8_t {
  ours,
  kernel,
  both,  ///< what neighbours and routers say of themselves
};

/// Decides by addresses, and for ARP and neighbour discovery by what is asked. What is malformed,
/// and what is for another station, is ours: the parser knows why it drops it. Never reads outside
/// `frame`. `interface`: our place on the port.
Whose whose_is(std::span<const std::byte> frame, const link::Interface& interface) noexcept;

}  // namespace mayfly::nic
