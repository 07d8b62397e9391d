// What the kernel says of this machine: its network interfaces, what it does with a PCI device, and
// which processors may be used. Read only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nic/unfit.h"

namespace mayfly::nic {

/// A network interface of this process's network namespace.
struct HostInterface {
  std::uint32_t index = 0;  ///< the kernel never gives it to another
  bool is_up = false;       ///< `ip link set dev ... up`
  bool has_carrier = false;
  bool is_ethernet = false;  ///< or a loopback, whose frames look the same
  std::uint32_t mtu = 0;
};

/// Nothing if there is no such interface.
std::optional<HostInterface> host_interface(const std::string& name);
/// "lo, eth0".
std::string host_interface_names();

/// The other end of a veth pair, if that is in this network namespace too. `root` is where /sys is.
std::optional<std::string> far_end_of(const std::string& name, const std::string& root = "");
/// Whether the interface leaves checksums to a device, or sends more than its MTU at once: on a
/// veth nobody computes them and nobody cuts it.
bool leaves_work_to_a_device(const std::string& name);

/// Where DPDK's drivers are.
std::string pmd_folder();
/// The driver of a virtual device, such as "net_memif" of "net_memif0,id=0".
struct MissingDriver {
  std::string driver;
  std::vector<std::string> there;  ///< those that are installed
};
/// Nothing if DPDK is installed with it.
std::optional<MissingDriver> missing_driver(std::string_view device,
                                            const std::string& folder = pmd_folder());

/// Why a PCI device is not to be taken from the kernel: it is not there, or it may be this
/// machine's own way to the world. Nothing if it may be taken. `root` is where /sys and /proc are.
std::optional<Unfit> why_pci_is_not_free(std::string_view address, const std::string& root = "");

/// The processors that this process may run on.
std::vector<std::uint32_t> allowed_cpus();

}  // namespace mayfly::nic
