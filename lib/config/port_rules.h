// What must hold of the addresses of a port, in either family. Part of rules.h.
#pragma once

#include <string>
#include <vector>

#include "config/rules.h"

namespace mayfly::config {

/// Of the ports that were checked before.
struct SeenAddresses {
  std::vector<link::InterfaceAddress> four;
  std::vector<link::InterfaceAddress6> six;
};
/// Checks the addresses and the gateway of the port at `path`, and adds the addresses to `seen`.
void check_addresses(const nic::PortSettings& port, const std::string& path, const Scope& scope,
                     SeenAddresses& seen);

/// What must hold of a port whose interface the kernel keeps by `xdp: share`.
void check_xdp(const nic::PortSettings& port, const std::string& path, const Scope& scope);

/// Is it one of the port's addresses, in one of their networks, or behind its gateway?
bool is_own(const nic::PortSettings& port, Ipv4Address address);
bool is_own(const nic::PortSettings& port, const Ipv6Address& address);
bool is_on_link(const nic::PortSettings& port, Ipv4Address address);
bool is_on_link(const nic::PortSettings& port, const Ipv6Address& address);
bool can_reach(const nic::PortSettings& port, Ipv4Address address);
bool can_reach(const nic::PortSettings& port, const Ipv6Address& address);

}  // namespace mayfly::config
