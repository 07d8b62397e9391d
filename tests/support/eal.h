// DPDK's environment for programs that need its memory and nothing else of it.
#pragma once

#include <rte_eal.h>

#include <array>

namespace mayfly::testing {

/// Starts it, once a process: no hugepages, no devices, no files shared with others.
inline bool start_eal() {
  std::array<const char*, 9> arguments{
      "mayfly_test",    "--no-huge", "--no-shconf", "--no-pci",
      "--no-telemetry", "-m",        "256",         "--log-level=lib.eal:error",
      nullptr};
  const int count = static_cast<int>(arguments.size()) - 1;
  return rte_eal_init(count, const_cast<char**>(arguments.data())) >= 0;
}

}  // namespace mayfly::testing
