// The EAL for tests that need devices: once a process, without huge pages, PCI or files.
#pragma once

#include <cstdint>
#include <string>

#include "nic/device.h"
#include "nic/eal.h"

namespace mayfly::testing {

/// Fails the program when the EAL does not start. It runs on the first CPU that the process may
/// use.
nic::Eal& eal();

/// A pair of in-memory devices, opened for so many cores each.
struct OpenPair {
  nic::Device a, b;
};
OpenPair open_pair(std::uint32_t cores_a = 1, std::uint32_t cores_b = 1, std::uint16_t queues = 1);

}  // namespace mayfly::testing
