// The text that names a device: DPDK's devargs ("net_memif0,role=client,id=0") or a PCI address.
#pragma once

#include <string>
#include <string_view>

namespace mayfly::nic {

/// The name of a device. "net_memif0" of "net_memif0,role=client"; a PCI address is its own name.
std::string_view device_name(std::string_view devargs);

/// The value of one key of devargs, or empty.
std::string_view device_argument(std::string_view devargs, std::string_view key);

/// The same devargs with this value of the key, whatever there was.
std::string with_argument(std::string_view devargs, std::string_view key, std::string_view value);

/// True for "0000:03:00.0" and "03:00.0".
bool is_pci_address(std::string_view devargs);

}  // namespace mayfly::nic
