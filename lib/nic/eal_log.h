// How DPDK's log is kept for error messages.
#pragma once

namespace mayfly::nic {

/// Redirects DPDK's log into memory, from where take_eal_log gets it. Before rte_eal_init.
void keep_eal_log();

}  // namespace mayfly::nic
