// Addresses, networks and ranges in their written form.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"

namespace mayfly::config {

/// Both ends are included.
struct AddressRange {
  Ipv4Address first, last;
};

/// A network.
struct AddressPrefix {
  Ipv4Address address;
  std::uint8_t length = 32;  ///< bits of the address that count, 0..32
};

/// TCP ports in host order; both ends are included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
};

/// "198.18.0.1": a unicast address. Unspecified, loopback, multicast and broadcast ones are errors.
Result<Ipv4Address> parse_ipv4(std::string_view text);

/// "02:00:00:00:00:01": the address of one station, not a group and not all zero.
Result<MacAddress> parse_mac(std::string_view text);

/// "198.18.1.1" or "198.18.1.1-198.18.1.100"; the first not after the last, at most 65,536
/// addresses.
Result<AddressRange> parse_address_range(std::string_view text);

/// "198.18.0.1/15" or "198.18.1.1-198.18.1.100/15"; prefix 1 to 32. All are hosts of that network:
/// not its own address, nor its broadcast address.
Result<link::InterfaceAddress> parse_interface_address(std::string_view text);

/// "10.0.0.0/8": any network, with no bit set beyond its length of 0 to 32.
Result<AddressPrefix> parse_prefix(std::string_view text);

/// "8080" or "1024-65535"; from 1, the first not after the last.
Result<PortRange> parse_port_range(std::string_view text);

/// Text that the functions above read as the same value.
std::string format_range(Ipv4Address first, Ipv4Address last);
std::string format_interface_address(const link::InterfaceAddress& address);
std::string format_prefix(const AddressPrefix& prefix);

/// True if `address` is in the network of `own`.
bool is_on_link(const link::InterfaceAddress& own, Ipv4Address address);

/// True if all of `inner` is in `outer`.
bool covers(const AddressPrefix& outer, const AddressPrefix& inner);

}  // namespace mayfly::config
