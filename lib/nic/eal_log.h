// Keeps the log of DPDK for error messages.
#pragma once

namespace mayfly::nic {

/// Redirects the log of DPDK into memory, where take_eal_log reads it. Call it before rte_eal_init.
void keep_eal_log();

}  // namespace mayfly::nic
